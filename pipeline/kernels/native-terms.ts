/** Terms by the compiled kernel: the same as those of text-terms.ts. */
import { instantiate, layOut } from './native.ts'
import type { SideWords } from './text-terms.ts'

/** Words of rows that are in WebAssembly's memory at a time: 6 MB a thread in all, of which short rows touch little. */
const MOST_WORDS = 1 << 16
const MOST_ROWS = 1 << 12
/** Of a table of marks, as wasm/shared/marks.ts lays it out. */
const TABLE_BYTES = 8 << 18

const sizes = {
  tables: 2 * TABLE_BYTES,
  prompts: (MOST_ROWS + 1) * 4,
  chosen: (MOST_ROWS + 1) * 4,
  rejected: (MOST_ROWS + 1) * 4,
  hashes: MOST_WORDS * 4,
  counts: MOST_ROWS * 4,
  /** Of a word itself, of the prompt's, and of the pair that it ends. */
  out: 3 * MOST_WORDS * 4,
}

/** Gives `add` the terms of rows from `from` on, as many as fit, and writes where each row's end to `starts`; gives the row after the last. */
export type TermCollector = (
  sides: readonly SideWords[],
  from: number,
  rows: number,
  most: number,
  starts: Int32Array,
  add: (terms: Int32Array) => void,
) => number

/** Makes a collector of the compiled code. */
export function nativeTerms(wasm: Uint8Array<ArrayBuffer>): TermCollector {
  const { memory, base, call } = instantiate(wasm, layOut(0, sizes).end)
  const at = layOut(base, sizes)
  const numbers = new Int32Array(memory.buffer)
  call.setUp(at.tables)
  const places = [at.prompts, at.chosen, at.rejected]

  return (sides, from, rows, most, starts, add) => {
    const to = fitting(sides, from, rows)
    if (to === from) return from
    let end = at.hashes
    for (const [k, side] of sides.entries()) {
      const first = side.starts[from]
      for (let i = from; i <= to; i++) numbers[(places[k] >> 2) + i - from] = end + (side.starts[i] - first) * 4
      numbers.set(side.hashes.subarray(first, side.starts[to]), end >> 2)
      end += (side.starts[to] - first) * 4
    }
    call.find(to - from, at.prompts, at.chosen, at.rejected, most, at.out, at.counts)
    for (let i = from; i < to; i++) starts[i + 1] = starts[i] + numbers[(at.counts >> 2) + i - from]
    add(numbers.slice(at.out >> 2, (at.out >> 2) + starts[to] - starts[from]))
    return to
  }
}

/** The last row so that the words from `from` up to it fit into memory. */
function fitting(sides: readonly SideWords[], from: number, rows: number): number {
  const end = Math.min(rows, from + MOST_ROWS)
  let to = from
  while (to < end && sides.reduce((words, { starts }) => words + starts[to + 1] - starts[from], 0) <= MOST_WORDS) to++
  return to
}
