/// <reference lib="dom" />
/** Flags of contamination, from the build that draws them through the page on which people check them to the share of false ones. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFinished } from '../../pipeline/finished.ts'
import { effectiveChecks } from '../../pipeline/judgements/effective.ts'
import { flagFiguresOf } from '../../pipeline/judgements/flags.ts'
import { readLogs } from '../../pipeline/judgements/log.ts'
import { wilson } from '../../pipeline/kernels/intervals.ts'
import { openQueue } from '../../pipeline/review/queue.ts'
import { freshDir, goldpan, type Row, rowsOf } from '../cli.ts'
import { type App, openApp, openBrowser, shoot } from './app.ts'

const ITEM = 'Twenty tall trees stand along the quiet road that leads from our village to the old mill by the river'
const dir = freshDir('flags')
const out = join(dir, 'out')
const rows = Array.from({ length: 40 }, (_, i) => ({
  id: `p${i}`,
  prompt: i < 12 ? `${ITEM}. <b>Draw</b> ${i} of them.` : `Count to ${i} and stop.`,
  chosen: `Here are ${i}.`,
  rejected: `No, never ${i}.`,
}))
writeFileSync(join(dir, 'a.jsonl'), rows.map(row => `${JSON.stringify(row)}\n`).join(''))
writeFileSync(join(dir, 'b.jsonl'), `${JSON.stringify({ benchmark: 'woods', id: '7', text: `**${ITEM}**` })}\n`)
writeFileSync(
  join(dir, 'c.yaml'),
  'name: flags\nsources: [{ path: a.jsonl }]\nbenchmarks: [b.jsonl]\nsteps: [structure, decontaminate: { review_flags: 5 }, verification-sample: { budget: 2, audit_share: 1 }]\n',
)
const status = () => JSON.parse(goldpan(['review', 'status', out, '--json']).stdout) as { flags: Row; pairs: Row; estimates: Row }

let told = ''
beforeAll(() => {
  const { code, stderr, stdout } = goldpan(['run', join(dir, 'c.yaml'), '--out', out, '--store', join(dir, 'store'), '--threads', '0'])
  expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
  told = stdout
})

describe('a build that draws flags', () => {
  it('puts them into review/ with the benchmark item, and stays in order', async () => {
    const review = await rowsOf(out, `select source_id, draw, flag_probability, flag_item, contamination from '{dir}/review/*.parquet'`)
    const flags = review.filter(row => row.flag_probability !== null)
    expect([review.length, flags.length]).toEqual([7, 5])
    for (const flag of flags)
      expect(flag).toMatchObject({
        draw: null,
        flag_probability: 5 / 12,
        flag_item: `**${ITEM}**`,
        contamination: [{ benchmark: 'woods', item: '7' }],
      })
    const ledger = await rowsOf(out, `select source_id, outcome from '{dir}/ledger/*.parquet' where flag_probability is not null`)
    expect(ledger.map(row => row.source_id).sort()).toEqual(flags.map(row => row.source_id).sort())
    expect(ledger.every(row => row.outcome === 'quarantine')).toBe(true)
    expect(goldpan(['verify', out]).code).toBe(0)
    expect(status()).toMatchObject({ pairs: { asked: 2 }, flags: { drawn: 5, all: { n: 0, share: null } } })
  })

  it('says at its end that flags wait, and how to answer', () => {
    expect(told).toContain('5 flags of contamination wait for people')
    expect(told).toContain(`goldpan review ${out}`)
  })

  it.each(['csv', 'label-studio', 'argilla', 'potato'] as const)('gives the flags to %s in a form of their own', tool => {
    const to = join(dir, tool)
    const said = goldpan(['review', 'export', out, '--to', tool, '--out', to, '--log', join(dir, `${tool}.log`), '--json'])
    expect(JSON.parse(said.stdout)).toMatchObject({ pairs: 2, flags: 5 })
    const files = readdirSync(join(to, 'flags')).map(name => readFileSync(join(to, 'flags', name), 'utf8'))
    for (const shown of ['Benchmark woods, item 7', ITEM]) expect(files.join()).toContain(shown)
    if (tool !== 'csv') expect(files.join()).toContain('Does the text hold the benchmark item?')
    expect(files.join()).not.toMatch(/chosen|rejected|Both are bad|strength"/)
  })

  it('takes answers to flags back from a spreadsheet, and refuses those of the other form', () => {
    const log = join(dir, 'csv.log')
    const file = join(dir, 'csv/flags/items.csv')
    const cells = readFileSync(file, 'utf8')
      .split('\r\n')
      .slice(1, -1)
      .map(row => row.split(',')[0])
    const answered = (outcome: (i: number) => string): void =>
      writeFileSync(
        join(dir, 'csv/flags/back.csv'),
        `item,annotator,outcome\n${cells.map((item, i) => `${item},ann,${outcome(i)}`).join('\n')}`,
      )
    const back = ['review', 'import', out, join(dir, 'csv/flags/back.csv'), '--from', 'csv', '--log', log]
    answered(() => 'tie')
    expect(goldpan(back)).toMatchObject({ code: 2, stderr: expect.stringContaining('known for it: yes, no, cannot_tell') })
    answered(i => (i === 0 ? 'No' : 'yes'))
    expect(goldpan(back)).toMatchObject({ code: 0, stdout: expect.stringContaining('5 answers added') })
    expect(goldpan(back).stdout).toContain('0 answers added')
    const people = JSON.parse(goldpan(['review', 'status', out, '--log', log, '--json']).stdout) as { flags: Row }
    expect(people.flags).toMatchObject({ all: { n: 5, false: 1, share: 0.2 } })
  })

  it('has a queue of pairs and one of flags', async () => {
    const queue = await openQueue(openFinished(out), 42)
    expect([queue.pairs.length, queue.flags.length]).toEqual([2, 5])
    const texts = await queue.flagTexts(0)
    expect(texts).toMatchObject({ flag_item: `**${ITEM}**` })
    expect(texts.prompt[0].content).toContain(ITEM)
    await queue.close()
  })
})

describe('the page', () => {
  let browser: Browser
  let app: App
  let page: Page
  beforeAll(async () => {
    browser = await openBrowser()
    app = await openApp(out)
    page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage()
    await page.goto(app.at('ann'))
    await counted(0)
  })
  afterAll(async () => {
    await browser?.close()
    app?.close()
  })

  async function counted(n: number): Promise<void> {
    for (const end = Date.now() + 8000; (await page.locator('#count').textContent()) !== `${n} done, ${7 - n} left`; )
      if (Date.now() > end) throw new Error(`never came to ${n}: ${await page.locator('#count').textContent()}`)
    await new Promise(done => setTimeout(done, 100))
  }
  async function press(key: string, n: number): Promise<void> {
    await page.keyboard.press(key)
    await counted(n)
  }
  const checks = () => effectiveChecks(readLogs([app.log])).map(({ contaminated }) => contaminated)

  it('asks about flags first, the item beside the text, and takes no answer that is not one', async () => {
    expect(await page.locator('#name-b').textContent()).toBe('Benchmark woods, item 7')
    expect(await page.locator('#left').textContent()).toContain('<b>Draw</b>')
    expect(await page.locator('#right strong').textContent()).toBe(ITEM)
    expect([await page.locator('#flags').isVisible(), await page.locator('#scale').isVisible()]).toEqual([true, false])
    await shoot(page, 'flag')
    await page.keyboard.press('1')
    await counted(0)
    expect(readLogs([app.log])).toMatchObject({ answers: [], checks: [] })
  })

  it('takes yes, no and cannot tell, and takes one back', async () => {
    await press('y', 1)
    await press('n', 2)
    await press('u', 1)
    expect(checks()).toEqual([true])
    await press('n', 2)
    await press('c', 3)
    await press('y', 4)
    await press('y', 5)
    expect(checks().sort()).toEqual([false, null, true, true, true])
    expect(await page.locator('#name-b').textContent()).toBe('B')
    expect([await page.locator('#flags').isVisible(), await page.locator('#scale').isVisible()]).toEqual([false, true])
    await page.keyboard.press('y')
    await press('1', 6)
    expect(readLogs([app.log]).answers).toHaveLength(1)
  })

  it('is where the share of false flags comes from, with its interval', () => {
    const { low, high } = wilson(1 / 4, 4)
    expect(status().flags).toMatchObject({
      drawn: 5,
      undecided: 1,
      all: { n: 4, false: 1, share: 0.25, low, high },
      by_benchmark: { woods: { n: 4 } },
    })
    expect(goldpan(['review', 'status', out]).stdout).toMatch(/all flags +4 +1 +25.0 % +4.6 % to 69.9 %/)
    const { people } = JSON.parse(goldpan(['report', out, '--json']).stdout) as { people?: { flags: Row } }
    expect(people?.flags).toMatchObject({ drawn: 5 })
  })

  it('shows a page that was loaded again what is left', async () => {
    await page.reload()
    await counted(6)
    expect(await page.locator('#scale').isVisible()).toBe(true)
  })
})

describe('the log', () => {
  const check = { pair_id: 'a'.repeat(32), annotator: 'ann', at: '2026-01-01T10:00:00Z', benchmark: 'b', item: '1', protocol: 'p' }
  const full = { ...check, id: 'check-0001', contaminated: true, reason: null, seconds: null, replaces: null }

  it('keeps flags apart from what people say of labels', () => {
    const file = join(freshDir('checks'), 'log.jsonl')
    const changed = { ...check, id: 'check-0002', contaminated: false, replaces: 'check-0001', at: '2026-01-01T09:00:00Z' }
    writeFileSync(file, [full, changed, { ...full, annotator: 'bob', id: 'check-0003' }].map(line => `${JSON.stringify(line)}\n`).join(''))
    const log = readLogs([file])
    expect(log.answers).toEqual([])
    expect(effectiveChecks(log).map(({ annotator, contaminated }) => [annotator, contaminated])).toEqual([
      ['ann', false],
      ['bob', true],
    ])
    writeFileSync(file, `${JSON.stringify({ ...full, contaminated: 'perhaps' })}\n${readFileSync(file, 'utf8')}`)
    expect(() => readLogs([file])).toThrow('log.jsonl:1: contaminated: ')
  })

  it('counts what most say, of the item that the build found', () => {
    const flag = { pair_id: full.pair_id, benchmark: 'b', item: '1' }
    const said = (...votes: (boolean | null)[]) => votes.map((contaminated, i) => ({ ...full, annotator: `n${i}`, contaminated }))
    expect(flagFiguresOf([flag], said(true, false, false))?.all).toMatchObject({ n: 1, false: 1 })
    expect(flagFiguresOf([flag], said(true, false, null))).toMatchObject({ undecided: 1, all: { n: 0, share: null } })
    expect(flagFiguresOf([{ ...flag, item: '2' }], said(false))).toMatchObject({ undecided: 0, all: { n: 0 } })
    expect(flagFiguresOf([], said(true))).toBeUndefined()
  })
})
