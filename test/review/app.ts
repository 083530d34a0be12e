/** Opens the review app over a small build, for tests: the real server, log and queue; a real browser. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import chromium from '@sparticuz/chromium'
import { type Browser, type Page, chromium as playwright } from 'playwright-core'
import { openFinished } from '../../pipeline/finished.ts'
import type { Answer } from '../../pipeline/judgement.ts'
import { effectiveAnswers } from '../../pipeline/judgements/effective.ts'
import { readLogs } from '../../pipeline/judgements/log.ts'
import { Annotators } from '../../pipeline/review/annotators.ts'
import { GUIDELINE } from '../../pipeline/review/guideline.ts'
import { openQueue } from '../../pipeline/review/queue.ts'
import { serve } from '../../pipeline/review/server.ts'
import { Session, type SessionOptions } from '../../pipeline/review/session.ts'
import { freshDir } from '../cli.ts'
import { writeSmallBuild } from '../small-build.ts'
import type { SmallPair } from '../small-pairs.ts'

export interface App {
  readonly dir: string
  readonly log: string
  readonly address: string
  /** The address with somebody's token. */
  at(name: string): string
  answers(): Answer[]
  close(): void
}

export const NAMES = ['ann', 'bob', 'cyd']
export const JUDGE = 'judge'

/** A finished build whose pairs all wait for people. */
export async function buildOf(pairs: readonly Partial<SmallPair>[]): Promise<string> {
  const dir = freshDir('review')
  const whole = pairs.map(
    (pair, i): SmallPair => ({
      source: 'test',
      source_id: `p${i}`,
      prompt: `Question ${i}: what is ${i} plus ${i}?`,
      chosen: `The answer is **${2 * i}**.`,
      rejected: `Surely it is about ${2 * i + 1}, give or take.`,
      outcome: 'review',
      step: 'decide',
      reason: 'escalated',
      draw: i % 2 === 0 ? 'audit' : 'targeted',
      ...pair,
    }),
  )
  await writeSmallBuild(dir, { pairs: whole })
  return dir
}

export async function openApp(dir: string, options: Partial<SessionOptions> = {}, port = 0): Promise<App> {
  const log = join(dir, 'judgements.jsonl')
  const annotators = new Annotators(`${log}.annotators.json`, NAMES, [JUDGE])
  const queue = await openQueue(openFinished(dir), 42)
  const session = new Session(queue, annotators, {
    log,
    others: [],
    seed: 42,
    overlap: 1,
    overlap_share: 0,
    repeat_share: 0,
    gold: [],
    gold_share: 0,
    protocol: 'test',
    ...options,
  })
  const served = await serve({ session, annotators, guideline: GUIDELINE, title: 'small build', host: '127.0.0.1', port })
  return {
    dir,
    log,
    address: served.address,
    at: name => `${served.address}/?token=${annotators.tokens.get(name)}`,
    answers: () => effectiveAnswers(readLogs([log])),
    close: () => {
      served.server.close()
      served.server.closeAllConnections()
      void session.close()
    },
  }
}

/** The browser is unpacked once for all test files. */
async function unpacked(): Promise<string> {
  const own = process.env.TMPDIR
  process.env.TMPDIR = process.env.SHARED_TMPDIR ?? own
  try {
    return await chromium.executablePath()
  } finally {
    process.env.TMPDIR = own
  }
}

export async function openBrowser(): Promise<Browser> {
  // In one process with all its pages a browser hangs when a second context opens.
  const args = chromium.args.filter(arg => !['--single-process', '--no-zygote'].includes(arg))
  return playwright.launch({ args, executablePath: await unpacked(), headless: true })
}

/** Screenshots are kept as test output. */
export const SHOTS = resolve(import.meta.dirname, '../../out/test-review')
export async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(SHOTS, { recursive: true })
  await page.screenshot({ path: join(SHOTS, `${name}.png`) })
}

export const tokensOf = (log: string): Record<string, string> =>
  (JSON.parse(readFileSync(`${log}.annotators.json`, 'utf8')) as { tokens: Record<string, string> }).tokens
