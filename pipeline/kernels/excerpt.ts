const decoder = new TextDecoder()

/** A text, or its first `most` bytes cut between two characters and marked with an ellipsis. */
export function excerpt(bytes: Uint8Array, most: number): string {
  if (bytes.length <= most) return decoder.decode(bytes)
  let end = most
  while ((bytes[end] & 0xc0) === 0x80) end--
  return `${decoder.decode(bytes.subarray(0, end))}…`
}
