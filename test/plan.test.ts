import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../pipeline/config.ts'
import { type Plan, planOf } from '../pipeline/plan.ts'
import { plannedFile } from '../pipeline/planned-file.ts'

const ROW = '{"prompt":"p","chosen":"c","rejected":"r"}\n'
const BENCH = '{"benchmark":"b","id":"1","text":"one two three"}\n'

interface Parts {
  readonly files?: Readonly<Record<string, string>>
  readonly source?: string
  readonly benchmark?: string
  readonly steps?: readonly string[]
  readonly more?: string
}

async function plan({
  files = {},
  source = 'a.jsonl',
  benchmark = 'bench.jsonl',
  steps = ['structure', 'exact-dedup', 'near-dup: { threshold: 0.8 }', 'decontaminate'],
  more = '',
}: Parts = {}): Promise<Plan> {
  const dir = mkdtempSync(join(tmpdir(), 'goldpan-plan-'))
  for (const [name, text] of Object.entries({ 'a.jsonl': ROW, 'bench.jsonl': BENCH, ...files })) {
    mkdirSync(join(dir, name, '..'), { recursive: true })
    writeFileSync(join(dir, name), text)
  }
  const path = join(dir, 'c.yaml')
  writeFileSync(
    path,
    `name: p\nsources: [{ path: ${source} }]\nbenchmarks: [${benchmark}]\nsteps:\n${steps.map(s => `  - ${s}\n`).join('')}${more}`,
  )
  return (await planOf(loadConfig(path))).plan
}

const keys = (p: Plan): Record<string, string> => Object.fromEntries(p.steps.map(s => [s.id, s.key]))
const measures = (p: Plan): string[] => p.steps.flatMap(s => s.measures.map(m => m.key))

describe('files', () => {
  it('are hashed a few at once, however many there are', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'goldpan-plan-'))
    for (let i = 0; i < 60; i++) writeFileSync(join(dir, `${i}.jsonl`), ROW)
    writeFileSync(join(dir, 'c.yaml'), 'name: p\nsources: [{ path: "*.jsonl" }]\nsteps: [structure]\n')
    let [open, most] = [0, 0]
    const { plan } = await planOf(loadConfig(join(dir, 'c.yaml')), async file => {
      most = Math.max(most, ++open)
      const planned = await plannedFile(file)
      open--
      return planned
    })
    expect(plan.inputs.map(input => input.path)).toEqual(Array.from({ length: 60 }, (_, i) => `${i}.jsonl`).sort())
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(16)
  })
})

describe('keys', () => {
  it('do not depend on where the config lies', async () => {
    expect(await plan()).toEqual(await plan())
  })

  it('follow a changed param down the chain, and nowhere else', async () => {
    const before = keys(await plan())
    const after = keys(await plan({ steps: ['structure', 'exact-dedup', 'near-dup: { threshold: 0.7 }', 'decontaminate'] }))
    expect([after.structure, after['exact-dedup']]).toEqual([before.structure, before['exact-dedup']])
    expect(after['near-dup']).not.toBe(before['near-dup'])
    expect(after.decontaminate).not.toBe(before.decontaminate)
  })

  it('of measures do not depend on earlier steps', async () => {
    const after = await plan({
      steps: ['structure: { max_text_bytes: 99 }', 'exact-dedup', 'near-dup: { threshold: 0.8 }', 'decontaminate'],
    })
    expect(measures(after).slice(1)).toEqual(measures(await plan()).slice(1))
    expect(measures(after).length).toBeGreaterThan(2)
  })

  it('know a benchmark by its bytes, not by its folder', async () => {
    const before = keys(await plan())
    expect(keys(await plan({ files: { 'moved/bench.jsonl': BENCH }, benchmark: 'moved/bench.jsonl' })).decontaminate).toBe(
      before.decontaminate,
    )
    expect(keys(await plan({ files: { 'bench.jsonl': BENCH.replace('three', 'four') } })).decontaminate).not.toBe(before.decontaminate)
  })

  it('of corpus-wide steps know every input, those before them none', async () => {
    const before = keys(await plan())
    const after = keys(await plan({ files: { 'b.jsonl': ROW }, source: '"*l.jsonl"'.replace('*l', '{a,b}') }))
    expect(after.structure).toBe(before.structure)
    expect(after['exact-dedup']).not.toBe(before['exact-dedup'])
  })
})

