/** Bytes that are appended to; what is made stays valid until they grow. */
export class GrowingBytes {
  bytes: Uint8Array
  view: DataView
  length = 0

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity)
    this.view = new DataView(this.bytes.buffer)
  }

  /** Makes room for n more bytes. */
  reserve(n: number): void {
    if (this.length + n <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + n))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
    this.view = new DataView(grown.buffer)
  }

  push(byte: number): void {
    this.reserve(1)
    this.bytes[this.length++] = byte
  }

  /** Appends source[from .. to), which may be a part of these bytes themselves. */
  copy(source: Uint8Array, from: number, to: number): void {
    this.reserve(to - from)
    const { bytes } = this
    let at = this.length
    if (to - from > 64) {
      bytes.set(source.subarray(from, to), at)
      at += to - from
    } else for (let i = from; i < to; i++) bytes[at++] = source[i]
    this.length = at
  }

  all(source: Uint8Array): void {
    this.copy(source, 0, source.length)
  }

  /** Four bytes, the lowest first. */
  uint32(value: number): void {
    this.reserve(4)
    this.view.setUint32(this.length, value, true)
    this.length += 4
  }

  /** Seven bits a byte, the lowest first; whole numbers below 2^53. */
  varint(value: number): void {
    let rest = value
    while (rest >= 128) {
      this.push((rest % 128) + 128)
      rest = Math.floor(rest / 128)
    }
    this.push(rest)
  }

  /** A part as it lies in memory: valid until the bytes grow. */
  part(from = 0, to = this.length): Uint8Array {
    return this.bytes.subarray(from, to)
  }
}
