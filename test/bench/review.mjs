/** How long the review page takes from a key to the next pair, in a real browser, with a queue of 100,000 pairs. Called by all.mjs. */
import { spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import chromium from '@sparticuz/chromium'
import { chromium as playwright } from 'playwright-core'
import { CLI, fixed, measure, table } from './measure.mjs'

const KEYS = 150
const WORDS = 'river stone light paper garden letter winter music window answer market train forest bridge summer table engine island'.split(' ')

/** Some 2 KB of prose, a list, code and a formula; the two sides are alike, so that the comparison has work. */
function textOf(i, turn) {
  const words = Array.from({ length: 240 }, (_, k) => WORDS[(i * 7 + k * 5 + (k % (turn + 2))) % WORDS.length]).join(' ')
  return `Here is **answer ${i}**:\n\n1. ${words.slice(0, 300)}\n2. ${words.slice(300, 700)}\n\n\`\`\`python\nprint(${i} + ${turn})\n\`\`\`\n\n$x^2 + ${i}$\n\n${words.slice(700)}\n`
}

async function queueOf(root, pairs) {
  const dir = join(root, `review-${pairs}`)
  const [out, store] = ['out', 'store'].map(name => join(dir, name))
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  const file = createWriteStream(join(dir, 'a.jsonl'))
  for (let i = 0; i < pairs; i++) {
    const row = { prompt: `Question ${i}: what of the ${WORDS[i % WORDS.length]}?`, chosen: textOf(i, 0), rejected: textOf(i, 1) }
    if (!file.write(`${JSON.stringify(row)}\n`)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
  const sample = `verification-sample: { budget: ${pairs}, audit_share: 1 }`
  writeFileSync(join(dir, 'c.yaml'), `name: review\nsources: [{ path: a.jsonl }]\nsteps: [structure, ${sample}]\n`)
  await measure('node', [CLI, 'run', join(dir, 'c.yaml'), '--out', out, '--store', store, '--threads', '2', '--progress', 'none'])
  rmSync(store, { recursive: true, force: true })
  return out
}

/** The running server, and how long it took to be there. */
async function serverOf(out) {
  const start = performance.now()
  const server = spawn('node', [CLI, 'review', out, '--annotator', 'ann'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [text] = await once(server.stdout, 'data')
  return { server, address: /ann: (\S+)/.exec(String(text))[1], start_s: (performance.now() - start) / 1000 }
}

/** In the page: notes when a key was pressed, and when the frame that shows another prompt was on the screen. */
function watch() {
  window.times = []
  let pressed = 0
  const prompt = document.querySelector('#prompt')
  addEventListener('keydown', event => (pressed = event.timeStamp), true)
  new MutationObserver(() => {
    const from = pressed
    requestAnimationFrame(() => {
      const painted = new MessageChannel()
      painted.port1.onmessage = () => window.times.push(performance.now() - from)
      painted.port2.postMessage(0)
    })
  }).observe(prompt, { childList: true })
}

/** Milliseconds of each key, `rest_ms` after the pair before was there. */
async function keysOf(page, rest_ms) {
  await page.evaluate(() => (window.times.length = 0))
  for (let n = 1; n <= KEYS; n++) {
    await new Promise(done => setTimeout(done, rest_ms))
    await page.keyboard.press(String(1 + (n % 7)))
    while ((await page.evaluate(() => window.times.length)) < n) await new Promise(done => setTimeout(done, 2))
  }
  return (await page.evaluate(() => window.times)).sort((a, b) => a - b)
}

const quantile = (sorted, q) => fixed(sorted[Math.floor(q * (sorted.length - 1))], 0)

/** Two processes that do nothing but work: a machine with something else to do. */
function load() {
  const busy = Array.from({ length: 2 }, () => spawn('node', ['-e', 'for(;;);'], { stdio: 'ignore' }))
  return () => busy.forEach(one => one.kill('SIGKILL'))
}

/** @returns Markdown */
export async function benchReview(root, pairs) {
  const out = process.env.REVIEW_DIR ?? (await queueOf(root, pairs))
  const { server, address, start_s } = await serverOf(out)
  const args = chromium.args.filter(arg => !['--single-process', '--no-zygote'].includes(arg))
  const browser = await playwright.launch({ args, executablePath: await chromium.executablePath(), headless: true })
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    await page.goto(address)
    await page.waitForSelector('.turn')
    await page.evaluate(watch)
    const rows = []
    const row = async (what, rest_ms) => {
      const times = await keysOf(page, rest_ms)
      rows.push([what, times.length, quantile(times, 0.5), quantile(times, 0.95), fixed(times.at(-1), 0)])
    }
    await row('a second look at each pair', 400)
    await row('keys without a rest', 0)
    const stop = load()
    await row('a second look, two other processes at full work', 400)
    stop()
    const rss_mb = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) / 1024
    const head = `${pairs.toLocaleString('en')} pairs of 3 KB in the queue; the server is there after ${fixed(start_s)} s and holds ${Math.round(rss_mb)} MB. Milliseconds from the key to the frame that shows the next pair, the answer on the disk (fsync) before:`
    return `${head}\n\n${table(['', 'keys', 'median', '95 of 100', 'slowest'], rows)}`
  } finally {
    await browser.close()
    server.kill('SIGTERM')
    if (!process.env.REVIEW_DIR) rmSync(join(root, `review-${pairs}`), { recursive: true, force: true })
  }
}
