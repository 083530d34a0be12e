/** xxHash128 by the compiled kernel: the same as hash-wasm's, bit for bit, without a call for every text. */
import type { Turns } from '../batch.ts'
import { instantiate, layOut } from './native.ts'

const MOST_ROWS = 1 << 12
const MOST_TURNS = 1 << 14
const MOST_BYTES = 1 << 20
/** Pieces are hashed while they are in the second cache. */
const WINDOW = 1 << 16

const sizes = {
  starts: (MOST_ROWS + 1) * 4,
  offsets: (MOST_TURNS + 1) * 4,
  roles: MOST_TURNS,
  bytes: MOST_BYTES,
  frame: MOST_BYTES + 5 * MOST_TURNS,
  hashes: MOST_ROWS * 16,
}

export interface Hasher {
  /** Writes the ids of rows of turns; gives the rows that are too long for it. */
  turns(turns: Turns, rows: number, out: Uint8Array): readonly number[]
  /** Writes the hash of every piece of `size` bytes, at most 64 KiB, of parts laid end to end; the last piece may be shorter. */
  pieces(parts: readonly Uint8Array[], size: number, out: Uint8Array): void
}

/** Makes a hasher of the compiled code. Its memory takes 2.3 MB a thread. */
export function nativeHasher(wasm: Uint8Array<ArrayBuffer>): Hasher {
  const { memory, base, call } = instantiate(wasm, layOut(0, sizes).end)
  const at = layOut(base, sizes)
  const all = new Uint8Array(memory.buffer)
  const words = new Int32Array(memory.buffer)
  const taken = (rows: number, out: Uint8Array, row: number): void => out.set(all.subarray(at.hashes, at.hashes + 16 * rows), 16 * row)

  function hashTurns({ starts, items }: Turns, from: number, to: number, out: Uint8Array): void {
    const { role, content } = items.columns
    const [first, last] = [starts[from], starts[to]]
    rebased(starts, from, to, words, at.starts >> 2)
    rebased(content.offsets, first, last, words, at.offsets >> 2)
    all.set(role.values.subarray(first, last), at.roles)
    all.set(content.bytes.subarray(content.offsets[first], content.offsets[last]), at.bytes)
    call.hashTurns(to - from, at.starts, at.offsets, at.roles, at.bytes, at.frame, at.hashes)
    taken(to - from, out, from)
  }

  return {
    turns(turns, rows, out) {
      const left: number[] = []
      for (let from = 0, to = 0; from < rows; from = to) {
        to = endOfRows(turns, from, rows)
        if (to > from) hashTurns(turns, from, to, out)
        else left.push(to++)
      }
      return left
    },
    pieces(parts, size, out) {
      const window = Math.min(MOST_ROWS, Math.floor(WINDOW / size)) * size
      let row = 0
      let held = 0
      const hash = (rows: number, bytes: number, from: number): void => {
        call.hashRows(rows, at.bytes + from, bytes, at.hashes)
        taken(rows, out, row)
        row += rows
      }
      for (const part of parts)
        for (let from = 0; from < part.byteLength; ) {
          const to = Math.min(part.byteLength, from + window - held)
          all.set(part.subarray(from, to), at.bytes + held)
          held += to - from
          from = to
          if (held < window) continue
          hash(window / size, size, 0)
          held = 0
        }
      const whole = Math.floor(held / size)
      if (whole > 0) hash(whole, size, 0)
      if (held > whole * size) hash(1, held - whole * size, whole * size)
    },
  }
}

/** The rows from `from` on that fit into memory end here. */
function endOfRows({ starts, items }: Turns, from: number, rows: number): number {
  const { offsets } = items.columns.content
  const first = starts[from]
  let to = from
  while (
    to < rows &&
    to - from < MOST_ROWS &&
    starts[to + 1] - first <= MOST_TURNS &&
    offsets[starts[to + 1]] - offsets[first] <= MOST_BYTES
  )
    to++
  return to
}

/** places[from .. to], less the first of them. */
function rebased(places: Int32Array, from: number, to: number, out: Int32Array, at: number): void {
  for (let i = from; i <= to; i++) out[at + i - from] = places[i] - places[from]
}
