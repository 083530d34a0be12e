/** 128-bit ids by xxHash128 (XXH3, Collet): content in, 16 bytes out. */
import { createXXHash128 } from 'hash-wasm'

const hasher = await createXXHash128(0, 0)
const ID_BYTES = 16

/** Hash of these bytes, written at out[at .. at + 16). */
function writeId(bytes: Uint8Array, out: Uint8Array, at: number): void {
  hasher.init()
  hasher.update(bytes)
  out.set(hasher.digest('binary'), at)
}

const triple = new Uint8Array(3 * ID_BYTES)

/** The id of a pair from those of its prompt and sides. */
export function writePairId(prompt: Uint8Array, chosen: Uint8Array, rejected: Uint8Array, row: number, out: Uint8Array): void {
  const at = row * ID_BYTES
  for (let k = 0; k < ID_BYTES; k++) {
    triple[k] = prompt[at + k]
    triple[ID_BYTES + k] = chosen[at + k]
    triple[2 * ID_BYTES + k] = rejected[at + k]
  }
  writeId(triple, out, at)
}

let frame = new Uint8Array(1 << 16)

/** The id of a row of turns: every turn framed by its role and length, so that no two conversations run into one. */
export function writeTurnsId(
  roles: Uint8Array,
  bytes: Uint8Array,
  offsets: Int32Array,
  from: number,
  to: number,
  out: Uint8Array,
  row: number,
): void {
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
  writeId(frame.subarray(0, at), out, row * ID_BYTES)
}
