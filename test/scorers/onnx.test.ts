import { rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { slice, utf8Of } from '../../pipeline/batch.ts'
import { UserError } from '../../pipeline/errors.ts'
import { OnnxScorer, openOnnx, openTriedOnnx } from '../../pipeline/scorers/onnx.ts'
import { pairsOf, type Text } from '../drive.ts'
import { type Made, onnxFolder, weights } from '../onnx-folder.ts'

const [, BOS, USER, ASSISTANT, SYSTEM, A, B, C, D, DOT] = weights

const made: string[] = []
const open: OnnxScorer[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map(scorer => scorer.close()))
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true })
})

function folderOf(options: Made = {}): string {
  const folder = onnxFolder(options)
  made.push(folder)
  return folder
}

async function opened(folder: string): Promise<OnnxScorer> {
  const scorer = await openOnnx('rm', folder, 'digest')
  open.push(scorer)
  return scorer
}

const scoresOf = async (scorer: OnnxScorer, rows: readonly (readonly [Text, string])[], cut?: Uint8Array): Promise<number[]> => {
  const { prompt } = pairsOf(rows.map(([prompt]) => ({ prompt }))).columns
  return Array.from(await scorer.score(prompt, utf8Of(rows.map(([, response]) => response)), cut))
}

describe('an ONNX folder', () => {
  it('scores prompt and response under its own template, with one BOS', async () => {
    const scorer = await opened(folderOf())
    const system = [
      { role: 'system', content: 'd' },
      { role: 'user', content: 'a' },
    ] as const
    expect(
      await scoresOf(scorer, [
        ['a', 'b'],
        ['a b', 'c'],
        [system, 'zzz'],
      ]),
    ).toEqual([BOS + USER + A + ASSISTANT + B, BOS + USER + A + B + ASSISTANT + C, BOS + SYSTEM + D + USER + A + ASSISTANT + 1])
    expect(scorer.id).toBe('rm digest')
  })

  it('takes the transformers.js layout and a quantised graph', async () => {
    for (const at of ['onnx/model.onnx', 'onnx/model_quantized.onnx', 'other.onnx'])
      expect(await scoresOf(await opened(folderOf({ at })), [['a', 'b']])).toEqual([BOS + USER + A + ASSISTANT + B])
  })

  it('gives prompt and response as a pair of texts to a model without a template', async () => {
    const scorer = await opened(folderOf({ template: null, max: 4 }))
    expect(
      await scoresOf(scorer, [
        ['a b', 'c'],
        ['d d d a b', 'c'],
        ['a', 'b c d .'],
      ]),
    ).toEqual([BOS + A + B + C, BOS + A + B + C, Number.NaN])
  })

  it('cuts the prompt from the left, never the response, and scores nothing where the response is too long', async () => {
    const scorer = await opened(folderOf({ max: 6 }))
    const cut = new Uint8Array(3)
    const rows = [
      ['a', 'b'],
      ['d d d c a', 'b .'],
      ['a', 'b b b b b b'],
    ] as const
    expect(await scoresOf(scorer, rows, cut)).toEqual([BOS + USER + A + ASSISTANT + B, BOS + C + A + ASSISTANT + B + DOT, Number.NaN])
    expect([...cut]).toEqual([0, 1, 0])
  })

  it('leaves unscored what its template refuses', async () => {
    const refusing = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}[assistant] {{ messages[-1].content }}"
    const scorer = await opened(folderOf({ template: refusing }))
    expect(
      await scoresOf(scorer, [
        ['a', 'b'],
        [[{ role: 'system', content: 'a' }], 'b'],
      ]),
    ).toEqual([BOS + ASSISTANT + B, Number.NaN])
  })

  it('knows no clock: a template that prints the date is the same every day', async () => {
    const scorer = await opened(
      folderOf({ template: "{% if strftime_now('%d') == '26 Jul 2024' %}[user]{% endif %} {{ messages[-1].content }}" }),
    )
    expect(await scoresOf(scorer, [['a', 'b']])).toEqual([BOS + USER + B])
  })

  it('scores rows of a slice, many rows, and none', async () => {
    const scorer = await opened(folderOf())
    const rows = Array.from({ length: 100 }, (_, i) => ['a', 'abcd'.slice(i % 4, (i % 4) + 1)] as const)
    const base = BOS + USER + A + ASSISTANT
    expect(await scoresOf(scorer, rows)).toEqual(rows.map((_, i) => base + [A, B, C, D][i % 4]))
    expect(await scoresOf(scorer, [])).toEqual([])
    const part = slice(pairsOf([{ prompt: 'd' }, { prompt: 'a' }, { prompt: 'b' }]), 1, 3)
    expect(Array.from(await scorer.score(part.columns.prompt, utf8Of(['c', 'c'])))).toEqual([base + C, base - A + B + C])
  })

  it('loses nothing and scores nothing twice when its process is killed', async () => {
    const scorer = await opened(folderOf())
    const rows = Array.from({ length: 3000 }, (_, i) => ['a', 'abcd'.slice(i % 4, (i % 4) + 1)] as const)
    const first = scorer.pid!
    const scoring = scoresOf(scorer, rows)
    setTimeout(() => process.kill(first, 'SIGKILL'), 60)
    expect(await scoring).toEqual(rows.map((_, i) => BOS + USER + A + ASSISTANT + [A, B, C, D][i % 4]))
    expect(scorer.pid).not.toBe(first)
    process.kill(scorer.pid!, 'SIGKILL')
    expect(await scoresOf(scorer, [['a', 'b']])).toEqual([BOS + USER + A + ASSISTANT + B])
  })

  it('loads again where its process is killed while it loads, and not for ever', async () => {
    const scorer = new OnnxScorer('rm', folderOf(), 'digest')
    open.push(scorer)
    const loading = scorer.open()
    const first = scorer.pid!
    process.kill(first, 'SIGKILL')
    await loading
    expect(scorer.pid).not.toBe(first)
    expect(await scoresOf(scorer, [['a', 'b']])).toEqual([BOS + USER + A + ASSISTANT + B])
    const doomed = new OnnxScorer('rm', folderOf(), 'digest')
    const failing = doomed.open()
    const killing = setInterval(() => doomed.pid && process.kill(doomed.pid, 'SIGKILL'), 2)
    await expect(failing.finally(() => clearInterval(killing))).rejects.toThrow('ended 3 times while it loaded the model')
  })

  it('queues calls, and leaves no process behind', async () => {
    const scorer = await opened(folderOf())
    const both = await Promise.all([scoresOf(scorer, [['a', 'b']]), scoresOf(scorer, [['a', 'c']])])
    expect(both).toEqual([[BOS + USER + A + ASSISTANT + B], [BOS + USER + A + ASSISTANT + C]])
    const { pid } = scorer
    await scorer.close()
    expect(() => process.kill(pid!, 0)).toThrow('ESRCH')
  })
})

