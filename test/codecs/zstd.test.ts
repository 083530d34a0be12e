import { Encoder } from '@toondepauw/node-zstd'
import { describe, expect, it } from 'vitest'
import { openZstd } from '../../pipeline/codecs/zstd.ts'

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
    expect(unzstd(repeated(3), 3 << 17)).toEqual(Buffer.alloc(3 << 17, 'a'))
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
