import { expect, it } from 'vitest'
import { type Batch, batchOf, beside, type Columns, type Schema } from '../../pipeline/batch.ts'
import { type exampleColumns, exampleRows, examplesOf } from '../../pipeline/measures/examples.ts'
import { responseQuality } from '../../pipeline/measures/response-quality.ts'
import { style } from '../../pipeline/measures/style.ts'
import { textTerms } from '../../pipeline/measures/text-terms.ts'
import { type PairInput, pairsOf } from '../drive.ts'

const context = { seed: 0, file: async () => new Uint8Array(0) }

async function rowsOf(input: readonly PairInput[], style_p?: readonly (number | null)[]): Promise<Columns<typeof exampleColumns>> {
  const pairs = pairsOf(input) as unknown as Batch
  let batch = beside(pairs, { schema: { prompt_cluster: 'id' }, rows: pairs.rows, columns: { prompt_cluster: pairs.columns.prompt_id } })
  for (const { measure, params } of [textTerms.with({ max_terms: 64 }), responseQuality.with({}), style.with({})])
    batch = beside(batch, batchOf(measure.adds(params) as Schema, pairs.rows, await (await measure.open(params, context))(pairs)))
  if (style_p) {
    const column = { values: Float32Array.from(style_p, p => p ?? 0), valid: Uint8Array.from(style_p, p => (p === null ? 0 : 1)) }
    batch = beside(batch, batchOf({ style_p: 'f32' } as Schema, pairs.rows, { style_p: column }))
  }
  return exampleRows(batch, ['test', 'other'], 5)
}

it('puts the pairs of a prompt cluster in one fold, and numbers sources', async () => {
  const rows = await rowsOf([{ prompt: 'p', source: 'other' }, { prompt: 'q' }, { prompt: 'p', chosen: 'x' }])
  expect(rows.fold.values[0]).toBe(rows.fold.values[2])
  expect([...rows.source.values]).toEqual([1, 0, 0])
  const many = await rowsOf(Array.from({ length: 50 }, (_, i) => ({ prompt: `${i}` })))
  expect(new Set(many.fold.values).size).toBe(5)
})

it('says how styles differ, and turns with the pair', async () => {
  const rows = await rowsOf([
    { chosen: 'one two three', rejected: 'one' },
    { chosen: 'one', rejected: 'one two three' },
    { chosen: 'a', rejected: 'b' },
  ])
  const { style: differences } = examplesOf(rows, 3, 5)
  const [first, second, third] = [0, 1, 2].map(i =>
    Array.from(differences.values.subarray(i * differences.width, (i + 1) * differences.width)),
  )
  expect(first[0]).toBeCloseTo((3 - 1) / (3 + 1 + 1))
  expect(first.at(-1)).toBe(1)
  expect(second).toEqual(first.map(d => 0 - d))
  expect(third.every(d => d === 0)).toBe(true)
})

it('takes an earlier style_p as log odds, within bounds', async () => {
  const pairs = [{}, {}, {}, {}]
  expect([...(await rowsOf(pairs, [0.75, 1, 0, null])).style_odds.values]).toEqual([Math.fround(Math.log(3)), 6, -6, 0])
  expect([...(await rowsOf(pairs)).style_odds.values]).toEqual([0, 0, 0, 0])
})
