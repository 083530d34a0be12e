/** Reads one file through a reader of goldpan's and says what became of it; throws where the reader broke its promise. */
import assert from 'node:assert'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** What is compiled, loaded by the process that needs it. */
const load = name => import(`../../dist/pipeline/${name}.js`)

const file = path => ({ path, shown: 'in', format: 'pair', priority: 0, scores: true, pairs: 'all', min_gap: 0 })

/** Every row of the file is a pair of a shard or a reject, once. */
async function ingested(path) {
  const seen = []
  const sink = { shard: async (_, facts) => void seen.push(...facts.columns.row.values.subarray(0, facts.rows)) }
  const { ingestFile } = await load('ingest')
  const { rows, rejected, rejects } = await ingestFile(file(path), sink)
  assert.equal(seen.length + rejected, rows, 'rows are lost')
  const all = [...seen, ...rejects.flatMap(({ columns, rows: n }) => [...columns.row.values.subarray(0, n)])].sort((a, b) => a - b)
  assert.ok(all.every((row, i) => row === i), 'rows are counted twice')
  return { rows, rejected }
}

/** Rows that a text has, found in another way; undefined for an array that is none. */
function rowsOfText(bytes) {
  const text = bytes.subarray(bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0).toString('latin1')
  if (!/^[\0- ]*\[/.test(text)) return text.split('\n').filter(line => /[^ \t\r]/.test(line)).length
  try {
    return JSON.parse(bytes.toString('utf8').replace(/^\ufeff/, '')).length
  } catch {
    return undefined
  }
}

const text = unpack => async (path, bytes) => {
  const said = await ingested(path)
  assert.equal(said.rows, rowsOfText(unpack(bytes)) ?? said.rows, 'lines are lost')
  return said
}

async function columnar(path, _, { rows }) {
  const said = await ingested(path)
  assert.equal(said.rows, rows ?? said.rows, 'rows of the file are lost')
  return said
}

async function judgements(path, bytes) {
  const { readLogs } = await load('judgements/log')
  const { answers, checks, undone, notes } = readLogs([path])
  const known = new Set([...answers, ...checks].map(line => line.id).concat([...undone]))
  const lines = bytes.toString('utf8').split('\n').map(line => line.trim())
  const cut = notes.some(note => note.includes('cut off')) ? lines.pop() : ''
  for (const line of lines.filter(line => line !== '')) {
    const { id, undo } = JSON.parse(line)
    assert.ok(known.has(undo ?? id), 'an answer is lost')
  }
  return { rows: lines.length, rejected: cut ? 1 : 0 }
}

export const readers = {
  jsonl: text(bytes => bytes),
  gzip: text(bytes => (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes)),
  zstd: columnar,
  parquet: columnar,
  arrow: columnar,
  async config(path) {
    const { loadConfig } = await load('config')
    loadConfig(path)
    return { rows: 0, rejected: 0 }
  },
  judgements,
}
