/** Counts of style by the compiled kernel: the same as those of style-features.ts. */
import type { Turns } from '../batch.ts'
import { instantiate, layOut, type Native } from './native.ts'
import { HEADS, writePhrases } from './native-phrases.ts'
import { COUNTS } from './style-counts.ts'
import { hedges, openers } from './style-phrases.ts'
import { ASCII_WORD, CLOSING } from './style-scan.ts'
import { ASCII_SIGNS, ORDINARY, pageOfSigns } from './style-signs.ts'
import type { Tokens } from './tokens.ts'

/** Texts and words that are in WebAssembly's memory at a time: 9 MB a thread in all. */
const TEXT_BYTES = 1 << 18
const MOST_ROWS = 1 << 12
const MOST_TURNS = 1 << 14
const MOST_WORDS = (1 << 17) - 1
const PAGES = 0x1100
const PHRASE_BYTES = 1 << 14

const sizes = {
  bytes: 3 * 256,
  nibbles: 16,
  pages: PAGES * 4,
  signs: PAGES * 256,
  openers: HEADS * 4,
  hedges: HEADS * 4,
  phrases: PHRASE_BYTES,
  /** Eight bytes a block of code, which takes six bytes at least. */
  code: TEXT_BYTES * 2,
  /** Four times as many as words. */
  slots: (MOST_WORDS + 1) * 4 * 8,
  text: TEXT_BYTES + 64,
  turns: (MOST_ROWS + 1) * 4,
  texts: (MOST_TURNS + 1) * 4,
  words: (MOST_TURNS + 1) * 4,
  hashes: MOST_WORDS * 4,
  begins: MOST_WORDS * 4,
  counts: MOST_ROWS * COUNTS * 4,
}
type Places = ReturnType<typeof layOut<keyof typeof sizes>>

/** Writes the counts of the responses that fit into memory, row after row; gives 1 for those that it has left to do. */
export type StyleCounter = (turns: Turns, tokens: Tokens, rows: number, out: Int32Array) => Uint8Array

/** Makes a counter of the compiled code. */
export function nativeStyle(wasm: Uint8Array<ArrayBuffer>): StyleCounter {
  const native = instantiate(wasm, layOut(0, sizes).end)
  const at = layOut(native.base, sizes)
  const bytes = new Uint8Array(native.memory.buffer)
  const numbers = new Int32Array(native.memory.buffer)
  setUp(native, at, bytes, numbers)

  /** Counts rows [from, to), which fit. */
  function run(turns: Turns, tokens: Tokens, from: number, to: number, out: Int32Array): void {
    const { bytes: text, offsets } = turns.items.columns.content
    const [first, last] = [turns.starts[from], turns.starts[to]]
    const [origin, word] = [offsets[first], tokens.starts[first]]
    bytes.set(text.subarray(origin, offsets[last]), at.text)
    numbers.set(tokens.hashes.subarray(word, tokens.starts[last]), at.hashes >> 2)
    numbers.set(tokens.begins.subarray(word, tokens.starts[last]), at.begins >> 2)
    copyLess(turns.starts, from, to, first, numbers, at.turns >> 2)
    copyLess(offsets, first, last, origin - at.text, numbers, at.texts >> 2)
    copyLess(tokens.starts, first, last, word, numbers, at.words >> 2)
    const count = () => native.call.countRows(to - from, at.turns, at.texts, at.words, at.hashes, at.begins, at.text - origin, at.counts)
    for (let missing = count(); missing < 0; missing = count()) {
      const page = -1 - missing
      bytes.set(pageOfSigns(page), at.signs + page * 256)
      numbers[(at.pages >> 2) + page] = at.signs + page * 256
    }
    out.set(numbers.subarray(at.counts >> 2, (at.counts >> 2) + (to - from) * COUNTS), from * COUNTS)
  }

  return (turns, tokens, rows, out) => {
    const left = new Uint8Array(rows)
    for (let from = 0; from < rows; ) {
      const to = fitting(turns, tokens, from, rows)
      if (to > from) run(turns, tokens, from, to, out)
      else left[from] = 1
      from = Math.max(to, from + 1)
    }
    return left
  }
}

/** Copies values[from .. to], the last one too, with `less` taken off each. */
function copyLess(values: Int32Array, from: number, to: number, less: number, out: Int32Array, at: number): void {
  for (let i = from; i <= to; i++) out[at + i - from] = values[i] - less
}

/** The last row so that the responses from `from` up to it fit into memory. */
function fitting({ starts, items }: Turns, tokens: Tokens, from: number, rows: number): number {
  const { offsets } = items.columns.content
  const first = starts[from]
  const end = Math.min(rows, from + MOST_ROWS)
  let to = from
  while (
    to < end &&
    starts[to + 1] - first <= MOST_TURNS &&
    offsets[starts[to + 1]] - offsets[first] <= TEXT_BYTES &&
    tokens.starts[starts[to + 1]] - tokens.starts[first] <= MOST_WORDS
  )
    to++
  return to
}

function setUp({ call }: Native, at: Places, bytes: Uint8Array, numbers: Int32Array): void {
  bytes.set(ASCII_SIGNS, at.bytes)
  bytes.set(CLOSING, at.bytes + 256)
  bytes.set(ASCII_WORD, at.bytes + 512)
  for (let byte = 0; byte < 128; byte++) if (ASCII_SIGNS[byte] !== ORDINARY) bytes[at.nibbles + (byte & 15)] |= 1 << (byte >> 4)
  const end = writePhrases(openers, at.openers, at.phrases, numbers)
  if (writePhrases(hedges, at.hedges, end, numbers) > at.phrases + PHRASE_BYTES) throw new Error('phrases: too many for their memory')
  call.setUp(at.bytes, at.nibbles, at.pages, at.code, at.slots, sizes.slots, at.openers, at.hedges)
}
