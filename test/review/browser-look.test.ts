/// <reference lib="dom" />
/** How the review app shows pairs in a real browser. */
import { expect, it } from 'vitest'
import { buildOf, openApp, shoot } from './app.ts'
import { inBrowser, open, press } from './browser.ts'

inBrowser()

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
