import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, gzipSync } from 'node:zlib'
import { Zstd } from '@hpcc-js/wasm-zstd'
import fc from 'fast-check'
import { createXXHash64 } from 'hash-wasm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { elementBlocks } from '../../pipeline/codecs/json-array.ts'
import { type LineBlock, lineBlocks } from '../../pipeline/codecs/lines.ts'
import { openRows } from '../../pipeline/codecs/open-rows.ts'
import { readRows, type SourceRow } from '../../pipeline/codecs/source.ts'
import { UserError } from '../../pipeline/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'goldpan-source-'))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
function fileOf(bytes: Uint8Array | string): string {
  const path = join(folder, `${files++}`)
  writeFileSync(path, bytes)
  return path
}

async function rowsOf(bytes: Uint8Array | string, options = {}): Promise<SourceRow[]> {
  const rows: SourceRow[] = []
  for await (const chunk of readRows(fileOf(bytes), 'in', options)) rows.push(...chunk)
  return rows
}

/** Values, and for rows that cannot be read the reason. */
const valuesOf = (rows: readonly SourceRow[]): unknown[] => rows.map(row => ('error' in row ? row.error.error : row.value))
const read = async (bytes: Uint8Array | string, options = {}): Promise<unknown[]> => valuesOf(await rowsOf(bytes, options))

/** Every row right, or a UserError: anything else fails the test. */
async function readOrRefused(bytes: Uint8Array): Promise<unknown[] | UserError> {
  return read(bytes).catch(error => {
    if (error instanceof UserError) return error
    throw error
  })
}

let zstd: (bytes: Uint8Array) => Buffer
beforeAll(async () => {
  const library = await Zstd.load()
  const hash = await createXXHash64()
  zstd = bytes => {
    const frame = Buffer.from(library.compress(bytes))
    frame[4] |= 4
    const digest = Buffer.from(hash.init().update(bytes).digest('binary'))
    return Buffer.concat([frame, digest.subarray(4).reverse()])
  }
})

/** 300 rows in which little repeats, so that packed files are some kilobytes long. */
const sample = Array.from({ length: 300 }, (_, i) => ({ id: i, text: `${crc32(`${i}`)} é好😀 ${'ab'.repeat(i % 7)}` }))
const sampleLines = Buffer.from(sample.map(row => `${JSON.stringify(row)}\n`).join(''))

describe('openRows', () => {
  test.each([
    ['{"a":1}', 'jsonl', 'none'],
    [' \n {"a":1}', 'jsonl', 'none'],
    ['oops\n{"a":1}', 'jsonl', 'none'],
    ['\n \n', 'jsonl', 'none'],
    ['\ufeff[1]', 'json', 'none'],
    [gzipSync('{"a":1}'), 'jsonl', 'gzip'],
    [gzipSync('[{"a":1}]'), 'json', 'gzip'],
  ])('%j is %s, %s', async (bytes, container, compression) => {
    expect(await openRows(fileOf(bytes), 'in')).toMatchObject({ container, compression })
  })

  test('zstd', async () => {
    expect(await openRows(fileOf(zstd(sampleLines)), 'in')).toMatchObject({ container: 'jsonl', compression: 'zstd' })
  })

  test.each([
    ['', 'in: holds no bytes; expected JSONL, a JSON array, Parquet or Arrow'],
    [gzipSync(''), 'in: holds no bytes once unpacked'],
    ['prompt,chosen\na,b\n', 'in: no line begins with "{", the first with "prompt,chosen\\na,b\\n"'],
    ['{"a":\0}', 'in: holds NUL bytes'],
    [gzipSync('PAR1....PAR1'), 'in: a packed Parquet or Arrow file: unpack it first'],
  ])('refuses %j', async (bytes, message) => {
    await expect(openRows(fileOf(bytes), 'in')).rejects.toThrow(message)
    await expect(read(bytes)).rejects.toThrow(UserError)
  })

  test('a missing file and a folder', async () => {
    await expect(openRows(join(folder, 'nothing'), 'in')).rejects.toThrow(new UserError('in: no such file'))
    await expect(openRows(folder, 'in')).rejects.toThrow(new UserError('in: is a folder, expected a file'))
  })

  test('JSON has no columns', async () => {
    expect((await openRows(fileOf('{"a":1}'), 'in')).columns).toBeUndefined()
  })
})

