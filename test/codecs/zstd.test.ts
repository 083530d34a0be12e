import { Encoder } from '@toondepauw/node-zstd'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PageStream } from '../../pipeline/codecs/parquet-stream.ts'
import { openZstd, openZstdPieces } from '../../pipeline/codecs/zstd-buffers.ts'

const unzstd = await openZstd()
const text = Buffer.from('the same words again and again. '.repeat(9000))
const packed = new Encoder(3).encodeSync(text)

/** A frame of so many blocks, each of which says one byte 131,072 times; without a size of its own. */
function repeated(blocks: number): Buffer {
  const bytes = Buffer.alloc(6 + 4 * blocks)
  bytes.writeUInt32LE(0xfd2fb528, 0)
  bytes[5] = 0x38
  for (let i = 0; i < blocks; i++) bytes.writeUInt32LE(0x61000000 + (((1 << 17) << 3) | (1 << 1) | (i + 1 === blocks ? 1 : 0)), 6 + 4 * i)
  return bytes
}

describe('a zstd buffer of known size', () => {
  it('unpacks, also from several frames, and from the middle of a larger buffer', () => {
    expect(text.equals(unzstd(packed, text.length)!)).toBe(true)
    expect(unzstd(Buffer.concat([packed, packed]), 2 * text.length)).toHaveLength(2 * text.length)
    const larger = new Uint8Array(Buffer.concat([Buffer.alloc(7), packed, Buffer.alloc(9)]))
    expect(text.equals(unzstd(larger.subarray(7, 7 + packed.length), text.length)!)).toBe(true)
    expect(Buffer.alloc(3 << 17, 'a').equals(unzstd(repeated(3), 3 << 17)!)).toBe(true)
  })

  it('is refused where it is of another size, cut, changed, or followed by something', () => {
    for (const size of [0, 1, text.length - 1, text.length + 1]) expect(unzstd(packed, size)).toBeUndefined()
    for (let cut = 0; cut < packed.length; cut++) expect(unzstd(packed.subarray(0, cut), text.length)).toBeUndefined()
    expect(unzstd(Buffer.concat([packed, Buffer.from('more')]), text.length)).toBeUndefined()
    expect(unzstd(Buffer.from('no zstd at all, only text'), 10)).toBeUndefined()
    const larger = Buffer.from(packed)
    larger.writeUInt32LE(0xffffffff, 5)
    expect(unzstd(larger, text.length)).toBeUndefined()
  })

  it('takes no memory for blocks that unpack to more than is expected', () => {
    const before = process.memoryUsage().rss
    expect(unzstd(repeated(100_000), 1000)).toBeUndefined()
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20)
  })
})

describe('a zstd buffer piece by piece', async () => {
  const opened = await openZstdPieces()
  /** Pieces are valid until the next one only. */
  const all = (bytes: Uint8Array, size: number): Buffer =>
    Buffer.concat(Array.from({ [Symbol.iterator]: () => opened.of(bytes, size)! }, piece => Buffer.from(piece)))

  it('is what it is at once, one beside another', () => {
    expect(text.equals(all(packed, text.length))).toBe(true)
    expect(all(Buffer.concat([packed, packed]), 2 * text.length)).toHaveLength(2 * text.length)
    expect(Buffer.alloc(3 << 17, 'a').equals(all(repeated(3), 3 << 17))).toBe(true)
    const [a, b] = [opened.of(packed, text.length)!, opened.of(repeated(3), 3 << 17)!]
    expect(Buffer.from(a.next().value).subarray(0, 9).toString()).toBe('the same ')
    expect(Buffer.from(b.next().value).subarray(0, 9).toString()).toBe('aaaaaaaaa')
    opened.close()
    expect(text.equals(all(packed, text.length))).toBe(true)
  })

  it('is left to the library as a whole where a frame has a checksum or a large window', () => {
    const header = (flags: number, window: number): Buffer => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, flags, window, 0, 0, 0])
    expect(opened.of(header(4, 0x38), 100)).toBeUndefined()
    expect(opened.of(header(0, (14 << 3) | 0), 100)).toBeUndefined()
    expect(opened.of(header(0, (13 << 3) | 0), 100)).toBeDefined()
    opened.close()
  })

  it('is refused where it is of another size, cut, or followed by something', () => {
    for (const size of [0, 1, text.length - 1, text.length + 1]) expect(() => all(packed, size)).toThrow(RangeError)
    for (let cut = 0; cut < packed.length; cut++)
      expect(() => all(packed.subarray(0, cut), text.length)).toThrow(cut === 0 ? Error : RangeError)
    expect(() => all(Buffer.concat([packed, Buffer.from('more')]), text.length)).toThrow('expected the end of the file or a zstd frame')
    expect(() => all(repeated(100_000), 1000)).toThrow('a page does not unpack: it has more than the 1000 bytes that it says')
    opened.close()
  })

  it('gives to a page what is taken of it, in any portions, which stay valid', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(300), fc.nat(3_000_000)), { maxLength: 30 }),
        fc.integer({ min: 1, max: 1 << 17 }),
        (portions, piece) => {
          const bytes = Buffer.alloc(
            Math.min(
              9_000_000,
              portions.reduce((a, b) => a + b, 0),
            ),
            'some words that do not repeat in step with pieces; ',
          )
          const pieces = Array.from({ length: Math.ceil(bytes.length / piece) }, (_, i) => bytes.subarray(i * piece, (i + 1) * piece))
          const stream = new PageStream(pieces[Symbol.iterator](), bytes.length)
          let at = 0
          const taken: [Uint8Array, number][] = []
          for (const length of portions) {
            if (at + length > bytes.length) {
              expect(() => stream.take(length)).toThrow('a page ends before its values do')
              break
            }
            taken.push([stream.take(length), at])
            at += length
          }
          for (const [part, from] of taken) expect(Buffer.compare(part, bytes.subarray(from, from + part.length))).toBe(0)
        },
      ),
      { seed: 42, numRuns: 40 },
    )
  })
})
