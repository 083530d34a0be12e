/** Sound files of every kind that goldpan reads: what the fuzzer breaks. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { Zstd } from '@hpcc-js/wasm-zstd'
import { Dictionary, Field, Int32, List, Struct, Table, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow'
import { createXXHash64 } from 'hash-wasm'

const ROOT = join(import.meta.dirname, '../..')
const ROWS = 60

const pair = i => ({
  id: `r${i}`,
  prompt: i % 3 === 0 ? [{ role: 'user', content: `What is ${i * 7919}? é好😀` }] : `Why ${i}?`,
  chosen: `Because ${i} is ${'very '.repeat(i % 9)}odd.`,
  rejected: `No ${i * 31} reason.`,
  source: ['ask', 'math', 'code'][i % 3],
  votes: i % 5 === 0 ? [{ annotator: 'ann', vote: 'chosen' }] : [],
  scores: { rm: [i / 7, 1 - i / 9] },
})
const pairs = Array.from({ length: ROWS }, (_, i) => pair(i))
const jsonl = Buffer.from(pairs.map(row => `${JSON.stringify(row)}\n`).join(''))

async function zstd(bytes) {
  const frame = Buffer.from((await Zstd.load()).compress(bytes))
  frame[4] |= 4
  const digest = Buffer.from((await createXXHash64()).init().update(bytes).digest('binary'))
  return Buffer.concat([frame, digest.subarray(4).reverse()])
}

const messages = text => [{ role: 'user', content: text }]
/** Two batches of lists and texts; or one, with a dictionary. */
function arrowTables() {
  const message = new Struct([new Field('role', new Utf8()), new Field('content', new Utf8(), true)])
  const texts = (rows, name) => vectorFromArray(rows.map(row => row[name]), new Utf8())
  const named = rows => ({ chosen: texts(rows, 'chosen'), rejected: texts(rows, 'rejected') })
  const prompts = rows => vectorFromArray(rows.map(row => messages(JSON.stringify(row.prompt))), new List(new Field('item', message)))
  const half = rows => new Table({ prompt: prompts(rows), ...named(rows) })
  const source = vectorFromArray(pairs.map(row => row.source), new Dictionary(new Utf8(), new Int32()))
  return [half(pairs.slice(0, 30)).concat(half(pairs.slice(30))), new Table({ prompt: prompts(pairs), ...named(pairs), source })]
}

/** DuckDB's Parquet in the layouts and packings that others write too. */
async function parquetFiles(dir) {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const json = join(dir, 'pairs.json')
  writeFileSync(json, pairs.map(({ prompt, votes, scores, ...row }) => `${JSON.stringify({ ...row, prompt: messages(JSON.stringify(prompt)) })}\n`).join(''))
  const flat = `SELECT id, prompt[1].content AS prompt, chosen, rejected, source FROM read_json('${json}')`
  const options = ['', ', COMPRESSION zstd', ', COMPRESSION uncompressed', ', PARQUET_VERSION v2, COMPRESSION uncompressed', ', ROW_GROUP_SIZE 20, COMPRESSION gzip']
  const asked = options.flatMap(option => [[flat, option], [`SELECT * FROM read_json('${json}')`, option]])
  const files = []
  for (const [k, [query, option]] of asked.entries()) {
    const path = join(dir, `${k}.parquet`)
    await connection.run(`COPY (${query}) TO '${path}' (FORMAT parquet${option})`)
    files.push(readFileSync(path))
  }
  connection.closeSync()
  return files
}

/** What others wrote: two rows each. */
const foreign = () =>
  Object.entries(JSON.parse(readFileSync(join(ROOT, 'test/codecs/parquet-files.json'), 'utf8')))
    .filter(([name]) => ['checksums', 'dictionary_v2', 'lz4', 'empty_groups'].includes(name))
    .map(([, base64]) => ({ bytes: Buffer.from(base64, 'base64'), rows: 2 }))

function judgements() {
  const hex = i => (i * 7919 + 1).toString(16).padStart(32, '0')
  const line = i => ({
    id: `answer-${i}-of-many`, pair_id: hex(i), annotator: 'ann', at: `2026-01-01T10:00:${String(i).padStart(2, '0')}Z`, left: i % 2 ? 'chosen' : 'rejected',
    outcome: ['left', 'right', 'tie'][i % 3], strength: 1 + (i % 3), reason: i % 4 ? null : 'since é', protocol: 'v1',
  })
  const checks = { id: 'check-1-of-one', pair_id: hex(3), annotator: 'bob', at: '2026-01-02T10:00:00Z', protocol: 'v1', benchmark: 'b', item: 'i', contaminated: true }
  const all = [...Array.from({ length: 30 }, (_, i) => line(i)), checks, { undo: 'answer-3-of-many', annotator: 'ann', at: '2026-01-02T11:00:00Z' }]
  return Buffer.from(all.map(entry => `${JSON.stringify(entry)}\n`).join(''))
}

/** By reader; `rows` = what an accepted file must have, where a broken one cannot rightly have another number. */
export async function samplesOf(dir) {
  const of = (files, rows) => files.map(bytes => ({ bytes, rows }))
  const config = name => readFileSync(join(ROOT, 'configs', name))
  return {
    jsonl: of([jsonl, Buffer.from(JSON.stringify(pairs))]),
    gzip: of([gzipSync(jsonl), Buffer.concat([gzipSync(jsonl.subarray(0, 900)), gzipSync(jsonl.subarray(900))])]),
    zstd: [...of([await zstd(jsonl)], ROWS), ...of([Buffer.from((await Zstd.load()).compress(jsonl))])],
    parquet: [...of(await parquetFiles(dir), ROWS), ...foreign()],
    arrow: of(['file', 'stream'].flatMap(kind => arrowTables().map(table => Buffer.from(tableToIPC(table, kind)))), ROWS),
    config: of([config('quickstart.yaml'), Buffer.from('name: x\nsources: &s\n  - &a { path: a.jsonl, limit: 3 }\n  - *a\nsteps: [structure, near-dup: { threshold: 0.8 }]\noutput: { shard_bytes: 1MiB }\n')]),
    judgements: of([judgements()]),
  }
}
