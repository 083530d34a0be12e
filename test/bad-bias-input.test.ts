/** Bad input of decontaminate, style-bias and audit-style, through the built command line: refused in a line, or a right result with a warning. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Report } from '../pipeline/report/report-schema.ts'
import type { StyleOfFiles } from '../pipeline/style-of-files.ts'
import { freshDir, goldpan, rowsOf, type Said } from './cli.ts'

const dir = freshDir('bad-bias')
const write = (name: string, rows: readonly object[]): void =>
  writeFileSync(join(dir, `${name}.jsonl`), rows.map(row => `${JSON.stringify(row)}\n`).join(''))
const many = (count: number, row: (i: number) => object): object[] => Array.from({ length: count }, (_, i) => row(i))
const words = (count: number, from: number): string => Array.from({ length: count }, (_, i) => `w${(from * 7 + i * 13) % 50}`).join(' ')

/** Of every five pairs the longer response wins four. */
const longer = (prompt: string, i: number): object => {
  const [long, short] = [words(10 + (i % 7), i), words(5 + (i % 5), i + 1)]
  return i % 5 > 0 ? { prompt, chosen: long, rejected: short } : { prompt, chosen: short, rejected: long }
}

const RIVER = 'Name the river that runs through the old town of Bern.'
const HUGE = Array.from({ length: 150_000 }, (_, i) => `v${(i * 7919) % 200_003}`)

const sources: Readonly<Record<string, readonly object[]>> = {
  'one-prompt': many(100, i => longer('Tell a joke.', i)),
  'two-prompts': many(100, i => longer(`Tell joke ${i % 2}.`, i)),
  'five-prompts': many(100, i => longer(`Tell tale ${i % 5}.`, i)),
  'one-pair': [{ prompt: 'Why so?', chosen: 'Because of the rain.', rejected: 'No.' }],
  ties: many(60, i => ({ prompt: `t${i}`, chosen: 'a', rejected: `b ${i}`, tie: true })),
  constant: many(100, i => ({ prompt: `c${i}`, chosen: 'Yes, ab.', rejected: 'Not, cd.' })),
  separable: many(400, i => ({ prompt: `s${i}`, chosen: `# Yes\n\n**${words(80, i)}**`, rejected: words(3, i) })),
  wordless: many(100, i => ({ prompt: '?'.repeat(i + 1), chosen: '!', rejected: '?!' })),
  benchmarked: [
    { prompt: 'Why?', chosen: 'A.', rejected: 'B.' },
    { prompt: RIVER, chosen: 'The Aare.', rejected: 'The Rhine.' },
    { prompt: HUGE.slice(50_000, 150_000).join(' '), chosen: 'A.', rejected: 'B.' },
    { prompt: 'Why is that?', chosen: 'A.', rejected: 'B.' },
  ],
}

const run = (benchmarks: readonly string[], options = ''): Said => {
  const paths = (names: readonly string[]): string => names.map(name => `${name}.jsonl`).join(', ')
  const config = `name: bad\nsources: [${Object.keys(sources).map(name => `{ path: ${name}.jsonl }`)}]\nbenchmarks: [${paths(benchmarks)}]
steps: [decontaminate${options}, style-bias: { action: reweight, columns: [words] }]\noutput: { publish_without_review: true }\n`
  writeFileSync(join(dir, 'c.yaml'), config)
  const places = ['--out', join(dir, 'out'), '--store', join(dir, 'store')]
  return goldpan(['run', join(dir, 'c.yaml'), ...places, '--threads', '0', '--progress', 'none'])
}

beforeAll(() => {
  for (const [name, rows] of Object.entries(sources)) write(name, rows)
  write('empty', [])
  write('twice', [{ id: 'a', text: RIVER }, { id: 'b', text: RIVER }]) // biome-ignore format: one file
  write('word', [{ id: 'w', text: 'Why' }, { id: 'n', text: '?!' }]) // biome-ignore format: one file
  write('huge', [{ id: 'h', text: HUGE.join(' ') }])
})

it.each([
  ['an empty benchmark', run.bind(null, ['twice', 'empty']), /^goldpan: .*empty\.jsonl: no benchmark items, expected rows like \{"benchmark", "id", "text"\}\n$/],
  ['options for a benchmark that is not there', run.bind(null, ['twice', 'word'], ': { overrides: { wrod: { ngram: 8 } } }'), /c\.yaml:4: steps\.decontaminate: overrides: no benchmark is called "wrod"; did you mean "word"\? \(known: twice, word\)\n$/],
] as const)('%s is refused', (_, say, message) => expect(say()).toMatchObject({ code: 2, stderr: expect.stringMatching(message) })) // biome-ignore format: a table

