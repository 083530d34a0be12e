/** Sets of shingles by the compiled kernel: the same as those of sets.ts. */
import { instantiate, layOut } from './native.ts'
import { power } from './shingles.ts'
import type { Words } from './words.ts'

/** Words of rows that are in WebAssembly's memory at a time: 3 MB a thread in all. */
const MOST_WORDS = 1 << 16
const MOST_ROWS = 1 << 12

const sizes = {
  starts: (MOST_ROWS + 1) * 4,
  wordless: MOST_ROWS * 4,
  sizes: MOST_ROWS * 4,
  /** Those after the last word are read, too, but come to nothing. */
  hashes: (MOST_WORDS + 1) * 4,
  values: MOST_WORDS * 4,
  dealt: (MOST_WORDS + 1) * 4,
  ends: MOST_WORDS * 4 * 4,
  out: (MOST_WORDS + MOST_ROWS) * 4,
}

/** Writes the sets of rows from `from` on, as many as fit, to out[at ..] and where each ends to `starts`; gives the row after the last. */
export type SetCollector = (words: Words, from: number, rows: number, ngram: number, out: Int32Array, starts: Int32Array) => number

/** Makes a collector of the compiled code. */
export function nativeSets(wasm: Uint8Array<ArrayBuffer>): SetCollector {
  const { memory, base, call } = instantiate(wasm, layOut(0, sizes).end)
  const at = layOut(base, sizes)
  const numbers = new Int32Array(memory.buffer)
  call.setUp(at.values, at.dealt, at.ends)
  return (words, from, rows, ngram, out, starts) => {
    const first = words.starts[from]
    const end = Math.min(rows, from + MOST_ROWS)
    let to = from
    while (to < end && words.starts[to + 1] - first <= MOST_WORDS) {
      numbers[(at.starts >> 2) + to - from] = words.starts[to] - first
      if (words.starts[to] === words.starts[to + 1]) numbers[(at.wordless >> 2) + to - from] = words.wordless(to)
      to++
    }
    if (to === from) return from
    numbers[(at.starts >> 2) + to - from] = words.starts[to] - first
    numbers.set(words.hashes.subarray(first, words.starts[to]), at.hashes >> 2)
    call.collect(to - from, at.starts, at.hashes, at.wordless, ngram, power(ngram), at.out, at.sizes)
    for (let i = from; i < to; i++) starts[i + 1] = starts[i] + numbers[(at.sizes >> 2) + i - from]
    out.set(numbers.subarray(at.out >> 2, (at.out >> 2) + starts[to] - starts[from]), starts[from])
    return to
  }
}
