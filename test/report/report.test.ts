/// <reference lib="dom" />
/** report.json and report.html of the quickstart, as `goldpan run` leaves them and a browser shows them. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pageOf } from '../../pipeline/report/page/page.ts'
import type { Report } from '../../pipeline/report/report-schema.ts'
import { bytesText, grouped } from '../../pipeline/report/table.ts'
import { freshDir, goldpan, rowsOf } from '../cli.ts'
import { openBrowser } from '../review/app.ts'

const SHOTS = resolve(import.meta.dirname, '../../out/test-report')
const dir = freshDir('report')
const out = join(dir, 'build')
const read = (): Report => JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report

beforeAll(() => {
  const said = goldpan([
    'run',
    'configs/quickstart.yaml',
    '--out',
    out,
    '--store',
    join(dir, 'store'),
    '--threads',
    '0',
    '--progress',
    'none',
  ])
  expect(said.code, said.stderr).toBe(0)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('report.json', () => {
  it('is as its JSON Schema says, and the schema refuses another', () => {
    const schema = JSON.parse(goldpan(['schema', '--report']).stdout)
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema)
    const report = read()
    expect(validate(report), JSON.stringify(validate.errors)).toBe(true)
    expect(validate({ ...report, totals: { ...report.totals, train: -1 } })).toBe(false)
    expect(validate({ ...report, surprise: 1 })).toBe(false)
  })

  it('counts what the tables hold', async () => {
    const report = read()
    const [{ n }] = await rowsOf(out, "select count(*)::int as n from '{dir}/ledger/*.parquet' where p_mean is not null")
    expect(report.signals.find(s => s.signal === 'p_mean')!.bins.reduce((sum, b) => sum + b.n, 0)).toBe(n)
    const [graph] = await rowsOf(
      out,
      `select count_if(p_bt_graph > 0.5)::int as "right", count_if(p_bt_graph != 0.5)::int as n from '{dir}/ledger/*.parquet'`,
    )
    const { bins } = report.models!.models.find(m => m.name === 'bt_graph')!
    expect([bins.reduce((sum, b) => sum + b.right, 0), bins.reduce((sum, b) => sum + b.n, 0)]).toEqual([graph.right, graph.n])
    const clusters = report.duplicates.find(d => d.step === 'near-dup')!.clusters!
    expect(report.cluster_sizes.reduce((sum, b) => sum + b.clusters, 0)).toBe(clusters)
    expect(report.contamination[0].evidence.length).toBeGreaterThan(0)
    expect(Object.values(report.label_kinds).reduce((a, b) => a + b)).toBe(report.totals.train + report.totals.validation)
  })

  it('tells of the run what it took, by step', () => {
    const run = read().run!
    const ran = run.phases.filter(({ tasks }) => tasks > 0)
    expect(ran.length).toBeGreaterThan(5)
    for (const { phase, peak_rss_bytes } of ran) {
      // Node alone takes more than 30 MB, and no step more than the whole run did.
      expect(peak_rss_bytes, phase).toBeGreaterThan(30e6)
      expect(peak_rss_bytes, phase).toBeLessThanOrEqual(run.peak_rss_bytes!)
    }
    // The last step that raises the mark holds what the run held at most; what is left after the steps is small.
    expect(Math.max(...ran.map(p => p.peak_rss_bytes!))).toBeGreaterThan(0.8 * run.peak_rss_bytes!)
    const page = pageOf(read())
    expect(page).toContain('Memory by step')
    expect(page).toContain(
      `<td>publish</td><td class="n">${grouped(ran.at(-1)!.rows)}</td><td class="n">${bytesText(ran.at(-1)!.peak_rss_bytes!)}</td>`,
    )
  })

  it('is the same again but for the run, and no part of what is hashed', () => {
    const { run: _, ...before } = read()
    rmSync(join(out, 'report.json'))
    expect(goldpan(['report', out]).code).toBe(0)
    const { run: __, ...again } = read()
    expect(again).toEqual(before)
    expect(goldpan(['verify', out]).code).toBe(0)
  })
})

/** Facts that steps of other builds tell. */
const withMore = (report: Report): Report => ({
  ...report,
  contamination: report.contamination.map(of => ({
    ...of,
    stopped: { ngrams: 3, passages: 1, most: [{ text: 'answer with one short sentence', source: 'ask', prompts: 41 }] },
    second_look: { threshold: 0.7, found: [{ benchmark: 'woods', source: 'ask', pairs: 3, unflagged: 2 }] },
  })),
  facts: [...report.facts, { step: 'decide', facts: { 'expected error · keep': 0.031 } }],
  curves: [{ step: 'score', name: 'learning curve', x: 'pairs', y: 'accuracy', points: [{ x: 100, y: 0.6 }, { x: 1000, y: 0.7 }] }], // biome-ignore format: one series
  people: {
    answers: 3,
    pairs: { asked: 9, settled: 3, differing: 1, unknown: 0 },
    escalated: { pairs: 4, settled: 1 },
    annotators: [{ annotator: 'ann', answers: 3, accuracy: 1 }],
    agreement: { pairs: 2, prompts: 2, percent: { value: 0.5, low: 0.1, high: 0.9 } },
    flags: {
      drawn: 5,
      all: { n: 4, false: 1, share: 0.25, low: 0.046, high: 0.699 },
      by_benchmark: { woods: { n: 4, false: 1, share: 0.25, low: 0.046, high: 0.699 } },
      undecided: 1,
    },
    estimates: {
      audited: 3,
      audit: 9,
      undecided: 0,
      labels: { n: 3, pairs: 500, share: 0.9, low: 0.5, high: 0.98 },
      labels_by_stratum: {},
      decisions: {},
    },
  },
})

