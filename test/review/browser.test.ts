/// <reference lib="dom" />
/** The review app in a real browser. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verdictOf } from '../../pipeline/judgement.ts'
import { effectiveAnswers } from '../../pipeline/judgements/effective.ts'
import { byPair } from '../../pipeline/judgements/judged.ts'
import { readLogs } from '../../pipeline/judgements/log.ts'
import { CLI } from '../cli.ts'
import { type App, buildOf, JUDGE, openApp, openBrowser, shoot, tokensOf } from './app.ts'

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
/** Servers of their own process, ended also where a test fails. */
const servers: ChildProcess[] = []
afterAll(async () => {
  for (const server of servers) server.kill('SIGKILL')
  await browser?.close()
})

async function open(address: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light', ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  await page.goto(address)
  await until(page, () => document.querySelector('#count')?.textContent !== '' && !document.querySelector('#prompt')?.matches(':empty'))
  return page
}

/** Playwright's own waiting runs text as code in the page, which the page's policy refuses. */
async function until<T>(page: Page, holds: (arg: T) => boolean, arg?: T): Promise<void> {
  for (const end = Date.now() + 10_000; ; ) {
    if (await page.evaluate(holds as (arg: unknown) => boolean, arg).catch(() => false)) return
    if (Date.now() > end) throw new Error(`never came true: ${holds}`)
    await new Promise(done => setTimeout(done, 5))
  }
}

const done = (page: Page): Promise<number> =>
  page
    .locator('#count')
    .textContent()
    .then(text => Number.parseInt(text!, 10))
const shown = async (page: Page): Promise<string> => (await page.locator('#prompt').textContent())!

/** Presses a key, and waits until the answer is counted and the page takes the next one. */
async function press(page: Page, key: string): Promise<void> {
  const before = await done(page)
  await page.keyboard.press(key)
  await until(page, n => document.querySelector('#status')!.textContent!.includes(`Saved. ${n} done`), before + 1)
}

const plain = (n: number) => Array.from({ length: n }, () => ({}))

describe('annotating', () => {
  let app: App
  beforeAll(async () => {
    app = await openApp(await buildOf(plain(30)))
  })
  afterAll(() => app.close())

  it('takes thirty pairs by keyboard, each on the disk before the next is shown, with the side that was shown', async () => {
    const page = await open(app.at('ann'))
    const keys = ['1', '2', '3', '4', '5', '6', '7', 'b', 'c', 'ArrowLeft', 'ArrowRight', 't']
    for (let i = 0; i < 30; i++) {
      const n = Number(/Question (\d+)/.exec(await shown(page))![1])
      const right_is_left = (await page.locator('#left').textContent())!.includes(`The answer is ${2 * n}.`)
      await press(page, keys[i % keys.length])
      const answers = app.answers()
      expect(answers).toHaveLength(i + 1)
      const last = answers.toSorted((a, b) => (a.at < b.at ? -1 : 1)).at(-1)!
      expect(last.left).toBe(right_is_left ? 'chosen' : 'rejected')
      if (i === 3) await shoot(page, 'annotate')
    }
    expect(await page.locator('#empty').textContent()).toContain('Nothing is left')
    await shoot(page, 'done')
    const answers = app.answers()
    expect(new Set(answers.map(a => a.pair_id)).size).toBe(30)
    expect(answers.filter(a => a.outcome === 'left').length).toBe(11)
    expect(answers.filter(a => a.left === 'chosen').length).toBeGreaterThan(5)
    expect(answers.filter(a => a.left === 'chosen').length).toBeLessThan(25)
    expect(answers.every(a => a.seconds !== null && a.seconds < 60 && a.protocol === 'test')).toBe(true)
    await page.context().close()
  })
})

it('tells neither label nor model to the page', async () => {
  const app = await openApp(await buildOf(plain(4)))
  const page = await open(app.at('bob'))
  const all = await page.evaluate(async () => {
    const headers = { 'content-type': 'application/json', 'x-goldpan': 'review' }
    const state = await (await fetch('/api/state', { headers })).text()
    const next = await (await fetch('/api/next', { method: 'POST', headers, body: JSON.stringify({ count: 4, held: [] }) })).text()
    return state + next
  })
  for (const word of ['chosen', 'rejected', 'p_mean', 'margin', 'escalated', 'audit', 'targeted']) expect(all).not.toContain(word)
  await page.context().close()
  app.close()
})

