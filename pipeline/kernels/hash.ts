/** xxHash128 (XXH3 of 128 bits with seed 0, Collet) of many short texts and of pieces of long ones. */
import { createXXHash128 } from 'hash-wasm'
import { compiled } from './native.ts'
import { nativeHasher } from './native-hash.ts'

export const ID_BYTES = 16

const plain = await createXXHash128(0, 0)

/** Hash of these bytes, written at out[at .. at + 16), the most significant byte first. */
export function writeHash(bytes: Uint8Array, out: Uint8Array, at: number): void {
  plain.init()
  plain.update(bytes)
  out.set(plain.digest('binary'), at)
}

const wasm = compiled('hash')
/** The compiled kernel: the same hashes of many rows at a time. */
export const hasher = wasm && nativeHasher(wasm)

/** The hash of every piece of `size` bytes of parts laid end to end; the last piece may be shorter. */
export function pieceHashes(parts: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((n, part) => n + part.byteLength, 0)
  const out = new Uint8Array(Math.ceil(length / size) * ID_BYTES)
  if (hasher) hasher.pieces(parts, size, out)
  else {
    const whole = Buffer.concat(parts)
    for (let piece = 0; piece * size < length; piece++) writeHash(whole.subarray(piece * size, (piece + 1) * size), out, piece * ID_BYTES)
  }
  return out
}
