import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type QueryFormat, query, queryInto } from '../../pipeline/commands/query.ts'
import { UserError } from '../../pipeline/errors.ts'
import { CLI, goldpan, rowsOf } from '../cli.ts'
import { writeSmallBuild } from '../small-build.ts'
import { smallPairs } from '../small-pairs.ts'

const dir = mkdtempSync(join(tmpdir(), 'query-'))
// The folder's name looks like a partition key: it must not become a column.
const build = join(dir, 'source=x')
const builds = { message: join(dir, 'message'), conversations: join(dir, 'conversations'), kept: join(dir, 'kept') }
beforeAll(async () => {
  for (const folder of [build, ...Object.values(builds)]) mkdirSync(folder)
  await writeSmallBuild(build)
  await writeSmallBuild(builds.message, { layout: 'message', format: 'jsonl' })
  await writeSmallBuild(builds.conversations, { layout: 'conversations', format: 'arrow' })
  await writeSmallBuild(builds.kept, { pairs: smallPairs.slice(0, 1) })
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

async function ask(sql: string, format: Exclude<QueryFormat, 'parquet'> = 'csv', from = build, width?: number): Promise<string> {
  let text = ''
  for await (const piece of query(from, sql, format, width)) text += piece
  return text
}

describe('formats', () => {
  test('csv quotes what needs it and tells an empty text from a null', async () => {
    expect(await ask(`select 'a,"b' as t, '' as e, null as n, 1 as i, 'x\ny' as l`)).toBe('t,e,n,i,l\n"a,""b","",,1,"x\ny"\n')
  })

  test('json: numbers as written, nested values, NaN as null, an empty answer', async () => {
    const rows = JSON.parse(
      await ask("select p_mean, human, contamination from ledger where source = 'arena' order by p_mean nulls last", 'json'),
    )
    expect(rows[0]).toEqual({ p_mean: 0.1, human: null, contamination: null })
    expect(rows[3]).toMatchObject({ contamination: [{ benchmark: 'mt-bench', item: '81', span: 'compose a poem', coverage: 0.5 }] })
    expect(JSON.parse(await ask("select 'nan'::float as a, 'inf'::double as b", 'json'))).toEqual([{ a: null, b: null }])
    expect(JSON.parse(await ask('from ledger where false', 'json'))).toEqual([])
  })

  test('table: aligned, on one line a row, cut to the width', async () => {
    expect(await ask("select source, count(*) as n, 'a\nb' as t from ledger group by all order by all", 'table')).toBe(
      'source  n  t\narena   4  a\\nb\nhh      3  a\\nb\n',
    )
    for (const line of (await ask('from train', 'table', build, 120)).split('\n')) expect(line.length).toBeLessThanOrEqual(160)
  })

  test('a table of many rows ends after 1000 and says so', async () => {
    const text = await ask('select i from range(1500) t(i)', 'table')
    expect(text.split('\n').slice(-3)).toEqual(['999', '... more than 1000 rows; --format csv or json prints them all', ''])
    expect((await ask('select i from range(1500) t(i)')).trimEnd().split('\n')).toHaveLength(1501)
  })

  test.each(['csv', 'json'] as const)('%s keeps a leading U+FEFF', async format => {
    expect(await ask("select prompt[1].content as c from train where source = 'arena'", format)).toContain('\ufeffName a colour')
  })

  test('spreadsheet: no text is a formula, numbers stay numbers; csv leaves texts alone', async () => {
    const sql = "select '=1+1' as \"=a\", -1 as n, '- item' as t, '＝x' as w, 'a=b' as u, '@' as v, null as z"
    expect(await ask(sql, 'spreadsheet')).toBe("'=a,n,t,w,u,v,z\n'=1+1,-1,'- item,'＝x,a=b,'@,\n")
    expect(await ask(sql)).toBe('=a,n,t,w,u,v,z\n=1+1,-1,- item,＝x,a=b,@,\n')
  })

  test('parquet: the rows with their types, at --output', async () => {
    const file = join(dir, 'answer.parquet')
    await queryInto(build, 'select pair_id, row, p_mean, human, contamination from ledger order by row, source;', 'parquet', file)
    const both = await Promise.all([
      rowsOf('', `select * from '${file}'`),
      rowsOf(
        build,
        "select pair_id, row, p_mean, human, contamination from read_parquet('{dir}/ledger/*.parquet', hive_partitioning = false) order by row, source",
      ),
    ])
    expect(both[0]).toEqual(both[1])
    expect(both[0]).toHaveLength(7)
    await expect(queryInto(build, 'select 1 as a, 2 as A', 'parquet', file)).rejects.toThrow('two columns are called A')
    await expect(queryInto(build, 'select 1 as a, 2 as a', 'json', file)).rejects.toThrow('two columns are called a; JSON needs')
    await expect(queryInto(build, "select error('no')", 'parquet', file)).rejects.toThrow(UserError)
    expect(await rowsOf('', `select count(*) as n from '${file}'`)).toEqual([{ n: '7' }])
    expect(readdirSync(dir).filter(name => name.startsWith('.answer'))).toEqual([])
  })

  test('parquet on a pipe, and refusals of --output', async () => {
    const piped = spawnSync(process.execPath, [CLI, 'query', build, 'from ledger', '--format', 'parquet'])
    expect(piped.stdout.subarray(0, 4).toString() + piped.stdout.subarray(-4).toString()).toBe('PAR1PAR1')
    await queryInto(build, 'select 1 as a', 'csv', join(dir, 'answer.csv'))
    expect(readFileSync(join(dir, 'answer.csv'), 'utf8')).toBe('a\n1\n')
    await expect(queryInto(build, 'select 1', 'csv', join(build, 'train/x.csv'))).rejects.toThrow('lies inside the build')
    await expect(queryInto(build, 'select 1', 'csv', join(dir, 'no/x.csv'))).rejects.toThrow('no such folder')
    await expect(queryInto(build, 'select 1', 'csv', dir)).rejects.toThrow('is not a file')
  })

  test('two columns of one name, a trailing semicolon, a trailing comment', async () => {
    expect(await ask('select 1 as a, 2 as a;')).toBe('a,a\n1,2\n')
    expect(await ask('select 1 as a -- one')).toBe('a\n1\n')
  })
})

describe('tables', () => {
  test('each has its rows', async () => {
    const counts = ['train', 'validation', 'flipped', 'quarantine', 'review', 'ledger', 'rejects'].map(
      t => `(select count(*) from ${t}) as ${t}`,
    )
    expect(await ask(`select ${counts.join(', ')}`)).toBe('train,validation,flipped,quarantine,review,ledger,rejects\n2,1,1,1,2,7,1\n')
  })

  test('one without files has its columns and no rows', async () => {
    expect(await ask('select pair_id, contamination[1].span as span, step from quarantine', 'csv', builds.kept)).toBe('pair_id,span,step\n')
    expect(await ask('select chosen[1].content, against from flipped', 'csv', builds.kept)).toMatch(/^[^\n]+\n$/)
  })

  test('jsonl shards are read with the types of the layout, arrow shards are named as not readable', async () => {
    expect(
      await ask("select chosen.content as c, flipped, p_mean, typeof(human) as t from train where source = 'hh'", 'csv', builds.message),
    ).toBe('c,flipped,p_mean,t\nFour.,false,0.9,"STRUCT(outcome VARCHAR, n INTEGER, agreement FLOAT)"\n')
    await expect(ask('from train', 'csv', builds.conversations)).rejects.toThrow('train is in Arrow files')
    await expect(ask('select count(source_id) from Train', 'csv', builds.conversations)).rejects.toThrow('in Arrow files')
    expect(await ask('select count(*) as n from ledger', 'csv', builds.conversations)).toBe('n\n7\n')
  })

  test('damage among the rows of a file is told as such, by whatever command reads it', async () => {
    const broken = join(dir, 'broken')
    mkdirSync(broken)
    await writeSmallBuild(broken)
    const file = join(broken, 'ledger/part-00000.parquet')
    const bytes = readFileSync(file)
    // all but the footer
    bytes.fill(0x55, 4, bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8))
    writeFileSync(file, bytes)
    for (const args of [
      ['explain', broken, '1'],
      ['report', broken, '--no-write'],
      ['diff', build, broken],
    ]) {
      const { code, stderr } = goldpan(args)
      expect([code, stderr], args.join(' ')).toEqual([2, expect.stringContaining('`goldpan verify` tells which file is damaged')])
    }
    expect(goldpan(['query', broken, 'select count(distinct source_id) from ledger'])).toMatchObject({ code: 2 })
  })

  test('a damaged file is one line', async () => {
    const damaged = join(dir, 'damaged')
    mkdirSync(damaged)
    await writeSmallBuild(damaged)
    writeFileSync(join(damaged, 'train/part-00000.parquet'), 'not parquet')
    const asked = ask('select 1', 'csv', damaged)
    await expect(asked).rejects.toThrow(UserError)
    await expect(asked).rejects.toThrow(/^[^\n]*goldpan verify[^\n]*$/)
  })
})

test('edges are the pairs of the ledger that duplicate or contradict another', async () => {
  const edges = JSON.parse(await ask('select * from edges', 'json')) as { pair_id: string; duplicate_of: string; relation: string }[]
  const expected = smallPairs.filter(p => p.duplicate_of !== undefined)
  expect(expected.length).toBeGreaterThan(0)
  expect(edges.map(e => e.relation)).toEqual(expected.map(p => p.relation))
  expect(edges.map(e => e.duplicate_of)).toEqual(expected.map(p => p.duplicate_of))
  expect(Object.keys(edges[0])).toEqual(
    'pair_id duplicate_of relation jaccard source outcome step reason cluster_id cluster_size'.split(' '),
  )
  expect(JSON.parse(await ask('from edges', 'json', builds.kept))).toEqual([])
})

test.each([
  ['selec 1', 'syntax error at or near "selec"'],
  ['select sorce from ledger', 'Candidate bindings: "source"'],
  ['select * from legder', 'no table legder; did you mean "ledger"? (known: train, validation, flipped'],
  ['select 1; select 2', 'expected one statement, got 2'],
  ['pivot ledger on outcome using count(*) group by source', 'PIVOT needs its values here'],
  ['', 'the statement is empty'],
  ['select $1', 'parameters ($1, ?) have no value here'],
  ["select cast('x' as int)", "Could not convert string 'x' to INT32"],
])('wrong SQL is one line: %s', async (sql, message) => {
  const asked = ask(sql)
  await expect(asked).rejects.toThrow(UserError)
  await expect(asked).rejects.toThrow(message)
  await expect(asked).rejects.not.toThrow(/\n/)
})

describe('a query reads the build and nothing else', () => {
  const secret = join(dir, 'secret.csv')
  const target = join(dir, 'written.csv')
  beforeAll(() => {
    writeFileSync(secret, 'a\nhidden\n')
    symlinkSync(secret, join(build, 'ledger/link.csv'))
  })

  test.each([
    ['read_csv', () => `select * from read_csv('${secret}')`],
    ['read_text', () => `select * from read_text('${secret}')`],
    ['read_blob', () => `select * from read_blob('${secret}')`],
    ['glob', () => `select * from glob('${dir}/*')`],
    ['sniff_csv', () => `select * from sniff_csv('${secret}')`],
    ['a path as a table', () => `select * from '${secret}'`],
    ['the manifest', () => `select * from read_text('${build}/manifest.json')`],
    ['http', () => "select * from read_csv('http://127.0.0.1:9/x.csv')"],
    ['copy', () => `copy (select 1) to '${target}'`],
    ['copy over a shard', () => `copy (select 1) to '${build}/train/part-00000.parquet'`],
    ['attach', () => `attach '${join(dir, 'x.db')}'`],
    ['export', () => `export database '${join(dir, 'exported')}'`],
    ['install', () => 'install httpfs'],
    ['load', () => 'load httpfs'],
    ['set', () => 'set enable_external_access = true'],
    ['set within a list', () => 'select 1; set lock_configuration = false'],
    ['create', () => 'create table t as select 1'],
    ['drop', () => 'drop view train'],
    ['explain analyze of a copy', () => `explain analyze copy (select 1) to '${build}/train/part-00000.parquet'`],
    ['pragma', () => "pragma temp_directory='/'"],
    ['a way around the folder', () => `select * from read_csv('${build}/train/../../secret.csv')`],
    ['a link inside the build', () => `select * from read_csv('${build}/ledger/link.csv')`],
    ['memory of the process', () => "select * from read_text('/proc/self/environ')"],
    ['variables of the environment', () => "select getenv('HOME')"],
    ['set within a function', () => "select set_config('enable_external_access', 'true')"],
    ['a copy inside a CTE', () => `with x as (copy (select 1) to '${target}') select * from x`],
    ['an end of the statement inside', () => `select 1) to '${target}' (format csv); --`],
    ['arrow and text readers', () => `select * from read_ndjson_objects('${secret}')`],
    ['call', () => 'call pragma_database_size()'],
    ['vacuum', () => 'vacuum'],
    ['a secret', () => "create secret s (type s3, key_id 'a', secret 'b')"],
    ['query()', () => `select * from query('copy (select 1) to ''${target}''')`],
  ])('%s is refused', async (_, sql) => {
    const shard = readFileSync(join(build, 'train/part-00000.parquet'))
    const before = readdirSync(dir)
    await expect(ask(sql())).rejects.toThrow(UserError)
    await expect(queryInto(build, sql(), 'parquet', join(dir, 'out.parquet'))).rejects.toThrow(UserError)
    expect(existsSync(target)).toBe(false)
    expect(readdirSync(dir)).toEqual(before)
    expect(readFileSync(join(build, 'train/part-00000.parquet')).equals(shard)).toBe(true)
  })
})
