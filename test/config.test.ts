// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${VAR} is what users write
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bytesOf, loadConfig } from '../pipeline/config.ts'
import { planOf } from '../pipeline/plan.ts'

const BASE = 'name: t\nsources: [{ path: a.jsonl }]\nsteps:\n  - structure\n'

function write(text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'goldpan-config-'))
  writeFileSync(join(dir, 'a.jsonl'), '{"prompt":"p","chosen":"c","rejected":"r"}\n')
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

  it('gives a stage that stands twice two ids', () => {
    const { steps } = loadConfig(write(`${BASE}  - structure: { max_text_bytes: 10 }\n  - { structure: {}, id: last }\n`))
    expect(steps.map(s => s.id)).toEqual(['structure', 'structure-2', 'last'])
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
