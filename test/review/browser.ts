/// <reference lib="dom" />
/** What an annotator does at the page of the review app, in a real browser. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { openBrowser } from './app.ts'

let browser: Browser

/** A browser of its own for the tests of a file. */
export function inBrowser(): void {
  beforeAll(async () => {
    browser = await openBrowser()
  })
  afterAll(() => browser?.close())
}

export async function open(address: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light', ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  await page.goto(address)
  await until(page, () => document.querySelector('#count')?.textContent !== '' && !document.querySelector('#prompt')?.matches(':empty'))
  return page
}

/** Playwright's own waiting runs text as code in the page, which the page's policy refuses. */
export async function until<T>(page: Page, holds: (arg: T) => boolean, arg?: T): Promise<void> {
  for (const end = Date.now() + 10_000; ; ) {
    if (await page.evaluate(holds as (arg: unknown) => boolean, arg).catch(() => false)) return
    if (Date.now() > end) throw new Error(`never came true: ${holds}`)
    await new Promise(done => setTimeout(done, 5))
  }
}

export const done = (page: Page): Promise<number> =>
  page
    .locator('#count')
    .textContent()
    .then(text => Number.parseInt(text!, 10))
export const shown = async (page: Page): Promise<string> => (await page.locator('#prompt').textContent())!

/** Presses a key, and waits until the answer is counted and the page takes the next one. */
export async function press(page: Page, key: string): Promise<void> {
  const before = await done(page)
  await page.keyboard.press(key)
  await until(page, n => document.querySelector('#status')!.textContent!.includes(`Saved. ${n} done`), before + 1)
}

export const plain = (n: number) => Array.from({ length: n }, () => ({}))
