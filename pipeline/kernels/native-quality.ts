/** Counts of quality by the compiled kernel: the same as those of quality-reader.ts. */
import { instantiate, layOut } from './native.ts'
import { HEADS, writePhrases } from './native-phrases.ts'
import { COUNTS } from './quality-counts.ts'
import { refusals, type Side } from './quality-reader.ts'
import { SPEAKERS } from './surface.ts'

/** Texts and words that are in WebAssembly's memory at a time: 9 MB a thread in all, of which short rows touch little. */
const TEXT_BYTES = 1 << 17
const MOST_WORDS = 1 << 16
const MOST_ROWS = 1 << 11
/** Of a table of marks, as wasm/shared/marks.ts lays it out. */
const TABLE_BYTES = 8 << 18
const SPEAKER_BYTES = 16
/** What a row has: of each side its first word, the one after its last, its text's address and end; the prompt's text is its last turn, whose
 * first word comes fifth. */
const PLACES = 13

const sizes = {
  tables: 3 * TABLE_BYTES,
  windows: 2048,
  refusals: HEADS * 4,
  phrases: 1 << 14,
  speakers: (SPEAKERS.length + 1) * SPEAKER_BYTES,
  rows: MOST_ROWS * PLACES * 4,
  hashes: MOST_WORDS * 4,
  begins: MOST_WORDS * 4,
  ends: MOST_WORDS * 4,
  text: TEXT_BYTES + 64,
  counts: MOST_ROWS * 2 * COUNTS * 4,
}

/** Writes the counts of both responses of rows from `from` on, as many as fit, to `out`; gives the row after the last. */
export type QualityCounter = (sides: readonly Side[], from: number, rows: number, out: Int32Array) => number

/** Makes a counter of the compiled code. */
export function nativeQuality(wasm: Uint8Array<ArrayBuffer>): QualityCounter {
  const { memory, base, call } = instantiate(wasm, layOut(0, sizes).end)
  const at = layOut(base, sizes)
  const bytes = new Uint8Array(memory.buffer)
  const numbers = new Int32Array(memory.buffer)
  for (const [k, mark] of SPEAKERS.entries()) bytes.set([mark.length, ...mark], at.speakers + k * SPEAKER_BYTES)
  if (writePhrases(refusals, at.refusals, at.phrases, numbers) > at.phrases + sizes.phrases)
    throw new Error('phrases: too many for their memory')
  call.setUp(at.tables, at.windows, at.refusals, at.speakers)

  /** Copies one side of rows [from, to) behind what is there, and writes where each row's lie. */
  function copy(side: Side, from: number, to: number, isPrompt: boolean, place: number, word: number, text: number): void {
    const { starts, turns, tokens } = side
    const { bytes: own, offsets } = side.text
    const [first, last, origin] = [starts[from], starts[to], offsets[turns[from]]]
    bytes.set(own.subarray(origin, offsets[turns[to]]), text)
    numbers.set(tokens.hashes.subarray(first, last), (at.hashes >> 2) + word)
    const [begins, ends] = [(at.begins >> 2) + word - first, (at.ends >> 2) + word - first]
    for (let k = first; k < last; k++) {
      numbers[begins + k] = tokens.begins[k] + text - origin
      numbers[ends + k] = tokens.ends[k] + text - origin
    }
    for (let i = from, to_write = (at.rows >> 2) + place; i < to; i++, to_write += PLACES) {
      const turn = isPrompt ? Math.max(turns[i + 1] - 1, turns[i]) : turns[i]
      numbers[to_write] = starts[i] + word - first
      numbers[to_write + 1] = starts[i + 1] + word - first
      numbers[to_write + 2] = offsets[turn] + text - origin
      numbers[to_write + 3] = offsets[turns[i + 1]] + text - origin
      if (isPrompt) numbers[to_write + 4] = tokens.starts[turn] + word - first
    }
  }

  return (sides, from, rows, out) => {
    const to = fitting(sides, from, rows)
    if (to === from) return from
    let [word, text] = [0, at.text]
    for (const [k, side] of sides.entries()) {
      copy(side, from, to, k === 0, k === 0 ? 0 : 1 + 4 * k, word, text)
      word += side.starts[to] - side.starts[from]
      text += bytesOf(side, from, to)
    }
    call.count(to - from, at.rows, at.hashes, at.begins, at.ends, at.counts)
    out.set(numbers.subarray(at.counts >> 2, (at.counts >> 2) + (to - from) * 2 * COUNTS), from * 2 * COUNTS)
    return to
  }
}

const bytesOf = ({ text, turns }: Side, from: number, to: number): number => text.offsets[turns[to]] - text.offsets[turns[from]]

/** The last row so that what lies between `from` and it fits into memory. */
function fitting(sides: readonly Side[], from: number, rows: number): number {
  const end = Math.min(rows, from + MOST_ROWS)
  let to = from
  while (
    to < end &&
    sides.reduce((words, { starts }) => words + starts[to + 1] - starts[from], 0) <= MOST_WORDS &&
    sides.reduce((bytes, side) => bytes + bytesOf(side, from, to + 1), 0) <= TEXT_BYTES
  )
    to++
  return to
}
