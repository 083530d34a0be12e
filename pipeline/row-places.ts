/** Where pairs lie in blocks and shards, as loops over plain arrays, which V8 compiles once. */
import { lowerBound } from './columns.ts'
import { WINDOW_STRETCHES } from './shuffle.ts'

/** Stretches of text of the corpus, laid end to end, whose blocks a piece may need: those of two windows, and a little more. */
const MOST_STRETCHES = 2.25 * WINDOW_STRETCHES

/** The block, counted over the corpus, of each pair; mostly that of the pair before. */
export function blocksOf(ordinals: Int32Array, starts: Int32Array): Int32Array {
  const blocks = new Int32Array(ordinals.length)
  let block = 0
  for (let i = 0; i < ordinals.length; i++) {
    const ordinal = ordinals[i]
    if (ordinal < starts[block] || (block + 1 < starts.length && ordinal >= starts[block + 1])) block = lowerBound(starts, ordinal + 1) - 1
    blocks[i] = block
  }
  return blocks
}

/** The distinct numbers in the order in which they first come, and which of them each is. */
export function numbered(numbers: Int32Array): { distinct: number[]; which: Int32Array } {
  const known = new Map<number, number>()
  const which = new Int32Array(numbers.length)
  for (let i = 0; i < numbers.length; i++) {
    const place = i > 0 && numbers[i] === numbers[i - 1] ? which[i - 1] : (known.get(numbers[i]) ?? known.size)
    if (place === known.size) known.set(numbers[i], place)
    which[i] = place
  }
  return { distinct: [...known.keys()], which }
}

/** How often each number below `count` occurs. */
export function timesOf(numbers: Int32Array, count: number): Int32Array {
  const times = new Int32Array(count)
  for (let i = 0; i < numbers.length; i++) times[numbers[i]]++
  return times
}

/** From where to where numbers stay the same. */
export function runsOf(numbers: Int32Array): [from: number, to: number][] {
  const runs: [number, number][] = []
  let from = 0
  for (let i = 1; i <= numbers.length; i++)
    if (i === numbers.length || numbers[i] !== numbers[from]) {
      runs.push([from, i])
      from = i
    }
  return runs
}

export function taken(values: Int32Array, index: Int32Array): Int32Array {
  const out = new Int32Array(index.length)
  for (let i = 0; i < index.length; i++) out[i] = values[index[i]]
  return out
}

/** Each number less the start of what it is in. */
export function within(numbers: Int32Array, starts: Int32Array, which: Int32Array): Int32Array {
  const out = new Int32Array(numbers.length)
  for (let i = 0; i < numbers.length; i++) out[i] = numbers[i] - starts[which[i]]
  return out
}

/** out[from .. to) = values at the rows of the same places. */
export function copyRows(out: Int32Array, values: Int32Array, row: Int32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) out[i] = values[row[i]]
}

/**
 * Where the piece ends that begins at `from`: of at most so many rows and, beyond the first, bytes, from so few stretches of the corpus that
 * the blocks which hold it fit in memory.
 */
export function endOfPiece(from: number, size: Int32Array, stretch: Int32Array, most_rows: number, most_bytes: number): number {
  const stretches = new Set<number>()
  let bytes = 0
  for (let i = from; i < size.length; i++) {
    const full = stretches.size >= MOST_STRETCHES && !stretches.has(stretch[i])
    if (i > from && (i - from === most_rows || bytes + size[i] > most_bytes || full)) return i
    if (i === from || stretch[i] !== stretch[i - 1]) stretches.add(stretch[i])
    bytes += size[i]
  }
  return size.length
}
