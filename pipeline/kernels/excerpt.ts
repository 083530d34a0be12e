import type { Utf8 } from '../batch.ts'

const decoder = new TextDecoder()

/** A text, or its first `most` bytes cut between two characters and marked with an ellipsis. */
export function excerpt(bytes: Uint8Array, most: number): string {
  if (bytes.length <= most) return decoder.decode(bytes)
  let end = most
  while ((bytes[end] & 0xc0) === 0x80) end--
  return `${decoder.decode(bytes.subarray(0, end))}…`
}

/** The first bytes of each row, one more than `most` where there are more: what an excerpt needs. */
export function beginnings({ bytes, offsets }: Utf8, most: number): Utf8 {
  const rows = offsets.length - 1
  const ends = new Int32Array(rows + 1)
  for (let i = 0; i < rows; i++) ends[i + 1] = ends[i] + Math.min(offsets[i + 1] - offsets[i], most + 1)
  const cut = new Uint8Array(ends[rows])
  for (let i = 0; i < rows; i++) cut.set(bytes.subarray(offsets[i], offsets[i] + ends[i + 1] - ends[i]), ends[i])
  return { bytes: cut, offsets: ends }
}

/** Row i as an excerpt. */
export const excerptAt = ({ bytes, offsets }: Utf8, i: number, most: number): string =>
  excerpt(bytes.subarray(offsets[i], offsets[i + 1]), most)
