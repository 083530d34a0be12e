import { gzipSync } from 'node:zlib'
import { Zstd } from '@hpcc-js/wasm-zstd'
import { tableFromJSON, tableToIPC } from 'apache-arrow'
import { Table, writeParquet } from 'parquet-wasm'
import { describe, expect, it } from 'vitest'
import { benchmarkItems } from '../../pipeline/codecs/benchmark.ts'

const zstd = await Zstd.load()
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const read = (text: string) => benchmarkItems(bytes(text), 'b/mt-bench.jsonl.gz')

describe('benchmarkItems', () => {
  it.each([
    ['{"benchmark":"b","id":"7","text":"t"}', { benchmark: 'b', id: '7', texts: ['t'] }],
    ['{"id":7,"question":"q"}', { benchmark: 'mt-bench', id: '7', texts: ['q'] }],
    ['{"task_id":"h/1","prompt":"p"}', { benchmark: 'mt-bench', id: 'h/1', texts: ['p'] }],
    ['{"question_id":81,"turns":["one","two"]}', { benchmark: 'mt-bench', id: '81', texts: ['one', 'two'] }],
    ['{"text":["a","b"]}', { benchmark: 'mt-bench', id: 'row 0', texts: ['a', 'b'] }],
    ['{"prompt":[{"role":"system","content":"s"},{"role":"user","content":"u"}]}', { benchmark: 'mt-bench', id: 'row 0', texts: ['u'] }],
  ])('reads %s', async (line, item) => expect(await read(line)).toEqual([item]))

  const lines = '{"id":"1","text":"one"}\r\n\n{"id":"2","text":"two\u2028 lines"}'
  const items = [
    { benchmark: 'b', id: '1', texts: ['one'] },
    { benchmark: 'b', id: '2', texts: ['two\u2028 lines'] },
  ]
  const rows = items.map(({ id, texts }) => ({ id, text: texts[0] }))
  it.each([
    ['JSON lines', bytes(lines)],
    ['JSON lines with a byte order mark', bytes(`\ufeff${lines}`)],
    ['gzip of two members', Buffer.concat([gzipSync(lines.slice(0, 26)), gzipSync(lines.slice(26))])],
    ['zstd', zstd.compress(bytes(lines))],
    ['zstd of two frames', Buffer.concat([zstd.compress(bytes(lines.slice(0, 26))), zstd.compress(bytes(lines.slice(26)))])],
    ['a JSON array', bytes(JSON.stringify(rows))],
    ['Parquet', writeParquet(Table.fromIPCStream(tableToIPC(tableFromJSON(rows), 'stream')))],
  ])('reads %s', async (_, file) => expect(await benchmarkItems(file, 'b.json.zst')).toEqual(items))

  it.each([
    ['nothing', '', 'no benchmark items'],
    [
      'a row without text',
      '{"id":"1","answer":"x"}',
      'row 0: no text, expected one of text, turns, question, prompt, instruction, got id, answer',
    ],
    ['broken JSON', '{"text":"a"}\n{"text":', 'line 2: not JSON'],
    ['a number for a text', '{"text":4}', 'row 0: text: expected a text or a list of texts, got 4'],
    ['a list of numbers', '{"turns":[4]}', 'row 0: turns[0]: expected a text or a message, got 4'],
    ['a row that is no object', '3', 'row 0: expected an object, got 3'],
  ])('refuses %s', async (_, text, message) => expect(read(text)).rejects.toThrow(`b/mt-bench.jsonl.gz: ${message}`))

  it('refuses damaged files', async () => {
    await expect(benchmarkItems(gzipSync(lines).subarray(0, 40), 'b.gz')).rejects.toThrow('b.gz: damaged gzip')
    await expect(benchmarkItems(zstd.compress(bytes(lines)).subarray(0, 30), 'b.zst')).rejects.toThrow(/^b\.zst: zstd, byte \d+/)
    await expect(benchmarkItems(bytes('PAR1 and then nothing'), 'b.parquet')).rejects.toThrow('b.parquet: unreadable Parquet')
    await expect(benchmarkItems(Uint8Array.of(0xff, 0xfe, 0x20), 'b.jsonl')).rejects.toThrow('b.jsonl: not UTF-8')
  })
})
