/** A few words of every text, drawn by hash, so that texts which share words are likely to share them here, too. */
import { mix32 } from './mix.ts'
import type { SideWords } from './text-terms.ts'

const DRAW = 0x1d8e4e27

/** Distinct words of each row, about `most` of so many as there are with repeats, ascending: row i's are values[starts[i] .. starts[i + 1]). */
export function wordSamples({ hashes, starts }: SideWords, rows: number, most: number): { starts: Int32Array; values: Int32Array } {
  const ends = new Int32Array(rows + 1)
  const values = new Int32Array(starts[rows] - starts[0])
  for (let i = 0; i < rows; i++) {
    const drawn = draw(hashes, starts[i], starts[i + 1], most, values, ends[i])
    ends[i + 1] = ends[i] + distinct(values.subarray(ends[i], drawn).sort())
  }
  return { starts: ends, values: values.slice(0, ends[rows]) }
}

/** Writes the words that are drawn to out[at ..] and gives the place after them. */
function draw(hashes: Uint32Array, from: number, to: number, most: number, out: Int32Array, at: number): number {
  const limit = (most / (to - from)) * 2 ** 32
  for (let k = from; k < to; k++) if (mix32(hashes[k] ^ DRAW) < limit) out[at++] = hashes[k]
  return at
}

/** Moves what differs of sorted values to their beginning and gives how many there are. */
function distinct(sorted: Int32Array): number {
  let count = 0
  for (let k = 0; k < sorted.length; k++) if (count === 0 || sorted[k] !== sorted[count - 1]) sorted[count++] = sorted[k]
  return count
}
