/** Words by the compiled kernel: the same as those of tokens.ts, byte for byte. */
import type { Utf8 } from '../batch.ts'
import { EXPANDS, expansions, pageOf } from './characters.ts'
import { instantiate, layOut } from './native.ts'
import type { Tokens } from './tokens.ts'

/** Text and words that are in WebAssembly's memory at a time: 16 MB a thread in all. */
const TEXT_BYTES = 1 << 18
const MOST_ROWS = 1 << 14
const MOST_WORDS = 1 << 20
const PAGES = 0x1100
const MOST_EXPANSIONS = 2048

const sizes = {
  pages: PAGES * 4,
  entries: PAGES * 1024,
  expansions: MOST_EXPANSIONS * 32,
  folded: TEXT_BYTES * 3 + 16,
  text: TEXT_BYTES + 64,
  offsets: (MOST_ROWS + 1) * 4,
  starts: MOST_ROWS * 4,
  hashes: MOST_WORDS * 4,
  begins: MOST_WORDS * 4,
  ends: MOST_WORDS * 4,
}

/** Places are empty where only hashes were asked for. */
type Piece = Pick<Tokens, 'hashes' | 'begins' | 'ends'>

/**
 * Makes a tokeniser of the compiled code; rows that are larger than its memory go to `plain`. Until somebody asks where the words of a column
 * lie, columns come without: signatures and sets need hashes alone, a third of the memory. The column that is asked is read again.
 */
export function nativeTokeniser(wasm: Uint8Array<ArrayBuffer>, plain: (column: Utf8) => Tokens): (column: Utf8) => Tokens {
  const total = layOut(0, sizes).end
  const { memory, base, call } = instantiate(wasm, total)
  const at = layOut(base, sizes)
  const bytes = new Uint8Array(memory.buffer)
  const words = new Int32Array(memory.buffer)
  call.setUp(at.pages, at.expansions, at.folded, at.hashes, at.begins, at.ends)

  function addPage(page: number): void {
    const entries = pageOf(page)
    const address = at.entries + page * 1024
    words.set(entries, address >> 2)
    words[(at.pages >> 2) + page] = address
    for (const entry of entries) {
      if ((entry & EXPANDS) === 0) continue
      const points = expansions[entry >>> 5]
      words.set([points.length, ...points], (at.expansions >> 2) + (entry >>> 5) * 8)
    }
  }

  /** Appends the words of rows [from, to), which fit, and gives their new number. */
  function run({ bytes: text, offsets }: Utf8, from: number, to: number, count: number, starts: Int32Array, before: number): number {
    const origin = offsets[from]
    bytes.set(text.subarray(origin, offsets[to]), at.text)
    for (let i = from; i <= to; i++) words[(at.offsets >> 2) + i - from] = at.text + offsets[i] - origin
    let found = call.tokenise(to - from, at.offsets, at.starts, count, origin - at.text)
    while (found < 0) {
      addPage(-1 - found)
      found = call.tokenise(to - from, at.offsets, at.starts, count, origin - at.text)
    }
    for (let i = from; i < to; i++) starts[i + 1] = before + words[(at.starts >> 2) + i - from]
    return found
  }

  const taken = (count: number, places: boolean): Piece => ({
    hashes: new Uint32Array(memory.buffer, at.hashes, count).slice(),
    begins: new Int32Array(memory.buffer, at.begins, places ? count : 0).slice(),
    ends: new Int32Array(memory.buffer, at.ends, places ? count : 0).slice(),
  })

  function tokenise(column: Utf8, places: boolean): Tokens {
    const { offsets } = column
    const rows = offsets.length - 1
    const starts = new Int32Array(rows + 1)
    const pieces: Piece[] = []
    let before = 0
    let count = 0
    const flush = (piece: Piece) => {
      pieces.push(piece)
      before += piece.hashes.length
      count = 0
    }
    for (let from = 0; from < rows; ) {
      const to = fitting(offsets, from, rows)
      if (to === from) {
        if (count > 0) flush(taken(count, places))
        const giant = plain({ bytes: column.bytes, offsets: offsets.subarray(from, from + 1 + 1) })
        flush(giant)
        starts[++from] = before
        continue
      }
      if (count + ((offsets[to] - offsets[from]) >> 1) + 2 * (to - from) > MOST_WORDS) flush(taken(count, places))
      count = run(column, from, to, count, starts, before)
      from = to
    }
    if (count > 0 || pieces.length === 0) flush(taken(count, places))
    return { ...joined(pieces, places), starts }
  }

  let placesAsked = false
  return column => {
    if (placesAsked) return tokenise(column, true)
    const { starts, hashes } = tokenise(column, false)
    let whole: Tokens | undefined
    const places = (): Tokens => {
      placesAsked = true
      whole ??= tokenise(column, true)
      return whole
    }
    return {
      starts,
      hashes,
      get begins() {
        return places().begins
      },
      get ends() {
        return places().ends
      },
    }
  }
}

/** The last row so that the texts from `from` up to it fit into memory. */
function fitting(offsets: Int32Array, from: number, rows: number): number {
  const end = Math.min(rows, from + MOST_ROWS)
  let to = from
  while (to < end && offsets[to + 1] - offsets[from] <= TEXT_BYTES) to++
  return to
}

function joined(pieces: readonly Piece[], places: boolean): Piece {
  if (pieces.length === 1) return pieces[0]
  const count = pieces.reduce((n, piece) => n + piece.hashes.length, 0)
  const placed = places ? count : 0
  const whole = { hashes: new Uint32Array(count), begins: new Int32Array(placed), ends: new Int32Array(placed) }
  let at = 0
  for (const piece of pieces) {
    whole.hashes.set(piece.hashes, at)
    if (places) whole.begins.set(piece.begins, at)
    if (places) whole.ends.set(piece.ends, at)
    at += piece.hashes.length
  }
  return whole
}