it('two annotators share a queue without a pair in common, and overlap as told', async () => {
  for (const [overlap_share, expected] of [
    [0, 10],
    [1, 12],
  ]) {
    const app = await openApp(await buildOf(plain(overlap_share === 0 ? 10 : 6)), { overlap: 2, overlap_share })
    const pages = await Promise.all([open(app.at('ann')), open(app.at('bob'))])
    await Promise.all(
      pages.map(async page => {
        while (await page.locator('#responses').isVisible()) await press(page, '2')
      }),
    )
    const answers = app.answers()
    expect(answers).toHaveLength(expected)
    expect(new Set(answers.map(a => `${a.pair_id} ${a.annotator}`)).size).toBe(expected)
    expect(new Set(answers.map(a => a.annotator)).size).toBe(2)
    for (const page of pages) await page.context().close()
    app.close()
  }
})

it('goes on where it was after a reload, takes answers back, and keeps the responses in their place', async () => {
  const app = await openApp(await buildOf(plain(8).map((_, i) => ({ prompt: `Question ${i}${' and on'.repeat(6 * i)}?` }))))
  const page = await open(app.at('ann'))
  for (const key of ['2', 'f', '6'])
    if (key === 'f') await page.keyboard.press(key)
    else {
      const top = (await page.locator('#responses').boundingBox())!.y
      await press(page, key)
      expect((await page.locator('#responses').boundingBox())!.y).toBe(top)
    }
  const before = await shown(page)
  await page.reload()
  await page.waitForSelector('.turn')
  expect(await shown(page)).toBe(before)
  expect(await done(page)).toBe(2)
  expect(app.answers().filter(a => a.flagged)).toHaveLength(1)
  await page.keyboard.press('r')
  await page.keyboard.type('because u and 7')
  await page.keyboard.press('Enter')
  await press(page, '4')
  await page.keyboard.press('u')
  await until(page, () => document.querySelector('#count')!.textContent!.startsWith('2 done'))
  expect(await shown(page)).toBe(before)
  expect(app.answers()).toHaveLength(2)
  await press(page, '1')
  expect(app.answers()).toHaveLength(3)
  await page.context().close()
  app.close()
})

it('loses no answer and counts none twice when the server is killed between key and reply', async () => {
  const dir = await buildOf(plain(6))
  const log = join(dir, 'judgements.jsonl')
  const port = 20_000 + (process.pid % 20_000)
  const args = ['review', dir, '--annotator', 'ann', '--port', String(port), '--repeat-share', '0', '--overlap-share', '0']
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    servers.push(child)
    await new Promise(ready => child.stdout!.once('data', ready))
    return child
  }
  let server = await start()
  expect(existsSync(log)).toBe(true)
  const page = await open(`http://127.0.0.1:${port}/?token=${tokensOf(log).ann}`)
  await press(page, '2')
  for (let kill = 0; kill < 2; kill++) {
    const gone = new Promise(ended => server.once('exit', ended))
    page.once('request', () => server.kill('SIGKILL'))
    await page.keyboard.press('3')
    await gone
    await until(page, () => document.querySelector('#alert')!.textContent!.includes('does not answer'))
    if (kill === 0) await shoot(page, 'server-away')
    server = await start()
    await until(page, n => document.querySelector('#status')!.textContent!.includes(`${n} done`), kill + 2)
  }
  while (await page.locator('#responses').isVisible()) await press(page, '2')
  const all = readLogs([log]).answers
  expect([all.length, effectiveAnswers(readLogs([log])).length]).toEqual([6, 6])
  server.kill('SIGTERM')
  await page.context().close()
})

const HOSTILE = [
  '<script>window.pwned=1</script><img src=x onerror="window.pwned=2"><svg onload=window.pwned=3>',
  '[click](javascript:window.pwned=4) ![x](https://evil.invalid/x.png) ![d](data:image/svg+xml;base64,PHN2Zy8+) <https://evil.invalid>',
  '[a](https://evil.invalid "t\\" onmouseover=window.pwned=5") $\\href{javascript:window.pwned=6}{x}$ $\\htmlData{a=b}{x}$',
  '"><iframe srcdoc="<script>parent.pwned=7</script>"></iframe><form action=https://evil.invalid><button>go</button></form>',
  'safe \u202e evil \u202c text\n\n```html"><script>window.pwned=8</script>\n<b>code</b>\n```\n<style>*{display:none}</style>',
].join('\n\n')

