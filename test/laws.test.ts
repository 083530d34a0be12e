/** Laws that hold for every registered stage, without being asked. A new stage is under them as soon as it is in the registry. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Batch, beside, gather, type Schema, select } from '../pipeline/batch.ts'
import { pairFacts, pairTexts, placeFacts } from '../pipeline/pair.ts'
import type { Stage } from '../pipeline/stage.ts'
import { stages } from '../stages/index.ts'
import { type Driven, type DriveOptions, driveStage, type PairInput, pairsOf } from './drive.ts'

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
const result = ({ verdicts, adds, summary }: Driven): unknown => ({ verdicts, adds: adds.columns, summary })

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
  const law = (name: string, variant: (reached: { pairs: Batch; upstream: Batch }) => DriveOptions): void =>
    it(name, async () => {
      const property = fc.asyncProperty(corpus, async input => {
        const reached = await reachedBy(stage, input)
        if (reached.pairs.rows === 0) return
        const drive = (more: DriveOptions): Promise<Driven> =>
          driveStage(stage, paramsOf(stage), reached.pairs, { ...options, upstream: reached.upstream, ...more })
        expect(result(await drive(variant(reached)))).toEqual(result(await drive({})))
      })
      await fc.assert(property, { seed: SEED, numRuns: 12 })
    })

  law('says the same twice', () => ({}))
  law('says the same for any cut into batches', () => ({ batch_rows: 1 }))
  law('says the same for batches of seven', () => ({ batch_rows: 7 }))
  law('is blind to the order of rows and parts in reduce and combine', () => ({ shuffle_seed: 7 }))

  it('describes itself and every param', () => {
    expect(stage.doc).toMatch(/^[A-Z].{20,}\.$/)
    const shape = (stage.params as unknown as { shape: Record<string, { description?: string }> }).shape
    for (const [name, param] of Object.entries(shape)) expect(param.description, `${stage.name}.${name}`).toBeTruthy()
    expect(stage.params.safeParse(paramsOf(stage)).success).toBe(true)
  })

  it('names its columns as the ledger does', () => {
    const adds = (typeof stage.adds === 'function' ? {} : stage.adds) as Schema
    for (const name of Object.keys(adds)) expect(name).toMatch(/^[a-z][a-z0-9_]*$/)
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
  const vocabulary = /^pipeline\/(batch|pair|stage|scorer|judgement|errors)\.ts$/
  const allowed: readonly (readonly [RegExp, RegExp])[] = [
    [/^pipeline\/kernels\//, /^pipeline\/(kernels\/|batch\.ts)/],
    [/^pipeline\/(batch|errors)\.ts$/, /^$/],
    [/^pipeline\/measures\//, /^pipeline\/(measures|kernels|codecs)\/|^pipeline\/(batch|pair|stage|scorer|errors)\.ts$/],
    [/^pipeline\/(buckets|near-duplicates)\.ts$/, /^pipeline\/(measures|kernels)\/|^pipeline\/(batch|pair|stage|errors|buckets)\.ts$/],
    [
      /^stages\/(?!index)/,
      /^pipeline\/(measures|kernels|codecs)\/|^pipeline\/(batch|pair|stage|scorer|judgement|errors|buckets|near-duplicates)\.ts$/,
    ],
    [/^pipeline\/(formats|codecs)\//, /^pipeline\/(formats|codecs|kernels)\/|^pipeline\/(batch|pair|stage|errors)\.ts$/],
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
    expect(files.filter(file => vocabulary.test(file)).length).toBe(6)
  })
})
