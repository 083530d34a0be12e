/** What a run would do and why, over stores of real builds. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { Build, textsKey } from '../pipeline/build.ts'
import { loadConfig } from '../pipeline/config.ts'
import { lastBuild, outlookOf } from '../pipeline/outlook.ts'
import { planOf } from '../pipeline/plan.ts'
import { outlookLines } from '../pipeline/report/plan-text.ts'
import { Store } from '../pipeline/store.ts'
import { Bench, lines } from './built.ts'

const row = (name: string) => ({ prompt: `What of ${name}?`, chosen: `Good ${name} is good.`, rejected: `Bad ${name} is bad.` })
const bench = new Bench('outlook')
const fresh = (): string =>
  bench.config({ 'a.jsonl': [row('x'), row('y')], 'b.jsonl': [row('z')] }, 'steps: [structure, exact-dedup, near-dup]\n')

async function outlook(config: string, set: readonly string[] = [], out?: string) {
  const build = new Build(await planOf(loadConfig(config, set)), new Store(join(bench.dir, 'store')))
  const before = lastBuild(build, out)
  const parts = outlookOf(build, before)
  const todo = parts.filter(({ done, of }) => done !== of)
  return {
    build,
    text: outlookLines(parts, before),
    todo: Object.fromEntries(todo.map(({ part, done, of, why }) => [part, [done, of, why]])),
  }
}

it('is all of it at first, nothing after a run, and what a changed param touches after that', async () => {
  const config = fresh()
  expect((await outlook(config)).text).toEqual(['work: all of it; this is the first build of this name in this store'])
  const { out } = await bench.run(config)
  expect((await outlook(config)).text).toEqual(['work: none, everything is in the store; a run would only write the output folder'])
  const changed = ['steps.exact-dedup.swapped=drop_both']
  expect((await outlook(config, changed)).todo).toEqual({
    'exact-dedup': [0, 2, expect.stringMatching(/^steps\.exact-dedup\.swapped: \w+ -> drop_both$/)],
    'near-dup': [0, 2, 'comes after exact-dedup, which changed'],
    files: [0, undefined, 'made of what is above'],
  })
  await bench.run(config, ['seed=9'])
  expect((await outlook(config, changed)).todo['exact-dedup'][2]).toMatch(/^seed: 9 -> 42, steps\.exact-dedup/)
  expect((await outlook(config, changed, out)).todo['exact-dedup'][2]).toMatch(/^steps\.exact-dedup/)
})

it('of an added file is its own share and what sees the whole corpus; of a removed or renamed one no reading', async () => {
  const config = fresh()
  await bench.run(config)
  const text = readFileSync(config, 'utf8')
  writeFileSync(join(dirname(config), 'c.jsonl'), lines([row('new')]))
  writeFileSync(config, text.replace('{ path: b.jsonl, source: s }', '{ path: b.jsonl, source: s }, { path: c.jsonl, source: s }'))
  expect((await outlook(config)).todo).toEqual({
    ingest: [2, 3, 'c.jsonl added'],
    measure: [2, undefined, 'of the inputs to ingest'],
    structure: [2, undefined, 'of the shards that are new'],
    'exact-dedup': [0, undefined, 'it sees the whole corpus, and the inputs changed'],
    'near-dup': [0, undefined, 'it sees the whole corpus, and the inputs changed'],
    files: [0, undefined, 'made of what is above'],
  })
  writeFileSync(config, text.replace('{ path: a.jsonl, source: s }, ', ''))
  expect(Object.keys((await outlook(config)).todo)).toEqual(['exact-dedup', 'near-dup', 'files'])
  writeFileSync(join(dirname(config), 'd.jsonl'), lines([row('z')]))
  writeFileSync(config, text.replace('b.jsonl', 'd.jsonl'))
  expect((await outlook(config)).todo).toEqual({
    files: [3, 4, 'input b.jsonl: same bytes -> renamed to d.jsonl'].map((v, i) => (i < 2 ? expect.any(Number) : v)),
  })
})

it('of a renamed file whose name is its source is to read it again, and says how to be spared that', async () => {
  const config = fresh()
  const text = readFileSync(config, 'utf8').replaceAll(', source: s', '')
  writeFileSync(config, text)
  await bench.run(config)
  writeFileSync(join(dirname(config), 'other.jsonl'), lines([row('z')]))
  writeFileSync(config, text.replace('b.jsonl', 'other.jsonl'))
  expect((await outlook(config)).todo.ingest[2]).toMatch(/^other\.jsonl renamed, and its name is that of its source \(give it a `source:`/)
})

it('of an entry that the store has lost is that entry', async () => {
  const config = fresh()
  await bench.run(config)
  const { build } = await outlook(config)
  rmSync(build.store.path(textsKey(build.plan.inputs[1], 0)))
  expect((await outlook(config)).todo.ingest).toEqual([1, 2, 'not made yet, or no longer in the store'])
})