it('shows hostile texts as text: nothing runs, nothing is loaded, nothing leads away', async () => {
  const app = await openApp(await buildOf([{ prompt: HOSTILE, chosen: HOSTILE, rejected: `${'x'.repeat(1_000_000)}\n${HOSTILE}` }]))
  const page = await open(app.at('ann'))
  const foreign: string[] = []
  const complaints: string[] = []
  page.on('request', request => !request.url().startsWith(app.address) && foreign.push(request.url()))
  page.on('console', message => message.type() === 'error' && complaints.push(message.text()))
  page.on('dialog', dialog => foreign.push(dialog.message()))
  await page.reload()
  await page.waitForSelector('.turn')
  for (const part of ['.link', '.image']) {
    for (const place of await page.locator(part).all()) await place.click({ timeout: 300, force: true }).catch(() => undefined)
  }
  await shoot(page, 'hostile')
  expect(await page.locator('#prompt').textContent()).toContain('<script>window.pwned=1</script>')
  expect(await page.locator('.control').count()).toBeGreaterThan(0)
  expect(
    await page.locator('main :is(script, img, svg, iframe, form, style, a, object, embed, link, [onerror], [onload], [style])').count(),
  ).toBe(0)
  await press(page, '4')
  expect(await page.evaluate(() => (window as { pwned?: number }).pwned)).toBeUndefined()
  expect([foreign, complaints]).toEqual([[], []])
  expect(page.url()).toBe(`${app.address}/`)
  await page.context().close()
  app.close()
})

const CODE =
  'Sure! Here is a function:\n\n```python\ndef area(r):\n    return 3.14159 * r ** 2\n```\n\n1. It takes the **radius**.\n2. It uses $A = \\pi r^2$.\n\n$$\\int_0^r 2\\pi x\\,dx = \\pi r^2$$\n\n## Table\n\n| r | circumferences |\n|---|---|\n| 1 | 3.14 |\n| 2 | 12.57 |\n\n> Costs $5 and $10 are no formulas.\n'
const RICH = {
  prompt: 'Write a Python function that computes the area of a circle, and say why it works.\n\nKeep it short.',
  chosen: CODE,
  rejected: CODE.replace('3.14159', '3').replace('radius', 'diameter'),
}

