// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${VAR} is what users write
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../pipeline/config.ts'
import { bytesOf } from '../pipeline/config-schema.ts'
import { planOf } from '../pipeline/plan.ts'

const BASE = 'name: t\nsources: [{ path: a.jsonl }]\nsteps:\n  - structure\n'

function write(text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'goldpan-config-'))
  writeFileSync(join(dir, 'a.jsonl'), '{"prompt":"p","chosen":"c","rejected":"r"}\n')
  writeFileSync(join(dir, 'scored.jsonl'), '{"prompt":"p","chosen":"c","rejected":"r","scores":{"rmA":[1,0],"rmB":[2,1]}}\n')
  writeFileSync(join(dir, 'bench.jsonl'), '{"benchmark":"gsm","id":"1","text":"one two three"}\n')
  writeFileSync(join(dir, 'c.yaml'), text)
  return join(dir, 'c.yaml')
}

async function messageOf(text: string, set: string[] = []): Promise<string> {
  const path = write(text)
  const error = await Promise.resolve()
    .then(() => planOf(loadConfig(path, set)))
    .then(() => new Error('accepted'))
    .catch((e: Error) => e)
  return `${error.name}: ${error.message.replaceAll(path, 'c.yaml')}`
}

describe('loadConfig', () => {
  it.each([
    ['an unknown key', `${BASE}seeed: 1\n`, /^UserError: c\.yaml:5: seeed: unknown key; did you mean "seed"\? \(known: name, /],
    [
      'an unknown key of a source',
      BASE.replace('a.jsonl', 'a.jsonl, fromat: hh'),
      /c\.yaml:2: sources\.0\.fromat: unknown key; did you mean "format"\?/,
    ],
    ['a wrong type', `${BASE}seed: many\n`, /c\.yaml:5: seed: .*expected number/],
    [
      'an unknown stage',
      BASE.replace('structure', 'structur'),
      /c\.yaml:4: steps\.structur: unknown stage "structur"; did you mean "structure"\? \(known: /,
    ],
    [
      'an unknown param',
      `${BASE}  - near-dup: { treshold: 0.8 }\n`,
      /c\.yaml:5: steps\.near-dup\.treshold: unknown key; did you mean "threshold"\?/,
    ],
    [
      'a param of a wrong type',
      `${BASE}  - near-dup:\n      threshold: high\n`,
      /c\.yaml:6: steps\.near-dup\.threshold: .*expected number/,
    ],
    ['a format that is none', BASE.replace('a.jsonl', 'a.jsonl, format: csv'), /c\.yaml:2: sources\.0\.format: .*"pair"/],
    ['a missing file', BASE.replace('a.jsonl', 'b.jsonl'), /c\.yaml:2: b\.jsonl: no such file or folder/],
    ['a glob without a match', BASE.replace('a.jsonl', '"*.parquet"'), /c\.yaml:2: \*\.parquet: no file matches/],
    ['a folder without data', BASE.replace('a.jsonl', '/proc/self/attr'), /the folder holds no/],
    [
      'an unset variable',
      BASE.replace('a.jsonl', '"${NO_SUCH_VARIABLE_}/a"'),
      /\$\{NO_SUCH_VARIABLE_\}: this environment variable is not set/,
    ],
    [
      'two stages in one step',
      `${BASE}  - { near-dup: {}, decide: {} }\n`,
      /c\.yaml:5: steps\.1: expected one stage a step, got near-dup, decide/,
    ],
    ['no YAML', 'name: [\n', /c\.yaml:\d+: not YAML/],
    ['a list', '- a\n', /c\.yaml:1: expected a mapping/],
    ['a bad expectation', `${BASE}expect: ["train is big"]\n`, /c\.yaml:5: "train is big": expected "path operator number"/],
    ['a size that is none', `${BASE}output: { shard_bytes: large }\n`, /c\.yaml:5: output\.shard_bytes: .*256MiB/],
    ['a column that nothing adds', `${BASE}  - disagreement\n`, /accepted|reads column/],
    ['a step without a stage', `${BASE}  -\n`, /c\.yaml:5: steps\.1: expected the name of a stage, or a stage with its params/],
    [
      'an id that no path could name',
      `${BASE}  - { near-dup: {}, id: a.b }\n`,
      /c\.yaml:5: steps\.near-dup: id: expected letters.*got "a\.b"$/,
    ],
    ['a missing param', `${BASE}  - licenses\n`, /c\.yaml:5: steps\.licenses\.allow: missing, expected array$/],
    ['a licence list without any', `${BASE}allow_licenses: []\n`, /c\.yaml:5: allow_licenses: names no licence, so no pair would be kept$/],
    [
      'an unknown key far down',
      `${BASE}  - verification-sample: { weights: { dout: 1 } }\n`,
      /c\.yaml:5: steps\.verification-sample\.weights\.dout: unknown key; did you mean "doubt"\? \(known: doubt, against, /,
    ],
    [
      'an unknown key of a model, by the kind of model that was meant',
      `${BASE}models: { m: { http: "http://127.0.0.1:1", protocol: vllm, modl: x } }\n`,
      /c\.yaml:5: models\.m\.modl: unknown key; did you mean "model"\?/,
    ],
    [
      'a model of a name that no column can have',
      `${BASE}models: { 1st: { onnx: x } }\n`,
      /c\.yaml:5: models\.1st: expected a name that begins with a letter/,
    ],
  ])('refuses %s with file, line and what is known', async (_, text, message) => {
    expect(await messageOf(text)).toMatch(message)
  })

  it('refuses YAML aliases by the million without expanding them', async () => {
    const bomb = ['a0: &a0 [x, x]', ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}]`)].join('\n')
    expect(await messageOf(bomb)).toMatch(/^UserError: c\.yaml: Excessive alias count/)
  })

  it('takes one value from --set, and refuses a step that is not there', async () => {
    const loaded = loadConfig(write(`${BASE}  - near-dup\n`), ['steps.near-dup.threshold=0.7', 'seed=7', 'output.format=arrow'])
    expect(loaded.steps[1].params).toEqual({ threshold: 0.7 })
    expect([loaded.config.seed, loaded.config.output.format]).toEqual([7, 'arrow'])
    expect(await messageOf(BASE, ['steps.near-dup.threshold=1'])).toMatch(/no step "near-dup" \(known: structure\)/)
    expect(await messageOf(BASE, ['seed'])).toMatch(/expected path=value/)
  })

  it('takes a value inside a param, and the whole list of steps', () => {
    const config = write(`${BASE}  - verification-sample: { budget: { money: 5, per_answer: 1 } }\n`)
    expect(loadConfig(config, ['steps.verification-sample.budget.money=9']).steps[1].params).toEqual({
      budget: { money: 9, per_answer: 1 },
    })
    expect(loadConfig(config, ['steps=[exact-dedup]']).steps.map(({ id }) => id)).toEqual(['exact-dedup'])
  })

  it.each([
    ['steps.structure=1', '--set steps.structure=1: expected a param of the step'],
    ['name.x=1', '--set name.x=1: name is a single value'],
    ['seed=[1', '--set seed=[1: not YAML: Flow sequence must end with a ] at line 1, column 3:'],
    ['sources.1.source=b', '--set sources.1.source=b: a list of 1 has no 1; its first is 0'],
    ['outptu.format=arrow', 'c.yaml:1: outptu: unknown key; did you mean "output"?'],
  ])('refuses --set %s in one line', async (set, message) => expect(await messageOf(BASE, [set])).toContain(`UserError: ${message}`))

  it('takes no key of --set for one of all objects', async () => {
    expect(await messageOf(BASE, ['__proto__.polluted=1'])).toContain('UserError: c.yaml:1: __proto__: unknown key')
    expect('polluted' in {}).toBe(false)
  })

  it('gives a stage that stands twice two ids', () => {
    const { steps } = loadConfig(write(`${BASE}  - structure: { max_text_bytes: 10 }\n  - { structure: {}, id: last }\n`))
    expect(steps.map(s => s.id)).toEqual(['structure', 'structure-2', 'last'])
  })
})

describe('planOf', () => {
  const SCORED = BASE.replace('a.jsonl', 'scored.jsonl')
  it.each([
    [
      'strata of no column',
      `${BASE}  - verification-sample: { strata: [sourc] }\n`,
      'c.yaml:5: steps.verification-sample: reads column sourc, which no earlier step adds; did you mean "source"?',
    ],
    [
      'strata of a column that makes none',
      `${BASE}  - verification-sample: { strata: [prompt_id] }\n`,
      'c.yaml:5: steps.verification-sample: strata: column prompt_id is id; name columns of text, labels or numbers',
    ],
    [
      'overrides for no benchmark',
      `${BASE}  - decontaminate: { overrides: { gms: { ngram: 8 } } }\nbenchmarks: [bench.jsonl]\n`,
      'c.yaml:5: steps.decontaminate: overrides: no benchmark is called "gms"; did you mean "gsm"? (known: gsm)',
    ],
    [
      'a gold model that scores nothing',
      `${SCORED}  - score\n  - disagreement: { gold_model: rmC }\n`,
      'c.yaml:6: steps.disagreement: gold_model: no model "rmC"; did you mean "rma"? (known: bt_text, bt_quality, bt_graph, rma, rmb)',
    ],
    [
      'a best model without a gold one',
      `${SCORED}  - score\n  - disagreement: { best_model: rmA }\n`,
      'c.yaml:6: steps.disagreement: best_model: needs gold_model beside it',
    ],
    [
      'weights of an audit that is not named',
      `${SCORED}  - score\n  - disagreement: { weights: audit }\n`,
      'c.yaml:6: steps.disagreement: weights: audit needs a file under `audit`',
    ],
    [
      'an audit that is none',
      `${SCORED}  - score\n  - disagreement: { audit: bench.jsonl }\n`,
      'c.yaml:6: steps.disagreement: bench.jsonl: problems: expected what `goldpan audit-rm FILE --json` prints',
    ],
    [
      'several turns in a layout without them',
      BASE.replace('structure', 'structure: { allow_several_turns: true }'),
      'c.yaml:4: steps.structure: allow_several_turns: needs output.layout: conversations, which is prompt',
    ],
    [
      'a signal that is no column',
      `${BASE}output: { signals: [jacard] }\n`,
      'c.yaml:5: output.signals: jacard: no such column of the ledger',
    ],
  ])('refuses %s', async (_, text, message) => expect(await messageOf(text)).toContain(`UserError: ${message}`))

  it.each([
    ['gold_model', 'disagreement: { gold_model: rmA, best_model: rmB }'],
    ['dual', 'disagreement\n  - decide: { dual: { gold: rmA, best: rmB } }'],
  ])('knows models of the rows: %s', async (_, steps) => {
    expect(await messageOf(`${SCORED}  - exact-dedup\n  - near-dup\n  - score\n  - ${steps}\n`)).toBe('Error: accepted')
  })
})

describe('bytesOf', () => {
  it.each([
    ['256MiB', 268435456],
    ['1.5 GB', 1500000000],
    [1024, 1024],
    ['lots', undefined],
    ['1 lb', undefined],
  ])('%s', (text, bytes) => expect(bytesOf(text)).toBe(bytes))
})
