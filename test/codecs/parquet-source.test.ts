import { writeFileSync } from 'node:fs'
import { ParquetSchema, ParquetWriter } from 'parquetjs-lite'
import { describe, expect, test, vi } from 'vitest'
import { openRows } from '../../pipeline/codecs/open-rows.ts'
import type { Text } from '../../pipeline/codecs/row-source.ts'
import { readRows } from '../../pipeline/codecs/source.ts'
import { UserError } from '../../pipeline/errors.ts'
import { bytesOf, encodingsOf, fileOf, freshFile, readFile, rows, written } from './parquet-files.ts'

const read = (bytes: Uint8Array): Promise<unknown[]> => readFile(fileOf(bytes))

describe('texts', () => {
  // Of 0 to 29 bytes and more, around the 12 up to which DuckDB keeps them in place.
  const textAt = (i: number): string =>
    `${i % 7 === 0 ? '\ufeff' : ''}${'é'.repeat(i % 3)}${'x'.repeat(i % 23)}${i % 50 === 0 ? '好'.repeat(3000) : ''}`
  const textSql = (i: string): string =>
    `CASE WHEN ${i} % 7 = 0 THEN chr(65279) ELSE '' END || repeat('é', ${i} % 3) || repeat('x', ${i} % 23) || CASE WHEN ${i} % 50 = 0 THEN repeat('好', 3000) ELSE '' END`

  test.each([
    ['PLAIN', ', DICTIONARY_SIZE_LIMIT 1, PARQUET_VERSION V1', 'i'],
    ['DELTA_LENGTH_BYTE_ARRAY', ', DICTIONARY_SIZE_LIMIT 1, PARQUET_VERSION V2', 'i'],
    ['PLAIN_DICTIONARY', '', '(i % 60)'],
  ])('%s, of every length, over several chunks and row groups', async (encoding, options, i) => {
    const rows = 5000
    const path = await written(
      `SELECT ${textSql(i)} AS text, [{'role': 'user', 'content': ${textSql(i)}}, NULL, {'role': NULL, 'content': ''}] AS turns,
        CASE WHEN i % 3 = 0 THEN NULL ELSE [${textSql(i)}, NULL] END AS list FROM range(${rows}) t(i)`,
      `${options}, ROW_GROUP_SIZE 4096`,
    )
    expect(await encodingsOf(path)).toBe(encoding)
    const expected = Array.from({ length: rows }, (_, i) => {
      const text = textAt(encoding === 'PLAIN_DICTIONARY' ? i % 60 : i)
      const turns = [{ role: 'user', content: text }, null, { role: null, content: '' }]
      return { text, turns, list: i % 3 === 0 ? null : [text, null] }
    })
    expect(await readFile(path)).toEqual(expected)
  })

  test('of exactly 12 and 13 bytes, and none', async () => {
    const path = await written("SELECT unnest(['123456789012', '1234567890123', '', NULL, '1234567890é', '12345678901é']) AS text")
    expect(await readFile(path)).toEqual(['123456789012', '1234567890123', '', null, '1234567890é', '12345678901é'].map(text => ({ text })))
  })

  test('as bytes, which outlive their chunk', async () => {
    const path = await written('SELECT repeat(i::VARCHAR, 5) AS text FROM range(9000) t(i)')
    const texts: Text[] = []
    for await (const chunk of readRows(path, 'in', { bytes: true }))
      for (const row of chunk) texts.push((row as unknown as { value: { text: Text } }).value.text)
    expect(texts.every(text => text instanceof Uint8Array)).toBe(true)
    expect(texts.map(text => Buffer.from(text as Uint8Array).toString())).toEqual(Array.from({ length: 9000 }, (_, i) => `${i}`.repeat(5)))
  })

  test('that are not UTF-8 reject their rows alone, nested and beside each other too', async () => {
    const long = "'0123456789abcdef'::BLOB"
    const path = await written(`SELECT [{'content': unnest([
      ${long}, ${long} || '\\xC3'::BLOB, '\\xA9'::BLOB || ${long}, ${long} || encode('é'), '\\xFF'::BLOB, encode('é'), ${long} || '\\xF0'::BLOB])}] AS turns`)
    const bad = { field: 'turns.content', error: 'expected UTF-8, got other bytes' }
    const good = (content: string) => ({ turns: [{ content }] })
    expect(await readFile(path)).toEqual([good('0123456789abcdef'), bad, bad, good('0123456789abcdefé'), bad, good('é'), bad])
  })
})

