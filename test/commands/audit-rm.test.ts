import { existsSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { auditRewards, type RewardAudit } from '../../pipeline/reward-audit.ts'
import { freshDir, goldpan, ROOT } from '../cli.ts'
import { onnxFolder } from '../onnx-folder.ts'

const dir = freshDir('audit-rm')

function fileOf(name: string, rows: readonly object[]): string {
  const file = join(dir, name)
  writeFileSync(file, rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  return file
}

function audited(name: string, rows: readonly object[], ...flags: string[]): RewardAudit {
  const { code, stdout, stderr } = goldpan(['audit-rm', fileOf(name, rows), '--json', ...flags])
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as RewardAudit
}

describe('audit-rm', () => {
  it('audits one right response against wrong ones, by category, with scores, wins and scores of steps', () => {
    const { models, categories, problems } = audited('problems.jsonl', [
      { id: 1, subset: 'a', correct_index: 1, scores: { rm: [1, 3, 3], judge: [1, 0.5], prm: [[0.9, 0.1], [0.5, 0.4], [0.2]] } },
      { id: 2, subset: 'b', scores: { rm: [3, 2, 1], judge: [1, 1], prm: [[1], [0.4], [0.2, 0.9]] } },
      { id: 3, subset: 'b', scores: { rm: [1, null, 2], judge: [0, 1], prm: [[1], [0.4], [0.2]] } },
    ])
    expect([problems, categories]).toEqual([3, ['a', 'b']])
    const of = (name: string) => models.find(({ model }) => model === name)!
    expect(of('rm')).toMatchObject({ problems: 2, unscored: 1, accuracy: 0.5, accuracy_ties: 1, mean_rank: 1.5, mrr: 0.75 })
    expect(of('judge')).toMatchObject({ problems: 3, accuracy_ties: 0.66666667, mean_rank: 1.6666667, mrr: 0.66666667 })
    expect(of('rm').categories).toMatchObject({ a: { accuracy: 0, accuracy_ties: 1 }, b: { accuracy: 1, mrr: 1 } })
    expect(
      models
        .filter(({ model }) => model.startsWith('prm:'))
        .map(({ model, accuracy }) => [model.slice(4), accuracy])
        .sort(),
    ).toEqual([
      ['geomean', 1],
      ['last', 1],
      ['max', 0.66666667],
      ['mean', 0.66666667],
      ['min', 1],
      ['prod', 0.66666667],
    ])
    expect(models.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 6)
  })

  it('audits pairs, and leaves out ties', () => {
    const pair = { prompt: 'p', chosen: 'a', rejected: 'b' }
    const { models, ties_left_out } = audited('pairs.jsonl', [
      { ...pair, scores: { rm: [2, 1] } },
      { ...pair, scores: { rm: [1, 1] } },
      { ...pair, scores: { rm: [0, 1] }, tie: true },
    ])
    expect(ties_left_out).toBe(1)
    expect(models[0]).toMatchObject({
      accuracy: 0.5,
      accuracy_ties: 1,
      mrr: 0.75,
      random: { accuracy: 0.5, mrr: 0.75 },
      excess: 0,
      weight: 0,
    })
  })

  it('audits the styles of RM-Bench, whose file names the model', () => {
    const { models } = audited('my-model.jsonl', [
      { domain: 'chat', score_chosen: [1, 2, 3], score_rejected: [0, 2, 2.5] },
      { domain: 'math', score_chosen: [1, 1, 1], score_rejected: [0, 0, 0] },
    ])
    expect(models[0]).toMatchObject({ model: 'my-model', problems: 18, grid: { easy: 1, normal: 0.83333333, hard: 0.5, problems: 2 } })
    const { stdout } = goldpan(['audit-rm', join(dir, 'my-model.jsonl')])
    expect(stdout).toMatch(/by style +easy % +normal % +hard % +average %\nmy-model +100\.00 +83\.33 +50\.00 +77\.78\n/)
  })

  it.each([
    ['no scores', [{ prompt: 'p' }], 'row 0: scores: expected scores: {model:'],
    [
      'a short list',
      [{ solutions: ['a', 'b', 'c'], scores: { rm: [5] } }],
      'row 0: scores.rm: expected 3 scores, one a response, or 2 results from 0 to 1',
    ],
    ['text', [{ scores: { rm: [1, 'x'] } }], 'row 0: scores.rm.1: expected a number or null, got string "x"'],
    ['a place', [{ scores: { rm: [1, 2] }, correct_index: 2 }], 'row 0: correct_index: expected a whole number from 0 to 1, got number 2'],
    ['nothing', [{ scores: { rm: [1, null] } }], 'model rm: no problem has all its scores'],
  ])('names what is wrong: %s', async (name, rows, message) => {
    const path = fileOf(`bad ${name}.jsonl`, rows)
    await expect(auditRewards([{ shown: 'bad.jsonl', path }], { seed: 1 })).rejects.toThrow(message)
  })

  it('refuses a category that rows do not have, in one line', () => {
    const { code, stderr } = goldpan(['audit-rm', join(dir, 'pairs.jsonl'), '--by', 'topic'])
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^goldpan: .*pairs.jsonl: row 0: topic: expected text or a number to group by .*\n$/),
    ])
  })
})