it('shows code, formulas and tables; compares answers that are alike; is dark, narrow and explained on request', async () => {
  const app = await openApp(await buildOf([RICH]))
  const page = await open(app.at('ann'))
  expect(await page.locator('#left math').count()).toBe(2)
  expect(await page.locator('#left table td').count()).toBe(4)
  await shoot(page, 'rich')
  await page.keyboard.press('d')
  expect(await page.locator('#left del').count()).toBeGreaterThan(0)
  expect(await page.locator('#right ins').count()).toBeGreaterThan(0)
  await page.keyboard.press('g')
  expect(await page.locator('#guideline h1').textContent()).toBe('Which response is better?')
  await page.click('#theme')
  await page.mouse.move(640, 20)
  await new Promise(settled => setTimeout(settled, 200))
  await shoot(page, 'dark-compare-guideline')
  expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark')
  await page.context().close()
  const phone = await open(app.at('ann'), { viewport: { width: 375, height: 740 }, colorScheme: 'dark', hasTouch: true })
  await shoot(phone, 'phone')
  expect(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
  for (const box of await phone.locator('footer button:visible').all()) expect((await box.boundingBox())!.height).toBeGreaterThanOrEqual(44)
  // Who has no keyboard can open the guideline, and close it.
  for (const open of [true, false]) {
    await phone.tap('#guide')
    expect(await phone.locator('#guideline').isVisible()).toBe(open)
  }
  await phone.context().close()
  app.close()
})

it('breaks no word of a table, puts no name of a language over code, and starts right-to-left texts at the right', async () => {
  const app = await openApp(await buildOf([{ ...RICH, prompt: 'מהי בירת צרפת?' }]))
  const page = await open(app.at('ann'), { viewport: { width: 700, height: 800 } })
  const boxOf = async (name: string) => (await page.locator(name).first().boundingBox())!
  const [cell, row] = [await boxOf('#left th:last-child'), await boxOf('#left tr')]
  expect(cell.height).toBeLessThan(40)
  expect(row.height).toBe(cell.height)
  const [label, code] = [await boxOf('#left .language'), await boxOf('#left pre code')]
  expect(label.y + label.height).toBeLessThanOrEqual(code.y + 1)
  const [text, prompt] = [await boxOf('#prompt .text p'), await boxOf('#prompt')]
  expect(prompt.x + prompt.width - text.x - text.width).toBeLessThan(24)
  expect(await page.locator('#left h2').evaluate(e => getComputedStyle(e).color === getComputedStyle(document.body).color)).toBe(true)
  await page.context().close()
  app.close()
})

it('settles disagreements and flags: who adjudicates sees what was answered, and not by whom', async () => {
  const app = await openApp(await buildOf(plain(3)), { overlap: 2, overlap_share: 1 })
  for (const [name, strength] of [
    ['ann', '1'],
    ['bob', '7'],
  ]) {
    const page = await open(app.at(name))
    for (let i = 0; i < 3; i++) {
      const left_is_right = /The answer is/.test((await page.locator('#left').textContent())!)
      if (i === 0) await page.locator('#reason').fill(`because of <img src=x onerror=alert(1)> ${name === 'ann' ? 'this' : 'that'}`)
      await page.keyboard.press('Escape')
      await press(page, i === 2 ? (left_is_right ? '2' : '6') : strength)
    }
    await page.context().close()
  }
  const differing = [...byPair(app.answers()).values()].filter(of => new Set(of.map(verdictOf)).size > 1).length
  const page = await open(app.at(JUDGE))
  expect(await page.locator('#count').textContent()).toBe(`0 done, ${differing} left`)
  expect(differing).toBeGreaterThan(0)
  expect(await page.locator('#others li').count()).toBe(2)
  expect(await page.locator('#others').textContent()).not.toMatch(/\b(ann|bob)\b/)
  expect(await page.locator('#others').locator('img').count()).toBe(0)
  await shoot(page, 'adjudicate')
  for (let i = 0; i < differing; i++) await press(page, '1')
  expect(app.answers().filter(a => a.kind === 'adjudication')).toHaveLength(differing)
  await page.context().close()
  app.close()
})

it('shows repeats with their sides exchanged', async () => {
  const app = await openApp(await buildOf(plain(6)), { repeat_share: 1 })
  const page = await open(app.at('ann'))
  while (await page.locator('#responses').isVisible()) {
    const before = app.answers().length
    await page.keyboard.press('2')
    await expect.poll(() => app.answers().length).toBe(before + 1)
    await until(page, () => !document.querySelector('.given'))
  }
  const [first, repeat] = ['first', 'repeat'].map(
    kind =>
      new Map(
        app
          .answers()
          .filter(a => a.kind === kind)
          .map(a => [a.pair_id, a.left]),
      ),
  )
  expect([first.size, repeat.size]).toEqual([6, 6])
  for (const [pair, left] of first) expect(repeat.get(pair)).not.toBe(left)
  await page.context().close()
  app.close()
})

const CONTRASTING = [
  '#title',
  '#count',
  '.role',
  'kbd',
  '#left p',
  'h2#name-a',
  'h2#name-b',
  '.language',
  'footer button span',
  '#left code',
  '#reason',
  '#left blockquote p',
  '#left th',
  '#flag',
]

it('has a name for every control, visible focus, and colours that differ enough, light and dark', async () => {
  const app = await openApp(await buildOf([RICH]))
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await open(app.at('ann'), { colorScheme })
    for (const control of await page.locator('button:visible, input:visible').all()) {
      const name = await control.evaluate(
        e => (e.getAttribute('aria-label') ?? '') + (e.textContent ?? '') + ((e as HTMLInputElement).labels?.[0]?.textContent ?? ''),
      )
      expect(name.trim().length).toBeGreaterThan(2)
    }
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle)).toBe('solid')
    await page.locator('#flag').click()
    const ratiosOf = (names: readonly string[]) =>
      page.evaluate(names => {
        const numbers = (color: string) => color.match(/[\d.]+/g)!.map(Number)
        const light = (c: number[]) => {
          const [r, g, b] = c.slice(0, 3).map(v => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4))
          return 0.2126 * r + 0.7152 * g + 0.0722 * b
        }
        const ground = (e: Element | null): number[] => {
          for (let at = e; at; at = at.parentElement) {
            const c = numbers(getComputedStyle(at).backgroundColor)
            if (c.length < 4 || c[3] > 0) return c
          }
          return [255, 255, 255]
        }
        return names.map(name => {
          const e = document.querySelector(name)!
          const [a, b] = [light(numbers(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x)
          return [name, (a + 0.05) / (b + 0.05)] as const
        })
      }, names)
    const ratios = await ratiosOf(CONTRASTING)
    await page.keyboard.press('d')
    ratios.push(...(await ratiosOf(['#left del', '#right ins', '#diff'])))
    for (const [name, ratio] of ratios) expect(ratio, `${colorScheme} ${name}`).toBeGreaterThan(4.5)
    await page.context().close()
  }
  app.close()
})