describe('a build of odd benchmarks and sources', () => {
  let report: Report
  const of = (source: string) => report.style[0].sources.find(s => s.source === source)!
  const out = join(dir, 'out')

  beforeAll(() => {
    expect(run(['twice', 'word', 'huge'])).toMatchObject({ code: 0, stderr: '' })
    report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))
  })

  it('finds items that are there twice, of one word and of a megabyte, each once', async () => {
    const found = await rowsOf(out, `SELECT c.benchmark, c.item, round(c.coverage::DOUBLE, 2) AS coverage FROM (SELECT unnest(contamination) AS c FROM '{dir}/ledger/*.parquet') ORDER BY 1`) // biome-ignore format: SQL
    expect(found).toEqual([
      { benchmark: 'huge', item: 'h', coverage: 0.67 },
      { benchmark: 'twice', item: 'a', coverage: 1 },
      { benchmark: 'word', item: 'w', coverage: 1 },
    ])
    expect(report.contamination[0]).toMatchObject({ items: 5, wordless: 1 })
    expect(report.warnings.map(w => w.text)).toContain('1 benchmark items hold no word, so nothing can match them')
  })

  it('says where style cannot be audited, and gives no intervals of few prompts', () => {
    expect(of('one-pair')).toMatchObject({ sampled: 1, warnings: ['too few labels to audit style: 1, at least 40'] })
    expect(of('ties')).toMatchObject({ sampled: 0, warnings: ['no labels to audit style by'] })
    for (const [name, prompts] of Object.entries({ 'one-prompt': 1, 'two-prompts': 2, 'five-prompts': 5 })) {
      const { before, after, betas, warnings } = of(name)
      expect([before!.intervals, after!.intervals, Math.max(...Object.values(betas!).map(b => b.length))]).toEqual([{}, {}, 1])
      expect(warnings).toContain(`the pairs are worth ${prompts}.0 prompts, too few for intervals (at least 20): none are given`)
    }
    expect(of('one-prompt').warnings!.some(text => text.startsWith('prompts with too many pairs for one fold: 1;'))).toBe(true)
  })

  it('knows style that never differs from style that separates, and gives neither a narrow interval', () => {
    const { before: same, betas } = of('constant')
    expect([same!.linear_auc, same!.tree_auc]).toEqual([0.5, 0.5])
    expect(Object.values(betas!).every(([beta]) => beta === 0)).toBe(true)
    expect(same!.intervals!.linear_auc[1] - same!.intervals!.linear_auc[0]).toBeGreaterThan(0.15)
    expect(same!.intervals).not.toHaveProperty('longer')
    for (const [name, prompts] of [['separable', 400], ['wordless', 100]] as const) {
      const { before, betas: fitted, warnings } = of(name)
      expect(warnings!.some(text => text.startsWith('style alone separates chosen from rejected'))).toBe(true)
      expect(Object.values(fitted!).flat().every(beta => Math.abs(beta) < 10)).toBe(true)
      const [low, high] = before!.intervals!.linear_auc
      expect([low < 1 - 2 / prompts, high]).toEqual([true, 1])
    } // biome-ignore format: a table above
  })

  it('has the features of style in the ledger that were asked for', async () => {
    const asked = await rowsOf(out, `SELECT style_chosen_words AS chosen, style_rejected_words AS rejected FROM '{dir}/ledger/*.parquet' WHERE source = 'one-pair'`) // biome-ignore format: SQL
    expect(asked).toEqual([{ chosen: 4, rejected: 1 }])
  })

  it('bounds every weight, and gives each source a mean of 1', async () => {
    const weights = await rowsOf(out, `SELECT source, min(weight) AS low, max(weight) AS high, avg(weight) AS mean FROM '{dir}/train/*.parquet' GROUP BY ALL`) // biome-ignore format: SQL
    expect(weights).toHaveLength(Object.keys(sources).length)
    for (const { low, high, mean } of weights) {
      expect([Number(low) > 0, Number(high) / Number(low) < Math.exp(6) * 1.01]).toEqual([true, true])
      expect(Number(mean)).toBeCloseTo(1, 3)
    }
  })
})

it('audit-style says the same of few prompts', () => {
  const files = ['one-prompt', 'ties', 'one-pair', 'constant'].map(name => join(dir, `${name}.jsonl`))
  const { sources: all } = JSON.parse(goldpan(['audit-style', ...files, '--json']).stdout) as StyleOfFiles
  expect(all.map(({ audit }) => Object.keys(audit.before?.intervals ?? {}).length)).toEqual([0, 0, 0, 3])
  const { stdout } = goldpan(['audit-style', files[0]])
  expect(stdout).toMatch(/^length|^[a-z ]+ +-?\d\.\d\d +- +/m)
  expect(stdout).toContain('one-prompt: the pairs are worth 1.0 prompts, too few for intervals (at least 20): none are given')
})