/** Every text of a report followed by what would run if it were not escaped. */
const hostile = <T>(value: T): T => {
  if (typeof value === 'string')
    return `${value}</title></style><script>globalThis.ran = 1</script><img src="x" onerror="globalThis.ran = 2">'"&` as T
  if (Array.isArray(value)) return value.map(hostile) as T
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [FIXED.has(key) ? key : key, FIXED.has(key) ? child : hostile(child)]),
  ) as T
}
/** Words of ours by which the page chooses. */
const FIXED = new Set(['outcome', 'outcomes', 'signal', 'level', 'started', 'relation'])

describe('report.html', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
    mkdirSync(SHOTS, { recursive: true })
  })
  afterAll(() => browser?.close())

  async function open(
    name: string,
    text: string,
    options: Parameters<Browser['newContext']>[0],
  ): Promise<{ page: Page; asked: string[]; complaints: string[] }> {
    const file = join(dir, `${name}.html`)
    writeFileSync(file, text)
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const [asked, complaints]: [string[], string[]] = [[], []]
    page.on('request', request => asked.push(request.url()))
    page.on('console', message => complaints.push(message.text()))
    page.on('pageerror', error => complaints.push(String(error)))
    await page.goto(pathToFileURL(file).href)
    await page.screenshot({ path: join(SHOTS, `${name}.png`) })
    return { page, asked, complaints }
  }

  it.each([
    ['desk', { viewport: { width: 1280, height: 900 }, colorScheme: 'light' }],
    ['dark', { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' }],
    ['phone', { viewport: { width: 390, height: 844 }, colorScheme: 'light' }],
  ] as const)('shows every part, loads nothing and fits: %s', async (name, options) => {
    const { page, asked, complaints } = await open(name, pageOf(withMore(read())), options)
    expect(asked).toHaveLength(1)
    expect(complaints).toEqual([])
    const seen = await page.evaluate(() => ({
      titles: [...document.querySelectorAll('h2')].map(h => h.textContent),
      said: ['contamination', 'style'].map(id => document.getElementById(id)!.textContent!.replace(/\s+/g, ' ')),
      wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      charts: [...document.querySelectorAll('svg.plot')].filter(svg => svg.getBoundingClientRect().width > 0).length,
      small: Math.min(...[...document.querySelectorAll('svg.plot text')].map(t => t.getBoundingClientRect().height).filter(h => h > 0)),
      untitled: [...document.querySelectorAll('figure')].filter(
        f => !f.querySelector('svg.plot title') || !f.querySelector('details table'),
      ).length,
    }))
    expect(seen.titles).toEqual(['Look at this first', 'The funnel', 'Duplicates', 'Contamination', 'Style', 'Reward models', 'Decisions', 'People', 'What it is made of', 'Time, memory and cost']) // biome-ignore format: one list
    for (const text of [
      '4 of 5 drawn flags have a verdict of people, 1 are undecided',
      '25.0 % 4.6 % 69.9 %',
      'Low coverage',
      'Second look',
      'answer with one short sentenceask41',
    ])
      expect(seen.said[0].replaceAll('%', '% ').replace(/ +/g, ' ')).toContain(text)
    for (const text of [
      'features say that control does not look at',
      '95 %, by the spread over prompts',
      'shown first is chosen',
      'What control costs',
    ])
      expect(seen.said[1]).toContain(text)
    expect(seen.wide).toBe(0)
    expect(seen.charts).toBeGreaterThan(20)
    expect(seen.small).toBeGreaterThan(9)
    expect(seen.untitled).toBe(0)
    await page.context().close()
  })

  it('prints the notes that a screen keeps folded', async () => {
    const { page } = await open('print', pageOf(read()), { viewport: { width: 760, height: 1000 } })
    const height = (): Promise<number> => page.evaluate(() => document.querySelector('#look details')!.getBoundingClientRect().height)
    const folded = await height()
    await page.emulateMedia({ media: 'print' })
    expect(await height()).toBeGreaterThan(2 * folded)
    await page.context().close()
  })

  it('shows texts as texts, whatever they hold', async () => {
    const text = pageOf(hostile(withMore(read())))
    const { page, asked, complaints } = await open('hostile', text, { viewport: { width: 1280, height: 900 } })
    expect(asked).toHaveLength(1)
    expect(complaints).toEqual([])
    const found = await page.evaluate(() => ({
      ran: (globalThis as { ran?: number }).ran,
      scripts: document.querySelectorAll('script, img, iframe, object').length,
      shown: document.body.textContent.includes('<script>globalThis.ran = 1</script>'),
    }))
    expect(found).toEqual({ ran: undefined, scripts: 0, shown: true })
    await page.context().close()
  })

  it('lets nothing run even where markup came through', async () => {
    const text = pageOf(read()).replace('</h1>', '</h1><script>globalThis.ran = 1</script><img src="x" onerror="globalThis.ran = 2">')
    const { page } = await open('policy', text, { viewport: { width: 800, height: 600 } })
    expect(await page.evaluate(() => (globalThis as { ran?: number }).ran)).toBe(undefined)
    await page.context().close()
  })

  it('leaves out the parts whose facts are not there', () => {
    const { models: _, sample: __, run: ___, ...report } = read()
    const text = pageOf({ ...report, duplicates: [], contamination: [], style: [], signals: [], facts: [], curves: [] })
    for (const id of ['duplicates', 'contamination', 'style', 'models', 'decisions', 'people', 'run'])
      expect(text).not.toContain(`<section id="${id}">`)
    expect(text).toContain('<section id="funnel">')
  })
})
