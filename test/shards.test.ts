/** The training shards of finished builds as loaders find them: every trap that is a matter of the whole folder, read back by hyparquet and DuckDB. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { reportSchema } from '../pipeline/report/report-schema.ts'
import { freshDir, goldpan, type Row, rowsOf, type Said } from './cli.ts'

const dir = freshDir('shards')
const STORE = join(dir, 'store')

/** Forty families of prompts that differ by a word or two, five each, so that a split by pair would tear nearly all of them. */
const WORDS = 'river stone lamp bread glass paper wheel cloud horse garden winter bridge candle mirror button'.split(' ')
function prompts(): string[] {
  const said = (family: number, k: number): string => WORDS[(family * 7 + k * 3 + ((family * k) % 5)) % WORDS.length]
  const base = (family: number): string =>
    `In case number ${family} of the ${said(family, 1)} and the ${said(family, 2)}, which ${said(family, 3)} would the ${said(family, 4)} take to the old ${said(family, 5)} market on a grey day, and why does the keeper of the ${said(family, 6)} think so`
  return Array.from({ length: 200 }, (_, i) => `${base(Math.floor(i / 5))}${['?', ' then?', ' now?', '!', ', say?'][i % 5]}`)
}

const LONE = String.raw`\ud800 alone`
const lines = (): string[] => [
  ...prompts().map((prompt, i) =>
    JSON.stringify({
      id: `p${i}`,
      prompt,
      chosen: `Answer ${i}: because of ${WORDS[i % 15]}.`,
      rejected: `No idea ${i}, ask ${WORDS[(i + 4) % 15]}.`,
    }),
  ),
  JSON.stringify({ id: 'bom', prompt: '\ufeffIs the mark kept?', chosen: '\ufeffIt is kept.', rejected: 'It is gone.' }),
  `{"id": "lone", "prompt": "What is half of a pair?", "chosen": "${LONE}", "rejected": "Nothing."}`,
]

function run(
  name: string,
  output: object,
  steps = ['structure', 'near-dup: { near: mark }', 'prompt-clusters'],
  rows = lines(),
): Said & { out: string } {
  const home = join(dir, name)
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'pairs.jsonl'), `${rows.join('\n')}\n`)
  const config = `name: shards\nsources: [{ path: pairs.jsonl, license: MIT, label_kind: human }]\nsteps:\n${steps.map(s => `  - ${s}\n`).join('')}`
  writeFileSync(join(home, 'c.yaml'), `${config}output: ${JSON.stringify({ publish_without_review: true, ...output })}\n`)
  const out = join(home, 'out')
  return { ...goldpan(['run', join(home, 'c.yaml'), '--out', out, '--store', STORE, '--threads', '0', '--progress', 'none']), out }
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder)
    .sort()
    .map(file => join(folder, file))
const bufferOf = (path: string): ArrayBuffer => new Uint8Array(readFileSync(path)).buffer
const footer = (path: string) => parquetMetadata(bufferOf(path))
/** Names, types and nullability of all columns, in order. */
const schemaOf = (path: string): string[] =>
  footer(path).schema.map(s => [s.name, s.type, s.converted_type, s.repetition_type, s.num_children].join(' '))

interface Card {
  readonly configs: readonly { readonly config_name: string; readonly data_files: readonly { readonly split: string }[] | string }[]
}
const cardOf = (out: string): Card => parse(readFileSync(join(out, 'README.md'), 'utf8').split('---\n')[1]) as Card

