/** Reads exact numbers of bytes from a stream of chunks. */
export class Cursor {
  /** Bytes taken so far. */
  position = 0
  private readonly chunks: AsyncIterator<Buffer>
  private held: Buffer = Buffer.alloc(0)
  private ended = false

  constructor(chunks: AsyncIterable<Buffer>) {
    this.chunks = chunks[Symbol.asyncIterator]()
  }

  /** Whether `length` further bytes lie in memory. */
  has(length: number): boolean {
    return this.held.length >= length
  }

  /** Reads on until `length` bytes lie in memory or the stream ends; gives how many do. */
  async fill(length: number): Promise<number> {
    const parts = [this.held]
    let size = this.held.length
    while (size < length && !this.ended) {
      const { value, done } = await this.chunks.next()
      if (done) this.ended = true
      else {
        parts.push(value)
        size += value.length
      }
    }
    if (parts.length > 1) this.held = Buffer.concat(parts, size)
    return size
  }

  /** Up to `length` of the bytes in memory, not taken. */
  peek(length: number): Buffer {
    return this.held.subarray(0, length)
  }

  /** Takes `length` bytes, which must lie in memory. */
  take(length: number): Buffer {
    const bytes = this.held.subarray(0, length)
    this.held = this.held.subarray(length)
    this.position += length
    return bytes
  }

  async close(): Promise<void> {
    await this.chunks.return?.()
  }
}
