/** What the report says of style in train and validation, counted again from the ledger. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { build } from '../../pipeline/index.ts'
import { unit } from '../../pipeline/kernels/random.ts'
import type { Manifest } from '../../pipeline/manifest.ts'
import type { Report } from '../../pipeline/report/report-schema.ts'
import { warningsOf } from '../../pipeline/report/warnings.ts'
import { freshDir, goldpan } from '../cli.ts'

const dir = freshDir('style-published')

/** Pairs of random words, of which the longer response wins four times in five. */
function writePairs(file: string, pairs: number): void {
  const words = (seed: number, count: number) => Array.from({ length: count }, (_, k) => `w${Math.floor(unit(seed, k, 7) * 500)}`).join(' ')
  const rows = Array.from({ length: pairs }, (_, i) => {
    const [long, short] = [words(3 * i, 30 + (i % 40)), words(3 * i + 1, 12 + (i % 9))]
    const [chosen, rejected] = unit(1, i, 5) < 0.8 ? [long, short] : [short, long]
    return `${JSON.stringify({ prompt: words(3 * i + 2, 8), chosen, rejected })}\n`
  })
  writeFileSync(join(dir, file), rows.join(''))
}

interface Row {
  readonly style_p: number
  readonly weight: number
  readonly outcome: string
}

/** The area by comparing every pair with every other one turned, by steps of a thousandth. */
function area(rows: readonly Row[], weight: (row: Row) => number): number {
  const margins = rows.map(({ style_p, outcome }) => Math.round(1000 * (outcome === 'flip' ? 1 - style_p : style_p)))
  const [total, won] = [rows.map(weight).reduce((a, b) => a + b, 0), { sum: 0 }]
  for (const [i, a] of rows.entries())
    for (const [k, b] of rows.entries()) {
      const gap = margins[i] - (1000 - margins[k])
      won.sum += weight(a) * weight(b) * (gap > 0 ? 1 : gap < 0 ? 0 : 0.5)
    }
  return won.sum / total ** 2
}

it('says what style_p tells of published labels, by weight and without', async () => {
  writePairs('a.jsonl', 600)
  const config = join(dir, 'c.yaml')
  writeFileSync(
    config,
    'name: s\nsources: [{ path: a.jsonl }]\nsteps: [structure, style-bias, score, disagreement, { decide: { flip_below: 0.3, min_flip_precision: 0, review_below: 0 } }]\noutput: { splits: { validation: 0.1 } }\n',
  )
  const out = join(dir, 'out')
  await build(config, { out, store: join(dir, 'store'), threads: 0 })
  const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report
  const sql = 'select style_p, weight, outcome from ledger where split is not null'
  const rows = JSON.parse(goldpan(['query', out, sql, '--json']).stdout) as Row[]
  expect(rows.length).toBeGreaterThan(300)
  expect(rows.filter(({ outcome }) => outcome === 'flip').length).toBeGreaterThan(0)
  const { pairs, auc, unweighted_auc } = report.style[0].published!
  expect(pairs).toBe(rows.length)
  expect(auc).toBeCloseTo(
    area(rows, row => row.weight),
    3,
  )
  expect(unweighted_auc).toBeCloseTo(
    area(rows, () => 1),
    3,
  )
  expect(unweighted_auc).toBeGreaterThan(0.7)
})

it('warns where later steps bring style back', () => {
  const report = JSON.parse(readFileSync(join(dir, 'out/report.json'), 'utf8')) as Report
  const manifest = JSON.parse(readFileSync(join(dir, 'out/manifest.json'), 'utf8')) as Manifest
  const [one] = report.style
  const warned = (after: number, auc: number): string[] => {
    const corpus = { ...one.corpus, after: { ...one.corpus.after!, linear_auc: after } }
    const figures = { ...report, style: [{ ...one, corpus, published: { ...one.published!, auc } }] }
    return warningsOf(figures, manifest, dir).map(({ text }) => text)
  }
  const told = expect.stringContaining('style tells labels of published pairs with an AUC of 0.61, weights counted')
  expect(warned(0.54, 0.61)).toContainEqual(told)
  expect(warned(0.54, 0.56)).not.toContainEqual(expect.stringContaining('of published pairs'))
  // the step has told of it already
  expect(warned(0.66, 0.66)).not.toContainEqual(expect.stringContaining('of published pairs'))
})
