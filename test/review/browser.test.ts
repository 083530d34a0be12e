/// <reference lib="dom" />
/** The review app in a real browser. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verdictOf } from '../../pipeline/judgement.ts'
import { effectiveAnswers } from '../../pipeline/judgements/effective.ts'
import { byPair } from '../../pipeline/judgements/judged.ts'
import { readLogs } from '../../pipeline/judgements/log.ts'
import { CLI } from '../cli.ts'
import { type App, buildOf, JUDGE, openApp, shoot } from './app.ts'
import { done, inBrowser, open, plain, press, shown, until } from './browser.ts'

inBrowser()

/** Servers of their own process, ended also where a test fails. */
const servers: ChildProcess[] = []
afterAll(() => {
  for (const server of servers) server.kill('SIGKILL')
})

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
  let server!: ChildProcess
  const start = async (port: string): Promise<string> => {
    const args = ['review', dir, '--annotator', 'ann', '--port', port, '--repeat-share', '0', '--overlap-share', '0']
    server = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    servers.push(server)
    return new Promise((ready, failed) => {
      server.stdout!.once('data', said => ready(/http\S+/.exec(String(said))![0]))
      server.once('exit', code => failed(new Error(`the server ended with ${code}`)))
    })
  }
  const address = await start('0')
  expect(existsSync(log)).toBe(true)
  const page = await open(address)
  // Chromium may let a request pass that comes soon after it was told to intercept, so it is told once, before a reload.
  let kill: ((route: Route) => Promise<void>) | undefined
  await page.route('**/api/answer', route => (kill ? kill(route) : route.continue()))
  await page.reload()
  await page.waitForSelector('.turn')
  await press(page, '2')
  // once before the server hears of the answer, once after it has written it
  for (const [round, isHeard] of [false, true].entries()) {
    const killed = new Promise<void>((done, failed) => {
      const gone = new Promise(ended => server.once('exit', ended))
      kill = async route => {
        kill = undefined
        if (isHeard) await route.fetch().catch(failed)
        server.kill('SIGKILL')
        await gone
        await route.abort('connectionreset')
        done()
      }
    })
    await page.keyboard.press('3')
    await killed
    await until(page, () => document.querySelector('#alert')!.textContent!.includes('does not answer'))
    if (round === 0) await shoot(page, 'server-away')
    await start(new URL(address).port)
    await until(page, n => document.querySelector('#status')!.textContent!.includes(`${n} done`), round + 2)
  }
  while (await page.locator('#responses').isVisible()) await press(page, '2')
  const all = readLogs([log]).answers
  expect([all.length, effectiveAnswers(readLogs([log])).length]).toEqual([6, 6])
  server.kill('SIGTERM')
  await page.context().close()
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