describe('JSON lines', () => {
  test.each([
    ['{"a":1}\n{"a":2}', [{ a: 1 }, { a: 2 }]],
    ['{"a":1}\r\n{"a":2}\r\n', [{ a: 1 }, { a: 2 }]],
    ['\ufeff{"a":1}\n', [{ a: 1 }]],
    ['{"a":"\ufeffx"}\n{"\ufeff":""}\n', [{ a: '\ufeffx' }, { '\ufeff': '' }]],
    ['{"a":"x\u2028y\u2029z\u0085"}\n', [{ a: 'x\u2028y\u2029z\u0085' }]],
    ['{"a":"\\ud800","b":null}\n', [{ a: '\ud800', b: null }]],
    ['{"a":1,"a":2}\n', [{ a: 2 }]],
  ])('%j', async (text, values) => {
    expect(await read(text)).toEqual(values)
  })

  test('blank lines are no rows, but broken ones are', async () => {
    const rows = await rowsOf('\n{"a":1}\n  \r\n\n{"a":}\n{"a":2}\n')
    expect(rows.map(r => r.row)).toEqual([0, 1, 2])
    expect(rows.map(r => r.raw())).toEqual(['{"a":1}', '{"a":}', '{"a":2}'])
    expect(rows[1]).toMatchObject({ error: { field: '', error: 'expected a value, got } at character 5' } })
  })

  test.each([
    ['[1]', 'expected an object, got a list of 1'],
    ['null', 'expected an object, got null'],
    ['"x"', 'expected an object, got text "x"'],
    ['3', 'expected an object, got 3'],
    ['{"a":1', 'expected , or }, got the end of the row at character 6'],
    ['{"a":1}}', 'expected the end, got } at character 7'],
    ["{'a':1}", "expected a key or }, got ' at character 1"],
    ['{"a":NaN}', 'expected a value, got NaN at character 5'],
    [`{"a":"${'x'.repeat(900_000)}`, 'expected a value, got "x at character 5'],
  ])('rejects %.20s', async (line, error) => {
    expect(await read(`{}\n${line}\n{"b":2}`)).toEqual([{}, error, { b: 2 }])
  })

  test('invalid UTF-8 is named with its place, and the rows around it are read', async () => {
    const bytes = Buffer.from('\ufeff{"a":"é"}\n{"a":"é?x"}\n{"a":"\ufffd"}')
    bytes[bytes.indexOf('?')] = 0xff
    expect(await read(bytes)).toEqual([{ a: 'é' }, 'expected UTF-8, got byte 0xff at byte 22 of the file', { a: '\ufffd' }])
    expect(bytes[22]).toBe(0xff)
  })

  test('a line of 50 MB', async () => {
    const long = 'x'.repeat(50 * 2 ** 20)
    const values = await read(`{"a":"${long}"}\n{"a":"b"}`)
    expect(values.length).toBe(2)
    expect((values[0] as { a: string }).a === long).toBe(true)
    expect(values[1]).toEqual({ a: 'b' })
  })

  test('a row shows its first 200 characters, none of them cut in half', async () => {
    const [row] = await rowsOf(`{"a":"${'😀'.repeat(500)}"}`)
    expect(row.raw()).toBe(`{"a":"${'😀'.repeat(97)}`)
  })

  test('chunks hold at most 4096 rows and stop at the limit', async () => {
    const path = fileOf('{}\n'.repeat(10_000))
    const sizes: number[] = []
    for await (const chunk of readRows(path, 'in', { limit: 9000 })) sizes.push(chunk.length)
    expect(sizes).toEqual([4096, 4096, 808])
    expect(await read('{"a":1}\n{"a":2}', { limit: 0 })).toEqual([])
  })
})

/** Lets a test cut bytes into chunks anywhere. */
async function* cutAt(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer> {
  const places = [...new Set(cuts.map(c => c % (bytes.length + 1)))].sort((a, b) => a - b)
  let from = 0
  for (const to of [...places, bytes.length]) {
    yield bytes.subarray(from, to)
    from = to
  }
}

async function textsOf(blocks: AsyncIterable<LineBlock>): Promise<string[]> {
  const texts: string[] = []
  for await (const { bytes, starts, ends } of blocks)
    for (let i = 0; i < ends.length; i++) texts.push(bytes.toString('utf8', starts[i], ends[i]))
  return texts
}

const cuts = fc.array(fc.nat(1000), { maxLength: 12 })

describe('cuts', () => {
  test('lines are the same wherever the bytes are cut', async () => {
    const line = fc.string({ unit: 'binary', maxLength: 20 }).map(text => text.replaceAll('\n', ''))
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 12 }), cuts, fc.boolean(), async (lines, places, marked) => {
        const bytes = Buffer.from((marked ? '\ufeff' : '') + lines.join('\n'))
        const kept = Buffer.from(lines.join('\n')).toString().split('\n')
        if (!marked && kept[0].startsWith('\ufeff')) kept[0] = kept[0].slice(1)
        const expected = kept.filter(text => /[^ \t\r]/.test(text))
        expect(await textsOf(lineBlocks(cutAt(bytes, places)))).toEqual(expected)
      }),
      { seed: 42, numRuns: 500 },
    )
  })

  test('elements are the same wherever the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 6 }),
        cuts,
        fc.constantFrom(0, 2),
        async (values, places, indent) => {
          const bytes = Buffer.from(JSON.stringify(values, undefined, indent))
          const texts = await textsOf(elementBlocks(cutAt(bytes, places), 'in'))
          expect(texts.map(text => JSON.parse(text))).toEqual(JSON.parse(JSON.stringify(values)))
        },
      ),
      { seed: 42, numRuns: 500 },
    )
  })

  test('a line that is too long is passed over, wherever the bytes are cut', async () => {
    const bytes = Buffer.from(`short\n${'long'.repeat(10)}\nlast ${'one'.repeat(20)}`)
    await fc.assert(
      fc.asyncProperty(cuts, async places => {
        const found: unknown[] = []
        for await (const block of lineBlocks(cutAt(bytes, places), 20))
          for (let i = 0; i < block.ends.length; i++)
            found.push(block.too_long ?? block.bytes.toString('utf8', block.starts[i], block.ends[i]))
        expect(found).toEqual(['short', 40, 65])
      }),
      { seed: 42 },
    )
  })
})

