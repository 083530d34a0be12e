import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { StyleOfFiles } from '../../pipeline/style-of-files.ts'
import { styleOfFiles } from '../../pipeline/style-of-files.ts'
import { freshDir, goldpan } from '../cli.ts'

const dir = freshDir('audit-style')
const words = (n: number, from: number): string => Array.from({ length: n }, (_, i) => `w${(from * 7 + i * 13) % 50}`).join(' ')

/** Of every four pairs the longer response wins three. */
function write(name: string, pairs: number, extra: object[] = []): void {
  const rows = Array.from({ length: pairs }, (_, i) => {
    const [long, short] = [words(30, i), words(12, i + 1)]
    return i % 4 < 3 ? { prompt: `q${i}`, chosen: long, rejected: short } : { prompt: `q${i}`, chosen: short, rejected: long }
  })
  writeFileSync(join(dir, name), [...rows, ...extra].map(row => JSON.stringify(row)).join('\n'))
}

beforeAll(() => {
  write('a.jsonl', 400, [{ prompt: 't', chosen: 'x', rejected: 'y', tie: true }, { prompt: 't' }])
  write('b.jsonl', 12)
})

const json = (...args: string[]): StyleOfFiles => JSON.parse(goldpan(['audit-style', ...args, '--json']).stdout)

describe('goldpan audit-style', () => {
  it('counts who wins over all pairs, by source and together', () => {
    const { files, sources, all } = json(join(dir, '*.jsonl'))
    expect(files.map(({ rows, rejected, format }) => [rows, rejected, format])).toEqual([
      [402, 1, 'pair'],
      [12, 0, 'pair'],
    ])
    expect(sources.map(({ source, pairs, ties, longer, more_markdown }) => [source, pairs, ties, longer, more_markdown])).toEqual([
      ['a', 400, 1, 0.75, null],
      ['b', 12, 0, 0.75, null],
    ])
    expect(all).toMatchObject({ pairs: 412, ties: 1, longer: 0.75 })
  })

  it('says how well style tells the label, and that few labels say nothing', () => {
    const { code, stdout } = goldpan(['audit-style', join(dir, 'a.jsonl'), join(dir, 'b.jsonl')])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^a +400 +1 +75\.0 % +- +0\.7\d\d/m)
    expect(stdout).toMatch(/^b +12 +0 +75\.0 % +- +- +- +-/m)
    expect(stdout).toContain('b: too few labels to audit style: 12, at least 40')
  })

  it('draws the same sample whatever the order of files, near the size asked for', async () => {
    const file = (name: string) => ({ shown: name, path: join(dir, name) })
    const small = await styleOfFiles([file('a.jsonl'), file('b.jsonl')], 1, 100)
    expect(small.sources[0].audit.sampled).toBeLessThanOrEqual(200)
    expect(small.sources[0].audit.sampled).toBeGreaterThan(60)
    const turned = await styleOfFiles([file('b.jsonl'), file('a.jsonl')], 1, 100)
    expect(turned.sources[1]).toEqual(small.sources[0])
  })

  it('draws a page that loads nothing and shows texts as texts', () => {
    const page = join(dir, 'style.html')
    write('<script>alert(1)<!--.jsonl', 60)
    expect(goldpan(['audit-style', join(dir, '*.jsonl'), '--plot', page]).code).toBe(0)
    const text = readFileSync(page, 'utf8')
    expect(text).toContain("default-src 'none'")
    expect(text).toContain('&lt;script&gt;alert(1)')
    expect(text).not.toContain('<script')
    expect(text.match(/<svg/g)!.length).toBeGreaterThan(4)
  })

  it('names a file that is none', () => {
    expect(goldpan(['audit-style', join(dir, 'none.jsonl')])).toMatchObject({ code: 2, stderr: expect.stringContaining('no such file') })
  })
})