describe('dialects', () => {
  test.each(['checksums', 'dictionary_v2', 'lz4', 'empty_groups'] as const)('%s', async name => {
    expect(await read(bytesOf(name))).toEqual(rows)
  })

  test('no rows, but columns', async () => {
    const path = fileOf(bytesOf('no_rows'))
    expect(await readFile(path)).toEqual([])
    expect((await openRows(path, 'in')).columns?.map(c => [c.name, c.plain])).toEqual([
      ['prompt', false],
      ['chosen', false],
      ['rejected', false],
    ])
  })

  test.each(['snappy', 'gzip', 'zstd', 'brotli', 'uncompressed'])('%s, nested and null values', async codec => {
    const query = `SELECT * FROM (VALUES
      ([{'role': 'user', 'content': 'é好😀'}], [1.5, NULL], MAP {'a': 1}, true, 9007199254740993, NULL),
      ([], NULL, NULL, NULL, 7, 'x'), (NULL, [], MAP {}, false, NULL, '')) t(turns, scores, map, flag, id, text)`
    expect(await readFile(await written(query, `, COMPRESSION ${codec}`))).toEqual([
      { turns: [{ role: 'user', content: 'é好😀' }], scores: [1.5, null], map: { a: 1 }, flag: true, id: 9007199254740993n, text: null },
      { turns: [], scores: null, map: null, flag: null, id: 7, text: 'x' },
      { turns: null, scores: [], map: {}, flag: false, id: null, text: '' },
    ])
  })

  test('many row groups, in the order of the file, and only the columns asked for', async () => {
    const path = await written('SELECT i AS id, repeat(i::VARCHAR, 20) AS text, 1 AS junk FROM range(9000) t(i)', ', ROW_GROUP_SIZE 2048')
    const read = await readFile(path, ['id', 'text'])
    expect(read.length).toBe(9000)
    expect(read[8123]).toEqual({ id: 8123, text: '8123'.repeat(20) })
    expect(read.every((row, i) => (row as { id: number }).id === i)).toBe(true)
  })

  test('a path with quotes, brackets and key=value folders', async () => {
    const path = freshFile("source=it's [1]*?.parquet")
    writeFileSync(path, bytesOf('lz4'))
    expect(await readFile(path)).toEqual(rows)
  })
})

describe('bad files are refused by name', () => {
  test.each(['encrypted', 'encrypted_column'] as const)('%s', async name => {
    await expect(read(bytesOf(name))).rejects.toThrow(
      new UserError('in: an encrypted Parquet file, which goldpan cannot read; decrypt it first'),
    )
  })

  test('cut off anywhere', async () => {
    const bytes = bytesOf('checksums')
    for (const length of [12, 40, 100, bytes.length - 20, bytes.length - 4, bytes.length - 1])
      await expect(read(bytes.subarray(0, length))).rejects.toThrow(/^in: byte \d+: expected the footer of a Parquet file.*get it again$/)
  })

  test('a footer that is longer than the file', async () => {
    const bytes = bytesOf('checksums')
    bytes.writeUInt32LE(1 << 30, bytes.length - 8)
    await expect(read(bytes)).rejects.toThrow(/^in: byte \d+: expected a footer of at most \d+ bytes, got 1073741824/)
  })

  test('a page whose checksum does not match, with row group and column', async () => {
    const bytes = bytesOf('checksums')
    bytes[bytes.indexOf('\ufeffA')] ^= 4
    await expect(read(bytes)).rejects.toThrow(/^in: row group 0, column chosen, byte \d+: the checksum of a page does not match/)
  })

  test('that kills the process that tries to read it is refused, and the next file is read', async () => {
    const evil = fileOf(bytesOf('lz4'))
    const require = freshFile('kill.cjs')
    const late = fileOf(bytesOf('lz4'))
    const kill = `name === 'message' && message.path === '${evil}' && process.kill(process.pid, 'SIGSEGV')
      name === 'message' && message.path === '${late}' && message.rows === undefined && setTimeout(() => process.kill(process.pid, 'SIGKILL'), 100)`
    writeFileSync(
      require,
      `const { emit } = process; process.emit = function (name, message) { ${kill}; return emit.apply(this, arguments) }`,
    )
    vi.stubEnv('NODE_OPTIONS', `--require ${require}`)
    vi.resetModules()
    // A process of its own for trials, started with that file loaded.
    const { readRows } = await import('../../pipeline/codecs/source.ts')
    const all = async (path: string): Promise<unknown[]> => {
      const found: unknown[] = []
      for await (const chunk of readRows(path, 'in')) found.push(...chunk)
      return found
    }
    await expect(all(evil)).rejects.toThrow(/^in: Parquet: the reader breaks down over it \(SIGSEGV\); the file is damaged/)
    expect(await all(fileOf(bytesOf('lz4')))).toHaveLength(2)
    // two files at once: only the one that kills is blamed
    const [bad, good] = await Promise.allSettled([all(evil), all(fileOf(bytesOf('lz4')))])
    expect([bad.status, good.status]).toEqual(['rejected', 'fulfilled'])
    // a process that was killed while it waited is replaced
    expect(await all(late)).toHaveLength(2)
    await new Promise(done => setTimeout(done, 400))
    expect(await all(fileOf(bytesOf('lz4')))).toHaveLength(2)
    vi.unstubAllEnvs()
  })

  test('a footer that counts other rows than its row groups', async () => {
    const bytes = bytesOf('checksums')
    const counted = bytes.lastIndexOf(Buffer.from([0x16, 4, 0x19, 0x1c])) + 1
    bytes[counted] = 6
    await expect(read(bytes)).rejects.toThrow(/^in: Parquet, byte \d+: the footer counts 3 rows, its row groups 2/)
  })
})

test('a file by another writer, with repeated groups', async () => {
  const schema = new ParquetSchema({
    prompt: { type: 'UTF8', compression: 'SNAPPY' },
    turns: { repeated: true, fields: { role: { type: 'UTF8' }, content: { type: 'UTF8', optional: true } } },
  })
  const path = freshFile('lite')
  const writer = await ParquetWriter.openFile(schema, path)
  writer.setRowGroupSize(1)
  const written = [
    { prompt: '\ufeffq', turns: [{ role: 'user', content: 'a' }, { role: 'assistant' }] },
    { prompt: '', turns: [] },
  ]
  for (const row of written) await writer.appendRow(row)
  await writer.close()
  expect(await readFile(path)).toEqual([
    {
      prompt: '\ufeffq',
      turns: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: null },
      ],
    },
    { prompt: '', turns: [] },
  ])
  expect(await readFile(path, ['nothing'])).toEqual([{}, {}])
})