describe('a JSON array', () => {
  test.each([
    ['[]', []],
    [' [ ] \n', []],
    ['[{"a":"],[\\"}"},\n\t{"b":[{}]}]\n', [{ a: '],["}' }, { b: [{}] }]],
    ['\ufeff[{"a":"\ufeff"}]', [{ a: '\ufeff' }]],
    ['[{"a":1}, 3, {"a":2 3}, {"a":2}]', [{ a: 1 }, 'expected an object, got 3', 'expected , or }, got 3 at character 7', { a: 2 }]],
  ])('%j', async (text, values) => {
    expect(await read(text)).toEqual(values)
  })

  test.each([
    ['[{"a":1},{"a":2}', 'row 2, byte 16: the file ends inside the JSON array'],
    ['[{"a":1},{"a":"2}]', 'row 1, byte 18: the file ends inside the JSON array'],
    ['[{"a":1}]{}', 'byte 9, after row 0: expected the end of the file, got "{"'],
    ['[{"a":1},]', 'byte 9, after row 0: expected an element of the JSON array, got "]"'],
    ['[{"a":1}{"a":2}]', 'expected'],
    ['[{"a":1}}]', 'expected'],
  ])('%s is damaged', async (text, message) => {
    const error = await readOrRefused(Buffer.from(text))
    expect(String(error)).toMatch(/^UserError: in: /)
    expect(String(error)).toContain(message)
  })
})

describe('packed files', () => {
  const packers = { gzip: (bytes: Uint8Array) => gzipSync(bytes), zstd: (bytes: Uint8Array) => zstd(bytes) }

  test.each(Object.entries(packers))('%s: members laid end to end, an empty one among them', async (_, pack) => {
    const parts = [sampleLines.subarray(0, 100), sampleLines.subarray(0, 0), sampleLines.subarray(100)]
    expect(await read(Buffer.concat(parts.map(pack)))).toEqual(sample)
  })

  test.each(Object.entries(packers))('%s: cut off anywhere it is refused', async (name, pack) => {
    const bytes = pack(sampleLines)
    for (let part = 1; part < 8; part++) {
      const error = await readOrRefused(bytes.subarray(0, Math.floor((bytes.length * part) / 8)))
      expect(String(error)).toMatch(new RegExp(`^UserError: in: ${name}, .*; the file is damaged or cut off: get it again$`))
    }
    for (const short of [1, 2, 4, 8]) expect(await readOrRefused(bytes.subarray(0, bytes.length - short))).toBeInstanceOf(UserError)
  })

  test.each(Object.entries(packers))('%s: bytes after the end are refused', async (_, pack) => {
    expect(String(await readOrRefused(Buffer.concat([pack(sampleLines), Buffer.from('{"a":1}')])))).toContain(
      'expected the end of the file',
    )
  })

  test.each(Object.entries(packers))('%s: with any bit wrong it is refused or read right', async (_, pack) => {
    const bytes = pack(sampleLines)
    let refused = 0
    for (let i = 0; i < 400; i++) {
      const broken = Buffer.from(bytes)
      const at = i < 40 ? i : i < 60 ? bytes.length - 1 - (i - 40) : (i * 7919) % bytes.length
      broken[at] ^= 1 << (i % 8)
      const outcome = await readOrRefused(broken)
      if (outcome instanceof UserError) refused++
      else expect(outcome).toEqual(sample)
    }
    expect(refused).toBeGreaterThan(380)
  })

  test('zstd: frames that are to be skipped, and frames without checksums', async () => {
    const plain = Buffer.from((await Zstd.load()).compress(sampleLines))
    const skipped = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
    expect(await read(Buffer.concat([skipped, plain, skipped]))).toEqual(sample)
    expect(await readOrRefused(Buffer.concat([plain, skipped.subarray(0, 9)]))).toBeInstanceOf(UserError)
  })
})

test('plain JSON lines have no checksum: a wrong bit costs at most the rows it touches', async () => {
  const known = new Set(sample.map(row => JSON.stringify(row)))
  for (let i = 0; i < 200; i++) {
    const broken = Buffer.from(sampleLines)
    broken[(i * 7919) % broken.length] ^= 1 << (i % 7)
    const outcome = await readOrRefused(broken)
    if (outcome instanceof UserError) continue
    const same = outcome.filter(value => known.has(JSON.stringify(value)))
    expect(same.length).toBeGreaterThanOrEqual(298)
  }
})
