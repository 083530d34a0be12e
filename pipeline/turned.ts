/** The texts of pairs, picked with the sides of some of them exchanged. */
import { type Batch, batchOf, type Column, type Schema, turnsOf } from './batch.ts'
import { pick } from './gather.ts'
import { pairTexts } from './pair.ts'

type Texts = Batch<typeof pairTexts>

const promptOf: Schema = { prompt: turnsOf }
const sideOf: Schema = { side: turnsOf }

/** Row i is row index[i] of batches[which[i]], its sides exchanged where flipped[i] is 1. */
export function pickTexts(batches: readonly Batch[], which: Int32Array, index: Int32Array, flipped?: Uint8Array): Batch {
  if (!flipped?.includes(1)) return pick<Schema>(pairTexts, batches, which, index)
  const sides = ['chosen', 'rejected'].flatMap(name => batches.map(({ rows, columns }) => batchOf(sideOf, rows, { side: columns[name] })))
  const from = (other: number): Column => {
    const source = which.map((batch, i) => batch + (flipped[i] ^ other) * batches.length)
    return pick(sideOf, sides, source, index).columns.side
  }
  const { prompt } = pick(promptOf, batches, which, index).columns
  return batchOf<Schema>(pairTexts, index.length, { prompt, chosen: from(0), rejected: from(1) })
}

/** All rows of one batch, its sides exchanged where flipped[i] is 1. */
export const turnedTexts = (texts: Texts, flipped: Uint8Array): Texts =>
  pickTexts([texts as Batch], new Int32Array(texts.rows), Int32Array.from(flipped.keys()), flipped) as Batch as Texts