describe('a build of many small shards', () => {
  let out = ''
  let stderr = ''
  beforeAll(() => {
    const said = run('many', { splits: { validation: 0.2 }, shard_bytes: 4096, signals: ['p_mean', 'human'] }, [
      'structure',
      'near-dup: { near: mark }',
      'prompt-clusters',
      'score',
      'disagreement',
    ])
    if (said.code !== 0) throw new Error(said.stderr)
    out = said.out
    stderr = said.stderr
  })

  it('has no shard and no row group without rows, and the same columns in every shard of both splits', () => {
    const files = [...filesIn(join(out, 'train')), ...filesIn(join(out, 'validation'))]
    expect(files.length).toBeGreaterThan(10)
    for (const path of files) {
      expect(footer(path).row_groups.length).toBeGreaterThan(0)
      for (const { num_rows } of footer(path).row_groups) expect(Number(num_rows)).toBeGreaterThan(0)
      expect(schemaOf(path), path).toEqual(schemaOf(files[0]))
      expect(
        footer(path)
          .key_value_metadata?.map(kv => kv.key)
          .filter(key => /huggingface|pandas/.test(key)) ?? [],
      ).toEqual([])
    }
  })

  it('holds plain strings only: no dictionary or large type that a client would not know', () => {
    const [path] = filesIn(join(out, 'train'))
    const types = footer(path).schema.filter(s => s.num_children === undefined)
    expect(new Set(types.map(s => s.type))).toEqual(new Set(['BYTE_ARRAY', 'BOOLEAN', 'FLOAT', 'INT32']))
    for (const s of types) if (s.type === 'BYTE_ARRAY') expect(s.converted_type, s.name).toBe('UTF8')
  })

  it('has a report.json that is as its schema says, although no pair has both of some models', () => {
    const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))
    expect(reportSchema.safeParse(report).error).toBeUndefined()
    expect(report.models.agreement.filter((a: { pairs: number }) => a.pairs === 0).length).toBeGreaterThan(0)
  })

  it('keeps the type of a column without any value', async () => {
    const rows = await rowsOf(out, "SELECT count(*) n, count(lang) lang, count(human) human FROM '{dir}/train/*.parquet'")
    expect(rows[0]).toMatchObject({ lang: '0', human: '0' })
    const [path] = filesIn(join(out, 'train'))
    expect(footer(path).schema.find(s => s.name === 'lang')).toMatchObject({
      type: 'BYTE_ARRAY',
      converted_type: 'UTF8',
      repetition_type: 'OPTIONAL',
    })
    expect(footer(path).schema.find(s => s.name === 'human')).toMatchObject({ num_children: 3, repetition_type: 'OPTIONAL' })
  })

  it('cuts shards by their text as it is, so that they are alike for any format', async () => {
    const bytes = (side: string): string => `list_sum(list_transform(${side}, turn -> strlen(turn.content)))`
    const rows = await rowsOf(
      out,
      `SELECT sum(${['prompt', 'chosen', 'rejected'].map(bytes).join(' + ')})::int n FROM read_parquet('{dir}/train/*.parquet', filename = true) GROUP BY filename ORDER BY filename`,
    )
    const sizes = rows.map(row => Number(row.n))
    // A shard ends with the pair that fills it.
    for (const size of sizes) expect(size).toBeLessThan(4096 + 400)
    for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThan(2048)
  })

  it('never tears a cluster of near-duplicate prompts, and holds out about the share asked for', async () => {
    const sql = `SELECT pair_id, split, prompt_id, source_id FROM '{dir}/ledger/*.parquet' WHERE split IS NOT NULL`
    const rows = (await rowsOf(out, sql)).filter(row => /^p\d/.test(String(row.source_id)))
    expect(rows).toHaveLength(200)
    const families = new Map<number, Set<unknown>>()
    for (const { source_id, split } of rows) {
      const family = Math.floor(Number(String(source_id).slice(1)) / 5)
      families.set(family, (families.get(family) ?? new Set()).add(split))
    }
    expect([...families].filter(([, splits]) => splits.size > 1)).toEqual([])
    expect(families.size).toBe(40)
    const held = rows.filter(row => row.split === 'validation').length
    expect(held).toBeGreaterThan(10)
    expect(held).toBeLessThan(90)
  })

  it('hyparquet and DuckDB read the texts of the input, a leading U+FEFF kept', async () => {
    const files = [...filesIn(join(out, 'train')), ...filesIn(join(out, 'validation'))]
    const given = new Map(
      lines()
        .slice(0, 200)
        .map(line => JSON.parse(line) as Record<string, string>)
        .map(row => [row.id, row]),
    )
    const read = (await Promise.all(files.map(path => parquetReadObjects({ file: bufferOf(path), compressors })))).flat() as Row[]
    const found = new Map(read.map(row => [row.source_id as string, row]))
    for (const [id, { prompt, chosen, rejected }] of given)
      expect(found.get(id)).toMatchObject({
        prompt: [{ role: 'user', content: prompt }],
        chosen: [{ role: 'assistant', content: chosen }],
        rejected: [{ role: 'assistant', content: rejected }],
      })
    const [bom] = await rowsOf(
      out,
      `SELECT hex(encode(prompt[1].content)) p, hex(encode(chosen[1].content)) c FROM read_parquet(['{dir}/train/*.parquet', '{dir}/validation/*.parquet']) WHERE source_id = 'bom'`,
    )
    expect([bom.p, bom.c].map(hex => Buffer.from(String(hex), 'hex').toString('utf8'))).toEqual([
      '\ufeffIs the mark kept?',
      '\ufeffIt is kept.',
    ])
  })

  it('a lone surrogate becomes U+FFFD and is counted, on stderr and in the manifest', async () => {
    const note = expect.stringContaining('1 texts held lone surrogates')
    expect(stderr).toEqual(note)
    const { inputs } = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as { inputs: { notes?: string[] }[] }
    expect(inputs[0].notes).toEqual([note])
    const sql = `SELECT chosen[1].content c FROM read_parquet(['{dir}/train/*.parquet', '{dir}/validation/*.parquet']) WHERE source_id = 'lone'`
    expect(await rowsOf(out, sql)).toEqual([{ c: '\ufffd alone' }])
  })

  it('leaves nothing but shards in the split folders', () => {
    for (const split of ['train', 'validation'])
      for (const path of readdirSync(join(out, split))) expect(path).toMatch(/^part-\d{5}\.parquet$/)
    // A loader without the card would take a folder of these names, or one that begins so, for a split.
    for (const name of readdirSync(out)) expect(name).not.toMatch(/^(?:test|eval|dev|val(?!idation$))/)
  })
})

