/** Builds that are whole, but of a shape that is seldom seen. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, it } from 'vitest'
import { reportIn } from '../../pipeline/report/write.ts'
import { checksOf } from '../../pipeline/verify/verify.ts'
import { Bench } from '../built.ts'

const bench = new Bench('verify-odd')
const rows = Array.from({ length: 30 }, (_, i) => ({ prompt: `Question ${i}?`, chosen: `Good ${i}.`, rejected: `Bad ${i}.` }))

const wrongIn = async (out: string): Promise<readonly string[]> => (await checksOf(out)).flatMap(check => check.wrong)

it('one file may be two sources', async () => {
  const config = bench.config({ 'a.jsonl': rows }, 'steps: [structure]\noutput: { publish_without_review: true }\n')
  writeFileSync(
    config,
    'name: twice\nsources: [{ path: a.jsonl, source: one }, { path: a.jsonl, source: two }]\nsteps: [structure]\noutput: { publish_without_review: true }\n',
  )
  expect(await wrongIn((await bench.run(config)).out)).toEqual([])
})

it('a build may be without any pair', async () => {
  const config = bench.config({ 'a.jsonl': rows }, 'steps: [structure]\n')
  const db = await (await DuckDBInstance.create()).connect()
  const columns = ['prompt', 'chosen', 'rejected'].map(name => `'x' as ${name}`).join(', ')
  await db.run(`copy (select ${columns} limit 0) to '${join(config, '../none.parquet')}'`)
  db.closeSync()
  writeFileSync(config, 'name: none\nsources: [{ path: none.parquet, source: s }]\nsteps: [structure]\n')
  const { out, manifest } = await bench.run(config)
  expect(manifest.outputs).toEqual([])
  expect(await wrongIn(out)).toEqual([])
  expect((await reportIn(out)).report.warnings.map(({ text }) => text)).toContain('no pair came in: the files hold 0 rows')
})
