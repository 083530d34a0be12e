/** Ids and labels as the text under which they are written. */
import type { Ids, Numbers, Utf8, Valid } from '../batch.ts'

/** Both digits of every byte. */
const DIGITS = new Uint16Array(new TextEncoder().encode(Buffer.from([...Array(256).keys()]).toString('hex')).slice().buffer)

/** 32 hex digits a row; nothing for a null. */
export function hexOf({ bytes }: Ids, valid: Valid, rows: number): Utf8 {
  const out = new Uint16Array(rows * 16)
  const offsets = new Int32Array(rows + 1)
  let at = 0
  for (let i = 0; i < rows; i++) {
    if (!valid || valid[i]) for (let k = i * 16; k < i * 16 + 16; k++) out[at++] = DIGITS[bytes[k]]
    offsets[i + 1] = at * 2
  }
  return { bytes: new Uint8Array(out.buffer, 0, at * 2), offsets }
}

/** Each row's label; nothing for a null. */
export function labelsOf({ values }: Numbers<Uint8Array>, labels: readonly string[], valid: Valid, rows: number): Utf8 {
  const texts = labels.map(label => Buffer.from(label))
  const offsets = new Int32Array(rows + 1)
  for (let i = 0; i < rows; i++) offsets[i + 1] = offsets[i] + (valid && !valid[i] ? 0 : texts[values[i]].length)
  const bytes = new Uint8Array(offsets[rows])
  for (let i = 0; i < rows; i++) if (!valid || valid[i]) bytes.set(texts[values[i]], offsets[i])
  return { bytes, offsets }
}
