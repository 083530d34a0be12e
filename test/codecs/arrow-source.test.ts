import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Bool,
  Dictionary,
  Field,
  Float64,
  Int32,
  Int64,
  LargeUtf8,
  List,
  Struct,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import { afterAll, describe, expect, test } from 'vitest'
import { unlz4 } from '../../pipeline/codecs/lz4.ts'
import { readRows } from '../../pipeline/codecs/source.ts'
import { UserError } from '../../pipeline/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'goldpan-arrow-'))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
async function read(bytes: Uint8Array, only?: readonly string[]): Promise<unknown[]> {
  const path = join(folder, `${files++}`)
  writeFileSync(path, bytes)
  const rows: unknown[] = []
  for await (const chunk of readRows(path, 'in', { only })) for (const row of chunk) rows.push('value' in row ? row.value : row.error)
  return rows
}

const message = new Struct([new Field('role', new Utf8()), new Field('content', new Utf8(), true)])
const table = new Table({
  turns: vectorFromArray([[{ role: 'user', content: '\ufeffé好😀' }], [], null], new List(new Field('item', message))),
  text: vectorFromArray(['a\u2028', null, ''], new Utf8()),
  large: vectorFromArray(['x', 'y', null], new LargeUtf8()),
  named: vectorFromArray(['b', 'c', 'b'], new Dictionary(new Utf8(), new Int32())),
  scores: vectorFromArray([[1.5, null], null, []], new List(new Field('item', new Float64(), true))),
  id: vectorFromArray([9007199254740993n, 7n, null], new Int64()),
  flag: vectorFromArray([true, false, null], new Bool()),
})
const rows = [
  {
    turns: [{ role: 'user', content: '\ufeffé好😀' }],
    text: 'a\u2028',
    large: 'x',
    named: 'b',
    scores: [1.5, null],
    id: 9007199254740993n,
    flag: true,
  },
  { turns: [], text: null, large: 'y', named: 'c', scores: null, id: 7, flag: false },
  { turns: null, text: '', large: null, named: 'b', scores: [], id: null, flag: null },
]

describe.each(['file', 'stream'] as const)('an Arrow %s', kind => {
  const bytes = Buffer.from(tableToIPC(table, kind))

  test('of many types', async () => {
    expect(await read(bytes)).toEqual(rows)
    expect(await read(bytes, ['named'])).toEqual([{ named: 'b' }, { named: 'c' }, { named: 'b' }])
  })

  test('of several batches, and of none', async () => {
    const column = (values: number[]) => new Table({ n: vectorFromArray(values, new Int32()) })
    expect(await read(tableToIPC(column([1, 2]).concat(column([3])), kind))).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    expect(await read(tableToIPC(column([]), kind))).toEqual([])
  })

  test('that is cut off is refused', async () => {
    for (const length of [20, 200, bytes.length >> 1, bytes.length - 100])
      await expect(read(bytes.subarray(0, length))).rejects.toThrow(/^in: (Arrow|byte \d+).*get it again$/)
  })

  test('with any bit wrong in its last bytes gives all of its rows or is refused', async () => {
    const { length } = bytes
    for (let at = length - 320; at < length; at += 2) {
      const broken = Buffer.from(bytes)
      broken[at] ^= 1 << (at % 8)
      const outcome = await read(broken).catch(error => error)
      if (!(outcome instanceof UserError)) expect(outcome).toHaveLength(rows.length)
    }
  })

  test('with a text that is not UTF-8 rejects that row alone', async () => {
    const broken = Buffer.from(tableToIPC(new Table({ text: vectorFromArray(['one', 'two?', 'three'], new Utf8()) }), kind))
    broken[broken.indexOf('two?') + 3] = 0xff
    expect(await read(broken)).toEqual([{ text: 'one' }, { field: 'text', error: 'expected UTF-8, got other bytes' }, { text: 'three' }])
  })
})

test('an Arrow stream without its end mark is taken to be cut off', async () => {
  const bytes = tableToIPC(table, 'stream')
  await expect(read(bytes.subarray(0, -8))).rejects.toThrow(/^in: Arrow, byte \d+: the file ends inside the stream, after 1 record batches/)
})

describe('LZ4 frames', () => {
  // "abcabcabc...": three literals, then a copy of what was just written; made by hand from the format's description.
  const frame = (...block: number[]) =>
    Uint8Array.from([4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, block.length, 0, 0, 0, ...block, 0, 0, 0, 0])
  const text = (bytes?: Uint8Array) => bytes && Buffer.from(bytes).toString()

  test('unpack overlapping copies and closing literals', () => {
    expect(text(unlz4(frame(0x35, 97, 98, 99, 3, 0, 0x50, 118, 119, 120, 121, 122), 17))).toBe('abcabcabcabcvwxyz')
  })

  test.each([
    ['a wrong size', frame(0x35, 97, 98, 99, 3, 0, 0x10, 100), 14],
    ['a copy from before the beginning', frame(0x35, 97, 98, 99, 9, 0, 0x10, 100), 13],
    ['literals that are cut', frame(0x90, 97, 98), 9],
    ['other bytes', Uint8Array.from([1, 2, 3]), 3],
  ])('give nothing for %s', (_, bytes, size) => {
    expect(unlz4(bytes, size)).toBeUndefined()
  })
})
