/** `goldpan init`: what it sees in files, the config it writes, and that plan and run take that config as it is. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { init, summary } from '../pipeline/commands/init.ts'
import { loadConfig } from '../pipeline/config.ts'
import { alike } from '../pipeline/init/alike.ts'
import { lookAt } from '../pipeline/init/look.ts'
import { freshDir, goldpan, ROOT } from './cli.ts'

const dir = freshDir('init')
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const file = (name: string, text: string | Uint8Array): string => {
  const path = join(dir, name)
  mkdirSync(resolve(path, '..'), { recursive: true })
  writeFileSync(path, text)
  return path
}
const lines = (rows: readonly unknown[]): string => rows.map(row => JSON.stringify(row)).join('\n')
const look = (path: string) => lookAt(path, path)

describe('what a file is', () => {
  it('tells format, size, languages, licences, label kinds, ties and votes of pairs', async () => {
    const row = (i: number) => ({
      prompt: `Wie viele Beine haben ${i} Katzen zusammen?`,
      chosen: `Jede Katze hat vier Beine, also haben sie zusammen ${4 * i}.`,
      rejected: 'Keine Ahnung.',
      license: 'MIT',
      label_kind: 'human',
      tie: i === 3,
      votes: [{ annotator: 'a', vote: 'chosen' }],
    })
    const seen = await look(file('de.jsonl.gz', gzipSync(lines([1, 2, 3, 4].map(row)))))
    expect(seen).toMatchObject({ role: 'source', container: 'jsonl', compression: 'gzip', rows: 4, whole: true, unsure: [] })
    expect(seen.pairs).toMatchObject({
      format: 'pair',
      count: 4,
      languages: { de: 1 },
      licenses: { MIT: 4 },
      label_kinds: { human: 4 },
      ties: 1,
      votes: 4,
    })
  })

  it('names what it is not certain of', async () => {
    const rows = [
      ...Array.from({ length: 4 }, () => ({ question: 'a', chosen: 'b', rejected: 'c', scores: { judge: [0.9, 0.1] } })),
      { question: 'a', chosen: 7, rejected: 'c' },
      { chosen: '\n\nHuman: a\n\nAssistant: b', rejected: '\n\nHuman: a\n\nAssistant: c' },
    ]
    const { unsure } = await look(file('some-test.jsonl', lines(rows)))
    expect(unsure).toEqual([
      'rows look like dpo and hh; read as dpo, which most of them are',
      '2 of the first 6 rows do not fit dpo and go to rejects/, such as: chosen expected text or a list of messages, got number 7',
      'no licence in its rows: name it',
      'its rows do not say who judged them: check label_kind',
      'by its name a test or evaluation set: leave it out if you evaluate on it',
      "its scores (judge) are all from 0 to 1: read as judges' probabilities, not as rewards",
    ])
  })

  it('tells benchmarks from prompts, and both from files that it cannot read', async () => {
    expect(await look(file('b.jsonl', lines([{ benchmark: 'x', id: 1, text: 'Add two and two' }])))).toMatchObject({
      role: 'benchmark',
      unsure: [],
    })
    expect(await look(file('gsm8k.json', JSON.stringify([{ question: 'Add' }])))).toMatchObject({
      role: 'benchmark',
      unsure: [/by its name/],
    })
    expect(await look(file('p.jsonl', lines([{ prompt: 'Add' }])))).toMatchObject({ role: 'neither', unsure: [/prompts without answers/] })
    expect(await look(file('s.jsonl', lines([{ prompt: 'Add', solutions: [] }])))).toMatchObject({ role: 'neither', unsure: [/solutions/] })
    expect(await look(file('n.jsonl', '1\n2\n'))).toMatchObject({ role: 'neither', unsure: [/no objects/] })
    expect(await look(file('z.jsonl', 'PK\u0003\u0004'))).toMatchObject({ role: 'neither', unsure: [/cannot be read: is a zip archive/] })
  })
})

it('takes no file for a source of which no row can be read, and counts rows that are no JSON', async () => {
  const undecided = { context: [], response1: 'a', response2: 'b', overall_preference: -2 }
  expect(await look(file('h.jsonl', lines([undecided])))).toMatchObject({ role: 'neither', unsure: [/no known format.*recipes\.md/] })
  const unscored = { question: 'a', answers: [{ text: 'b', pm_score: 1 }, { text: 'c', pm_score: 0 }] } // biome-ignore format: one row
  expect(await look(file('x.jsonl', lines([unscored])))).toMatchObject({
    role: 'neither',
    unsure: [/look like scored, but none of the first 1 can be read: answers\.0 expected a number.*recipes\.md/],
  })
  expect(await look(file('r.jsonl', lines([{ prompt: 'a', response_0: 'b', response_1: 'c', better_response_id: 0 }])))).toMatchObject({
    role: 'neither',
    unsure: [/prompts with response_0, response_1, .*recipes\.md/],
  })
  const cut = await look(file('cut.jsonl', `${lines([{ prompt: 'a', chosen: 'b', rejected: 'c' }])}\n{"prompt": `))
  expect(cut.unsure[0]).toMatch(/^1 of the first 2 rows do not fit pair and go to rejects\/, such as: expected a value/)
})

it('takes shards of one table together, and no file of another', () => {
  expect(alike(['d/train-00000-of-2.parquet', 'd/train-00001-of-2.parquet', 'd/train-00002-of-2.parquet', 'd/v2.parquet'])).toEqual([
    { name: 'd/train-*-of-*.parquet', files: ['d/train-00000-of-2.parquet', 'd/train-00001-of-2.parquet', 'd/train-00002-of-2.parquet'] },
    { name: 'd/v2.parquet', files: ['d/v2.parquet'] },
  ])
  expect(alike(['a1', 'a2', 'a3', 'ax']).map(group => group.name)).toEqual(['a1', 'a2', 'a3', 'ax'])
})

describe('the config', () => {
  it('runs as it is on the sample corpus, with every source and benchmark that is there', () => {
    const out = join(dir, 'sample.yaml')
    const said = goldpan(['init', 'data', '--out', out])
    expect(said.code, said.stderr).toBe(0)
    expect(said.stdout).toContain(`goldpan plan ${out}`)
    const { config } = loadConfig(out)
    const readable = readdirSync(join(ROOT, 'data')).filter(name => /\.jsonl(\.gz)?$/.test(name) && name !== 'truth.jsonl')
    expect(config.sources.map(({ path }) => path.split('/').at(-1)).sort()).toEqual(readable.sort())
    expect(config.sources.map(({ format }) => format).sort()).toEqual(['arena', 'chat', 'dpo', 'hh', 'pair', 'pair', 'scored'])
    expect(config.benchmarks).toHaveLength(readdirSync(join(ROOT, 'data/benchmarks')).length)
    const build = goldpan(['run', out, '--out', join(dir, 'build'), '--store', join(dir, 'store'), '--threads', '0', '--progress', 'none'])
    expect(build.code, build.stderr).toBe(0)
    expect(existsSync(join(dir, 'build/train'))).toBe(true)
  })

  it('holds paths and names that YAML, globs or variables would read otherwise', async () => {
    const row = { prompt: 'a', chosen: 'b', rejected: 'c' }
    file('odd/# a: "b".jsonl', lines([row]))
    file(`odd/${'$'}{HOME}.jsonl`, lines([row]))
    file('odd/[x].jsonl', lines([row]))
    file('odd/new\nline.jsonl', lines([row]))
    const out = join(dir, 'odd.yaml')
    await init([join(dir, 'odd')], { out })
    const { sources } = loadConfig(out).config
    expect(sources).toHaveLength(3)
    expect(sources.map(({ path }) => path)).toEqual(['odd/# a: "b".jsonl', 'odd/[x].jsonl', 'odd/new\nline.jsonl'])
    expect(goldpan(['plan', out, '--store', join(dir, 'store')]).code).toBe(0)
  })

  it('is never written over another, nor without pairs', async () => {
    const out = file('mine.yaml', 'mine')
    await expect(init([join(ROOT, 'data')], { out })).rejects.toThrow(/mine.yaml: is there already .*--out FILE/)
    expect(readFileSync(out, 'utf8')).toBe('mine')
    const none = join(dir, 'none.yaml')
    await expect(init([file('only.jsonl', lines([{ text: 'a', benchmark: 'b' }]))], { out: none })).rejects.toThrow(
      'no file of preference pairs among 1 files',
    )
    expect(existsSync(none)).toBe(false)
    await expect(init([join(dir, 'nowhere')], { out: none })).rejects.toThrow('no such file or folder')
  })

  it('says in the terminal what it was not certain of', async () => {
    const out = join(dir, 'said.yaml')
    const found = await init([file('said/plain.jsonl', lines([{ prompt: 'a', chosen: 'b', rejected: 'c' }]))], { out })
    expect(summary(found, out)).toContain('said/plain.jsonl\n    ? no licence in its rows: name it')
    expect(readFileSync(out, 'utf8')).toContain('# ? no licence in its rows: name it')
  })
})

const DATA = resolve(process.env.GOLDPAN_DATA ?? join(ROOT, '../shared/data'))
describe.skipIf(!existsSync(DATA))('public data as published', () => {
  it('recognises the files of raw/ and runs on those that hold pairs', () => {
    const out = join(dir, 'raw.yaml')
    const said = goldpan(['init', join(DATA, 'raw'), join(DATA, 'benchmarks'), '--out', out, '--json'])
    expect(said.code, said.stderr).toBe(0)
    const { files } = JSON.parse(said.stdout) as {
      files: { path: string; role: string; pairs?: { format: string; languages: object; annotators: number } }[]
    }
    const of = (name: string) => files.find(({ path }) => path.includes(name))!
    expect(of('helpsteer3')).toMatchObject({ role: 'neither' })
    expect(of('hh-rlhf')).toMatchObject({ role: 'source', pairs: { format: 'hh', languages: { en: 1 } } })
    expect(of('pandalm')).toMatchObject({ role: 'source', pairs: { format: 'arena', annotators: 3 } })
    expect(files.filter(({ role }) => role === 'benchmark')).toHaveLength(5)
    expect(goldpan(['plan', out, '--store', join(dir, 'raw-store')]).code).toBe(0)
    const build = goldpan([
      'run',
      out,
      '--out',
      join(dir, 'raw'),
      '--store',
      join(dir, 'raw-store'),
      '--threads',
      '0',
      '--progress',
      'none',
      '--set',
      'sources.0.limit=100',
      '--set',
      'sources.1.limit=100',
    ])
    expect(build.code, build.stderr).toBe(0)
  })

  it('recognises every file of the folder', async () => {
    const found = await init([DATA], { out: join(dir, 'all.yaml') })
    const role = (name: string) => found.find(({ named }) => named.endsWith(name))!.seen
    expect(found.filter(({ seen }) => seen.role === 'source')).toHaveLength(13)
    expect(role('/rewardmath-scores.jsonl.gz').role).toBe('neither')
    expect(role('/rewardbench-bon16.jsonl.gz').pairs).toMatchObject({ format: 'scored', responses: 16 })
    expect(Object.keys(role('/oasst-zh.jsonl.gz').pairs!.languages)[0]).toBe('zh')
    expect(role('/alpaca-eval.jsonl.gz').pairs).toMatchObject({ probabilities: true, scores: ['p_b'] })
  })
})