const REAL = resolve(process.env.GOLDPAN_DATA ?? join(ROOT, '../shared/data'), 'rewardmath-scores.jsonl.gz')
if (!existsSync(REAL)) console.log(`skipped: the audit of real reward models, which is not at ${REAL}`)

describe.skipIf(!existsSync(REAL))('audit-rm of 31 real reward models and judges', () => {
  it('puts them in the published order, and tells how much ties matter', () => {
    const { models, problems } = JSON.parse(goldpan(['audit-rm', REAL, '--json']).stdout) as RewardAudit
    expect([problems, models.length]).toEqual([155, 31])
    const published = ['internlm2', 'skywork_llama3', 'ArmoRM', 'grm_gemma']
    expect(models.map(({ model }) => model).filter(model => published.includes(model))).toEqual(published)
    const of = (name: string) => models.find(({ model }) => model === name)!
    expect(of('internlm2').accuracy).toBeCloseTo(53 / 155, 6)
    expect([of('internlm2').mrr, of('skywork_llama3').mrr, of('ArmoRM').mrr].map(mrr => Math.round(100 * mrr))).toEqual([52, 47, 44])
    expect([of('prometheus_8x7B').accuracy, of('prometheus_8x7B').accuracy_ties].map(a => Math.round(100 * a))).toEqual([1, 74])
    expect(of('grm_gemma').weight).toBe(0)
    expect(of('Eurus-RM').temperature).toBeGreaterThan(100)
  })
})

describe('audit-rm --config', () => {
  const folder = onnxFolder()
  const config = join(dir, 'models.yaml')
  writeFileSync(config, `name: m\nsources: [{ path: none.jsonl }]\nsteps: [structure]\nmodels: { tiny: { onnx: ${folder} } }\n`)

  it('scores texts by the models of a config, beside scores that rows have', () => {
    const { models } = audited(
      'texts.jsonl',
      [
        { prompt: 'a', solutions: ['c', 'b'], correct_index: 0, scores: { rm: [0, 1] } },
        { prompt: 'a', chosen: 'b', rejected: 'c', scores: { rm: [2, 1] } },
      ],
      '--config',
      config,
    )
    // a word weighs more the later it is in the vocabulary, so `c` stands above `b`: right in the first row, wrong in the second
    expect(models.map(({ model, problems, accuracy }) => [model, problems, accuracy]).sort()).toEqual([
      ['rm', 2, 0.5],
      ['tiny', 2, 0.5],
    ])
    expect(models.find(({ model }) => model === 'tiny')!.mrr).toBe(0.75)
  })

  it('tries a model before it scores, as a build does', () => {
    const constant = join(dir, 'constant.yaml')
    const folder = onnxFolder({ weigh: () => 0 })
    writeFileSync(constant, `name: m\nsources: [{ path: none.jsonl }]\nsteps: [structure]\nmodels: { tiny: { onnx: ${folder} } }\n`)
    const { code, stderr } = goldpan([
      'audit-rm',
      fileOf('tried.jsonl', [{ prompt: 'a', chosen: 'b', rejected: 'c' }]),
      '--config',
      constant,
    ])
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^goldpan: models\.tiny: \S+: it gives every text the same score 0; .*\n$/)])
  })

  it('names the row whose texts are missing, and a config without models', () => {
    const rows = fileOf('no-texts.jsonl', [{ solutions: ['c', 'b'] }])
    expect(goldpan(['audit-rm', rows, '--config', config]).stderr).toMatch(/no-texts\.jsonl: row 0: prompt: is missing/)
    const empty = join(dir, 'empty.yaml')
    writeFileSync(empty, 'name: m\nsources: [{ path: none.jsonl }]\nsteps: [structure]\n')
    expect(goldpan(['audit-rm', rows, '--config', empty]).stderr).toContain('models: is empty')
  })
})