describe('steps', () => {
  it('get prompt-clusters in front of the first step that needs it', async () => {
    const { steps } = await plan({ steps: ['structure', 'style-bias', 'decontaminate'] })
    expect(steps.map(s => s.id)).toEqual(['structure', 'prompt-clusters', 'style-bias', 'decontaminate'])
    const split = await plan({ steps: ['structure'], more: 'output: { splits: { validation: 0.1 } }\n' })
    expect(split.steps.map(s => s.id)).toEqual(['structure', 'prompt-clusters'])
  })

  it('resolve the benchmarks of the config into their own params', async () => {
    const { steps } = await plan()
    expect(steps.find(s => s.id === 'decontaminate')!.params).toMatchObject({ benchmarks: ['bench.jsonl'] })
    expect(steps.find(s => s.id === 'decontaminate')!.files).toHaveLength(1)
  })
})

it('looks for the model of output.margin among models and in the first rows', async () => {
  const more = (margin: string): string => `output: { margin: ${margin} }\n`
  const scored = '{"prompt":"p","chosen":"c","rejected":"r","scores":{"my rm":[2,1]}}\n'
  const files = { 'a.jsonl': ROW + scored }
  const steps = ['structure', 'score']
  for (const margin of ['bt_text', 'my_rm']) await plan({ files, steps, more: more(margin) })
  await expect(plan({ files, steps, more: more('my_mr') })).rejects.toThrow(
    /c\.yaml:\d+: output\.margin: no step gives a margin of a model "my_mr"; did you mean "my_rm"\? \(known: bt_text, bt_quality, bt_graph, my_rm\)$/,
  )
  await expect(plan({ files, steps: ['structure'], more: more('my_rm') })).rejects.toThrow(/"my_rm"; add the step score$/)
})

it('looks for the scores of output.signals likewise, instead of writing nulls', async () => {
  const more = (signal: string): string => `output: { signals: [${signal}] }\n`
  const files = { 'a.jsonl': `${ROW}{"prompt":"p","chosen":"c","rejected":"r","scores":{"my rm":[2,1]}}\n` }
  const steps = ['structure', 'score', 'disagreement']
  for (const signal of ['p_my_rm', 'margin_my_rm', 'p_bt_text', 'human']) await plan({ files, steps, more: more(signal) })
  for (const signal of ['p_my_mr', 'margin_my_mr'])
    await expect(plan({ files, steps, more: more(signal) })).rejects.toThrow(
      new RegExp(`c\\.yaml:\\d+: output\\.signals: no step adds "${signal}"; did you mean "${signal.replace('mr', 'rm')}"\\? \\(known: `),
    )
  await expect(plan({ files, steps: ['structure'], more: more('p_my_rm') })).rejects.toThrow(
    /no step adds "p_my_rm".*; add the step disagreement$/,
  )
  // columns that only later steps read are in no ledger
  await expect(plan({ files, steps: [...steps, 'verification-sample', 'decide'], more: more('p_my_mr') })).rejects.toThrow(
    /\(known: (?!.*\b(prompt_cluster|stratum|flip|models_outcome)\b)/,
  )
})

it('refuses a file that two sources name, by whatever path', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'goldpan-plan-'))
  writeFileSync(join(dir, 'a.jsonl'), ROW)
  symlinkSync(join(dir, 'a.jsonl'), join(dir, 'b.jsonl'))
  const path = join(dir, 'c.yaml')
  for (const twice of ['"*.jsonl"', 'a.jsonl }, { path: ./a.jsonl', 'a.jsonl }, { path: b.jsonl']) {
    writeFileSync(path, `name: p\nsources: [{ path: ${twice} }]\nsteps: [structure]\n`)
    await expect(planOf(loadConfig(path))).rejects.toThrow(
      /c\.yaml:2: .*: sources\.0 reads this file already, and its pairs would count twice/,
    )
  }
})