it('a split that nothing fell into has no folder and no line in the card', () => {
  const { out, code } = run('whole', {})
  expect(code).toBe(0)
  expect(existsSync(join(out, 'validation'))).toBe(false)
  expect(cardOf(out).configs[0].data_files).toEqual([{ split: 'train', path: 'train/*.parquet' }])
})

it('the turns of a conversation, and its question under another system prompt, are in one split', async () => {
  const user = (content: string) => ({ role: 'user', content })
  const talks = Array.from({ length: 60 }, (_, i) => {
    const question = user(`What is ${WORDS[i % 15]} to ${WORDS[(i * 7 + 3) % 15]} number ${i}?`)
    const later = [question, { role: 'assistant', content: `It is ${i}, as ${WORDS[(i + 2) % 15]} has it in all of the books there are.` }]
    const system = {
      role: 'system',
      content: `You are ${WORDS[(i + 5) % 15]}, and answer in the words that ${WORDS[(i + 1) % 15]} would have taken.`,
    }
    return [[question], [...later, user(`And ${WORDS[(i + 9) % 15]}, how much is that?`)], [system, question]]
  })
  const rows = talks.flatMap((prompts, i) =>
    prompts.map((prompt, k) => JSON.stringify({ id: `${i}.${k}`, prompt, chosen: `Yes, ${i}.${k}`, rejected: `No, ${i}.${k}` })),
  )
  const { out, code } = run('talks', { splits: { validation: 0.3 } }, ['structure'], rows)
  expect(code).toBe(0)
  const sql = `SELECT split_part(source_id, '.', 1) AS talk, count(*) AS n, count(DISTINCT split) AS splits FROM '{dir}/ledger/*.parquet' GROUP BY 1`
  const found = await rowsOf(out, sql)
  expect(found).toHaveLength(60)
  expect(found.filter(({ n, splits }) => n !== '3' || splits !== '1')).toEqual([])
  expect(existsSync(join(out, 'validation'))).toBe(true)
  expect(readFileSync(join(out, 'README.md'), 'utf8')).toContain(
    'of conversations that begin with the same question (unless more than 64 do), are in one split',
  )
})

it('a build written anew in place has new times, so that no cache takes it for the old one', () => {
  const { out } = run('anew', {})
  const path = join(out, 'train/part-00000.parquet')
  const before = statSync(path).mtimeMs
  expect(Math.abs(Date.now() - before)).toBeLessThan(600_000)
  const again = run('anew', { shard_bytes: 8192 })
  expect(again.code).toBe(0)
  expect(statSync(path).mtimeMs).toBeGreaterThan(before)
})

describe('margin', () => {
  const steps = ['structure', 'prompt-clusters', 'score']

  it('is a required column of finite numbers when asked for, and there is none otherwise', async () => {
    const { out, code } = run('margin', { margin: 'bt_text' }, steps)
    expect(code).toBe(0)
    const [path] = filesIn(join(out, 'train'))
    expect(footer(path).schema.at(-1)).toMatchObject({ name: 'margin', type: 'FLOAT', repetition_type: 'REQUIRED' })
    const [{ n, finite }] = await rowsOf(out, `SELECT count(*) n, count(*) FILTER (isfinite(margin)) finite FROM '{dir}/train/*.parquet'`)
    expect(finite).toBe(n)
    expect(run('no-margin', {}, steps).code).toBe(0)
    expect(schemaOf(join(dir, 'no-margin/out/train/part-00000.parquet')).join()).not.toMatch(/margin/)
  })

  it('of an unknown model is refused before any work', () => {
    const { out, code, stderr } = run('unknown', { margin: 'bt-text' }, steps)
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /^goldpan: \S+c\.yaml:\d+: output\.margin: no step gives a margin of a model "bt-text"; did you mean "bt_text"\? \(known: [^\n]*\)\n$/,
    )
    expect(existsSync(out)).toBe(false)
  })
})
