/** Laws that hold for every registered stage, without being asked. A new stage is under them as soon as it is in the registry. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Batch, beside, select } from '../pipeline/batch.ts'
import { gather } from '../pipeline/gather.ts'
import { lawsOf } from '../pipeline/laws/laws.ts'
import { pairFacts, pairTexts, placeFacts } from '../pipeline/pair.ts'
import type { Stage } from '../pipeline/stage.ts'
import { stages } from '../stages/index.ts'
import { type DriveOptions, driveStage, type PairInput, pairsOf } from './drive.ts'

const SEED = 42
const BENCHMARK = '{"benchmark":"b","id":"1","text":"alpha beta gamma delta alpha beta gamma delta alpha beta gamma delta alpha beta"}\n'
const params: Readonly<Record<string, object>> = { decontaminate: { benchmarks: ['b.jsonl'] }, licenses: { allow: ['MIT', 'unstated'] } }

const word = fc.constantFrom('alpha', 'beta', 'gamma', 'delta', 'ein', '水', '火', '**bold**', '42', '\n- item', '🙂', '')
const text = fc.array(word, { maxLength: 30 }).map(words => words.join(' '))
const pair: fc.Arbitrary<PairInput> = fc.record({
  prompt: text,
  chosen: text,
  rejected: text,
  source: fc.constantFrom('a', 'b'),
  label_kind: fc.constantFrom('human' as const, 'ai' as const),
  tie: fc.boolean().map(t => t && true),
  priority: fc.integer({ min: 0, max: 2 }),
  votes: fc.array(
    fc.record({ annotator: fc.constantFrom('x', 'y'), vote: fc.constantFrom('chosen' as const, 'rejected' as const, 'tie' as const) }),
    { maxLength: 3 },
  ),
})
/** Few texts over many pairs, so that duplicates, conflicts and shared prompts are common. */
const corpus = fc
  .tuple(fc.array(pair, { minLength: 3, maxLength: 12 }), fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { minLength: 1, maxLength: 40 }))
  .map(([pool, picks]) =>
    picks.map(
      ([a, b, c]): PairInput => ({
        ...pool[a % pool.length],
        chosen: pool[b % pool.length].chosen,
        rejected: pool[c % pool.length].rejected,
      }),
    ),
  )

const paramsOf = (stage: Stage): object => params[stage.name] ?? {}
const options: DriveOptions = { files: { 'b.jsonl': BENCHMARK } }

/** The pairs as a stage of a real build sees them: those that earlier stages left, with what they added. */
async function reachedBy(stage: Stage, input: readonly PairInput[]): Promise<{ pairs: Batch; upstream: Batch }> {
  let pairs: Batch = pairsOf(input)
  let upstream: Batch = { schema: {}, rows: pairs.rows, columns: {} }
  for (const before of stages.values()) {
    if (before.name === stage.name) break
    const { verdicts, adds } = await driveStage(before, paramsOf(before), pairs, { ...options, upstream })
    const stay = Int32Array.from(verdicts.keys()).filter(i => verdicts[i].reason === null)
    const facts = Object.keys({ ...pairFacts, ...pairTexts, ...placeFacts })
    upstream = gather(beside(upstream, adds), stay)
    pairs = gather(select(pairs, facts), stay)
  }
  return { pairs, upstream }
}

describe.each([...stages.values()].map(stage => [stage.name, stage] as const))('%s', (_, stage) => {
  it('keeps the laws', async () => {
    const property = fc.asyncProperty(corpus, async input => {
      const { pairs, upstream } = await reachedBy(stage, input)
      if (pairs.rows > 0) await lawsOf(stage, paramsOf(stage), pairs, { ...options, upstream })
    })
    await fc.assert(property, { seed: SEED, numRuns: 12 })
  })
})

describe('imports', () => {
  const root = resolve(import.meta.dirname, '..')
  const files = ['pipeline', 'stages'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.ts'))
      .map(file => `${folder}/${file}`),
  )
  const imports = (file: string): string[] =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/from '(\.[^']+)'/g)].map(([, path]) =>
      relative(root, resolve(root, file, '..', path)),
    )
  const vocabulary = /^pipeline\/(batch|gather|concat|pair|stage|scorer|judgement|errors)\.ts$/
  const allowed: readonly (readonly [RegExp, RegExp])[] = [
    [/^pipeline\/kernels\//, /^pipeline\/(kernels\/|(batch|gather|concat)\.ts)/],
    [/^pipeline\/(batch|errors)\.ts$/, /^$/],
    [/^pipeline\/(gather|concat)\.ts$/, /^pipeline\/batch\.ts$/],
    [/^pipeline\/measures\//, /^pipeline\/(measures|kernels|codecs)\/|^pipeline\/(batch|gather|concat|pair|stage|scorer|errors)\.ts$/],
    [
      /^pipeline\/(buckets|near-duplicates)\.ts$/,
      /^pipeline\/(measures|kernels)\/|^pipeline\/(batch|gather|concat|pair|stage|errors|buckets)\.ts$/,
    ],
    [
      /^stages\/(?!index)/,
      /^pipeline\/(measures|kernels|codecs)\/|^pipeline\/(batch|gather|concat|pair|stage|scorer|judgement|errors|buckets|near-duplicates)\.ts$/,
    ],
    [
      /^pipeline\/(formats|codecs)\//,
      /^pipeline\/(formats|codecs|kernels)\/|^pipeline\/(batch|gather|concat|pair|stage|errors|version)\.ts$/,
    ],
  ]

  it('go down only: kernels <- batch <- stage <- stages <- engine', () => {
    const wrong = files.flatMap(file => {
      const rule = allowed.find(([from]) => from.test(file))
      return rule
        ? imports(file)
            .filter(to => !rule[1].test(to))
            .map(to => `${file} -> ${to}`)
        : []
    })
    expect(wrong).toEqual([])
    expect(files.filter(file => vocabulary.test(file)).length).toBe(8)
  })
})