describe('a folder that cannot be used', () => {
  const refused = async (made: Made, spoil: (folder: string) => void = () => undefined): Promise<string> => {
    const folder = folderOf(made)
    spoil(folder)
    const error = await openOnnx('rm', folder, '').then(
      () => undefined,
      (error: Error) => error,
    )
    expect(error).toBeInstanceOf(UserError)
    expect(error!.message).not.toContain('\n')
    return error!.message.replaceAll(folder, 'FOLDER')
  }

  it.each([
    ['no tokenizer', {}, 'tokenizer.json', 'models.rm: FOLDER: no tokenizer.json; save the tokenizer beside the graph'],
    ['no config', {}, 'config.json', 'models.rm: FOLDER: no config.json; export the model with'],
    ['no graph', {}, 'model.onnx', 'models.rm: FOLDER: no model.onnx, nor onnx/model.onnx'],
  ])('%s', async (_, made, missing, message) => {
    expect(await refused(made, folder => unlinkSync(join(folder, missing)))).toContain(message)
  })

  it.each<[string, Made, string]>([
    ['two labels', { labels: 2 }, 'models.rm: FOLDER: config.json: expected a reward model with 1 label, got 2 labels'],
    ['two logits', { logits: 2 }, 'models.rm: FOLDER/model.onnx: expected one logit a text, got 2 (shape 1 x 2)'],
    ['float16', { half: true }, 'models.rm: FOLDER/model.onnx: expected float32 logits, got float16; export with --dtype fp32'],
    ['an unknown operator', { op: 'Conjure' }, 'models.rm: FOLDER/model.onnx: onnxruntime cannot load it'],
    ['an unknown input', { input: 'pixel_values' }, 'models.rm: FOLDER/model.onnx: expected inputs input_ids, attention_mask'],
    ['a broken template', { template: '{% for %}' }, 'models.rm: FOLDER: chat template: cannot be used'],
  ])('%s', async (_, made, message) => expect(await refused(made)).toContain(message))

  it('a graph that is none', async () =>
    expect(await refused({}, folder => writeFileSync(join(folder, 'model.onnx'), 'not a graph'))).toContain('onnxruntime cannot load it'))

  it('a tokenizer that is none', async () => {
    expect(await refused({}, folder => writeFileSync(join(folder, 'tokenizer.json'), '{'))).toContain('tokenizer.json: not JSON')
    expect(await refused({}, folder => writeFileSync(join(folder, 'tokenizer.json'), '{}'))).toContain('tokenizer.json: cannot be used')
  })
})

describe('a trial before a run', () => {
  const said = (made: Made): Promise<string> =>
    openTriedOnnx('rm', folderOf(made), '').then(
      scorer => scorer.close().then(() => 'fit'),
      (error: Error) => (error instanceof UserError ? error.message : `bug: ${error.stack}`),
    )

  it.each<[string, Made]>([
    ['a model', {}],
    ['one without a template', { template: null }],
    ['one for which the texts are too long', { max: 6 }],
    ['one that takes long texts', { max: 4096 }],
    ['one for one text at a time', { heeds_mask: false, pads: false }],
  ])('passes %s', async (_, made) => expect(await said(made)).toBe('fit'))

  it.each<[string, Made, RegExp]>([
    ['one score for all', { weigh: () => 0 }, /gives every text the same score 0; look at its pad token/],
    ['NaN', { weigh: id => (id === 3 ? Number.NaN : id) }, /gives NaN or infinite scores \(to 6 of 6 texts\)/],
    ['one score for both responses', { template: '{{ messages[0].content }}' }, /both responses to a prompt the same score.*pad = eos/],
    ['chance', { draws: true }, /the score of one text changes by [\d.]+ with the order of the texts \(allowed: [\d.]+, which/],
    [
      'pads that count',
      { heeds_mask: false },
      /the score of one text changes by [\d.]+ in a batch \(allowed: [\d.]+, which is 0.05 of the largest score or of 1\); look at attention_mask/,
    ],
  ])('names %s', async (_, made, message) => expect(await said(made)).toMatch(message))
})
