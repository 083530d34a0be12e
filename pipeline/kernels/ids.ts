/** 128-bit ids by xxHash128 (XXH3, Collet): content in, 16 bytes out. */
import type { Turns } from '../batch.ts'
import { hasher, ID_BYTES, writeHash } from './hash.ts'

/** The id of each row of turns: every turn framed by its role and length, so that no two conversations run into one. */
export function turnsIds(turns: Turns, rows: number): Uint8Array {
  const ids = new Uint8Array(rows * ID_BYTES)
  const left = hasher ? hasher.turns(turns, rows, ids) : [...new Uint8Array(rows).keys()]
  for (const row of left) writeTurnsId(turns, row, ids)
  return ids
}

/** The id of each pair from those of its prompt and sides. */
export function pairIds(prompt: Uint8Array, chosen: Uint8Array, rejected: Uint8Array): Uint8Array {
  const triples = new Uint8Array(3 * prompt.length)
  const words = new Uint32Array(triples.buffer)
  for (const [k, ids] of [prompt, chosen, rejected].entries()) spread(new Uint32Array(ids.buffer), words, k)
  const ids = new Uint8Array(prompt.length)
  if (hasher) hasher.pieces([triples], 3 * ID_BYTES, ids)
  else for (let at = 0; at < ids.length; at += ID_BYTES) writeHash(triples.subarray(3 * at, 3 * (at + ID_BYTES)), ids, at)
  return ids
}

/** The k-th third of triples. */
function spread(ids: Uint32Array, triples: Uint32Array, k: number): void {
  for (let from = 0, to = 4 * k; from < ids.length; from += 4, to += 12) {
    triples[to] = ids[from]
    triples[to + 1] = ids[from + 1]
    triples[to + 2] = ids[from + 2]
    triples[to + 3] = ids[from + 3]
  }
}

let frame = new Uint8Array(1 << 16)

/** The id of one row of turns, without the compiled kernel. */
export function writeTurnsId({ starts, items }: Turns, row: number, out: Uint8Array): void {
  const { bytes, offsets } = items.columns.content
  const { values: roles } = items.columns.role
  const [from, to] = [starts[row], starts[row + 1]]
  const size = offsets[to] - offsets[from] + 5 * (to - from)
  if (frame.length < size) frame = new Uint8Array(size * 2)
  let at = 0
  for (let t = from; t < to; t++) {
    const length = offsets[t + 1] - offsets[t]
    frame[at] = roles[t]
    frame[at + 1] = length
    frame[at + 2] = length >> 8
    frame[at + 3] = length >> 16
    frame[at + 4] = length >> 24
    frame.set(bytes.subarray(offsets[t], offsets[t + 1]), at + 5)
    at += 5 + length
  }
  writeHash(frame.subarray(0, at), out, row * ID_BYTES)
}
