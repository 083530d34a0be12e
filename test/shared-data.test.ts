/**
 * The recipe over real public data (GOLDPAN_DATA): accounts, known duplicates, known contamination, and the same bytes for any thread count. Over the
 * first 1,000 rows of every file; WHOLE=1 (`make bench`) is over all of them, and compares numbers of threads as same-bytes.test.ts does.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseDocument, type YAMLMap, type YAMLSeq } from 'yaml'
import type { Manifest } from '../pipeline/manifest.ts'
import { freshDir, goldpan, ROOT, type Row, rowsOf } from './cli.ts'

const DATA = resolve(process.env.GOLDPAN_DATA ?? join(ROOT, '../shared/data'))
const present = existsSync(DATA)
if (!present) console.log(`skipped: the recipe over real data, which is not at ${DATA} (set GOLDPAN_DATA)`)

const whole = process.env.WHOLE === '1'
const dir = freshDir('shared')
const out = join(dir, 'out')
const run = (config: string, to: string, store: string, threads: number) =>
  goldpan(['run', config, '--out', to, '--store', join(dir, store), '--threads', String(threads), '--progress', 'none'], {
    env: { GOLDPAN_DATA: DATA },
  })
const manifestOf = (folder: string): string => readFileSync(join(folder, 'manifest.json'), 'utf8')

/** configs/shared-data.yaml over the first rows of the files whose path fits, written as `name`.yaml. */
function short(name: string, files: RegExp, limit: number): string {
  const config = parseDocument(readFileSync(join(ROOT, 'configs/shared-data.yaml'), 'utf8'))
  const items = (config.get('sources') as YAMLSeq<YAMLMap>).items.filter(source => files.test(String(source.get('path'))))
  expect(items.length).toBeGreaterThanOrEqual(3)
  for (const source of items) source.set('limit', limit)
  config.set('sources', items)
  config.delete('expect')
  const file = join(dir, `${name}.yaml`)
  writeFileSync(file, String(config))
  return file
}

describe.skipIf(!present)('configs/shared-data.yaml', () => {
  let manifest: Manifest
  beforeAll(() => {
    const { code, stdout, stderr } = run(whole ? join(ROOT, 'configs/shared-data.yaml') : short('short', /./, 1000), out, 'store', 2)
    if (code !== 0) throw new Error(stderr)
    console.log(stdout)
    manifest = JSON.parse(manifestOf(out)) as Manifest
  }, 600_000)

  it('reads eleven sources without a reject and accounts for every pair', async () => {
    const { totals, inputs, steps } = manifest
    expect(inputs).toHaveLength(11)
    expect([inputs.reduce((n, i) => n + i.rows, 0), totals.rejected, totals.pairs_in]).toEqual(
      whole ? [111_159, 0, 113_778] : [10_044, 0, 12_663],
    )
    expect(totals.pairs_in).toBe(totals.train + totals.validation + totals.quarantine + totals.review + totals.dropped)
    for (const step of steps) expect(step.rows_in - step.rows_out).toBe(Object.values(step.dropped).reduce((a, b) => a + b, 0))
    const [{ n }] = await rowsOf(out, `SELECT count(*)::INT AS n FROM '{dir}/ledger/*.parquet'`)
    expect(n).toBe(totals.pairs_in)
  })

  it('finds the 54 pairs of pandalm with an empty side', async () => {
    const rows = await rowsOf(
      out,
      `SELECT count(*)::INT AS n FROM '{dir}/ledger/*.parquet' WHERE source = 'pandalm' AND reason = 'empty_side'`,
    )
    expect(rows[0].n).toBe(54)
  })

  it('finds the two prompts of alpaca-eval that are in MT-bench, with the item as evidence', async () => {
    const sql = `SELECT DISTINCT prompt_id, c.benchmark, c.item FROM (SELECT prompt_id, unnest(contamination) AS c FROM '{dir}/ledger/*.parquet'
      WHERE source = 'alpaca-eval' AND outcome = 'quarantine') WHERE c.benchmark = 'mt-bench'`
    expect((await rowsOf(out, sql)).map((row: Row) => row.prompt_id)).toHaveLength(2)
  })

  it('verifies', () => {
    expect(goldpan(['verify', out]).code).toBe(0)
  })

  it.runIf(whole)(
    'gives the same manifest with one thread and with three, on the smaller sources',
    () => {
      const file = short('small', /hh-|oasst-zh|pandalm/, 500)
      for (const threads of [1, 3]) expect(run(file, join(dir, `small-${threads}`), `store-${threads}`, threads).code).toBe(0)
      expect(manifestOf(join(dir, 'small-1'))).toBe(manifestOf(join(dir, 'small-3')))
    },
    600_000,
  )

  it('finds the exact duplicates and conflicts that are known of pandalm and ukpconvarg1', async () => {
    const config = join(dir, 'exact.yaml')
    writeFileSync(
      config,
      `name: exact\nsources:\n  - { path: ${join(DATA, 'pandalm.jsonl.gz')} }\n  - { path: ${join(DATA, 'ukpconvarg1.jsonl.gz')} }\nsteps: [exact-dedup]\noutput: { layout: conversations, publish_without_review: true }\n`,
    )
    expect(run(config, join(dir, 'exact'), 'store', 2).code).toBe(0)
    const sql = `SELECT source, relation, count(*)::INT AS n FROM '{dir}/ledger/*.parquet' WHERE relation IS NOT NULL GROUP BY ALL`
    const found = Object.fromEntries((await rowsOf(join(dir, 'exact'), sql)).map(row => [`${row.source} ${row.relation}`, row.n as number]))
    // 134 equal triples, and two ties whose sides are exchanged: without a label to conflict they are copies too.
    expect(found['pandalm exact']).toBe(136)
    // 254 equal triples; those of a tie with a label are no copies of each other, ties with exchanged sides are.
    expect(found['ukpconvarg1 exact']).toBeGreaterThanOrEqual(200)
    expect(found['ukpconvarg1 exact']).toBeLessThanOrEqual(300)
    // Both sides of a conflict between equals are marked.
    expect(found['ukpconvarg1 swapped'] / 2).toBeGreaterThanOrEqual(30)
    expect(found['ukpconvarg1 swapped'] / 2).toBeLessThanOrEqual(45)
  })
})
