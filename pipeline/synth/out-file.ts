/** A file written in large pieces, gzipped if its name says so. */
import { closeSync, createWriteStream, openSync, writeSync } from 'node:fs'
import { finished } from 'node:stream/promises'
import { createGzip, type Gzip } from 'node:zlib'
import { Bytes } from './bytes.ts'

const PIECE = 1 << 20

export class OutFile {
  /** What is written next; callers append here and then call `flush`. */
  readonly pending = new Bytes(PIECE + (PIECE >> 2))
  /** Bytes before compression. */
  bytes = 0
  readonly #gzip: { stream: Gzip; done: Promise<void> } | undefined
  readonly #file: number = -1

  constructor(path: string) {
    if (!path.endsWith('.gz')) {
      this.#file = openSync(path, 'w')
      return
    }
    const stream = createGzip({ level: 1 })
    this.#gzip = { stream, done: finished(stream.pipe(createWriteStream(path))) }
    this.#gzip.done.catch(() => {})
  }

  /** Appends a line of JSON. */
  line(value: object): void {
    this.pending.all(Buffer.from(`${JSON.stringify(value)}\n`))
  }

  /** Writes what is pending once that is worth a write. */
  async flush(least = PIECE): Promise<void> {
    if (this.pending.length < least) return
    const piece = this.pending.part()
    this.bytes += piece.length
    if (this.#gzip) await this.#compress(Buffer.from(piece))
    else for (let at = 0; at < piece.length; ) at += writeSync(this.#file, piece, at)
    this.pending.length = 0
  }

  async #compress(piece: Buffer): Promise<void> {
    const { stream, done } = this.#gzip!
    if (!stream.write(piece)) await Promise.race([new Promise(resolve => stream.once('drain', resolve)), done])
  }

  async close(): Promise<void> {
    await this.flush(1)
    if (!this.#gzip) return closeSync(this.#file)
    this.#gzip.stream.end()
    await this.#gzip.done
  }
}
