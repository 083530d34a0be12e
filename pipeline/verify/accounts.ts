/** Sums within the manifest that must agree. */
import type { Manifest } from '../manifest.ts'

/** One thing looked at; `wrong` lists what differs, with its file and figures. */
export interface Check {
  readonly name: string
  readonly seen: string
  readonly wrong: readonly string[]
}

/** Collects figures that should be equal and are not. */
export class Differences {
  readonly found: string[] = []
  private readonly where: string
  constructor(where: string) {
    this.where = where
  }

  equal(what: string, found: number, expected: number): void {
    if (found !== expected) this.found.push(`${this.where}: ${what} is ${found}, expected ${expected}`)
  }
}

const outcomeNames = ['train', 'validation', 'flipped', 'quarantine', 'review', 'dropped'] as const

/** Sums that must agree within the manifest. */
export function accounts(manifest: Manifest): Check[] {
  const { totals, sources, inputs, steps } = manifest
  const all = new Differences('manifest.json')
  const sum = <T>(of: readonly T[], value: (one: T) => number): number => of.reduce((n, one) => n + value(one), 0)
  all.equal(
    'totals: train + validation + quarantine + review + dropped',
    totals.train + totals.validation + totals.quarantine + totals.review + totals.dropped,
    totals.pairs_in,
  )
  for (const name of ['pairs_in', ...outcomeNames] as const)
    all.equal(
      `${name} of all sources`,
      sum(sources, s => s[name]),
      totals[name],
    )
  all.equal(
    'pairs of all inputs',
    sum(inputs, i => i.pairs),
    totals.pairs_in,
  )
  all.equal(
    'rejected rows of all inputs',
    sum(inputs, i => i.rejected),
    totals.rejected,
  )
  for (const { path, rows, pairs, rejected, format } of inputs)
    if (format !== 'scored') all.equal(`${path}: pairs + rejected`, pairs + rejected, rows)
  const flow = new Differences('manifest.json')
  let expected = totals.pairs_in
  for (const { id, rows_in, rows_out, dropped, recalled = {} } of steps) {
    flow.equal(`step ${id}: rows_in`, rows_in, expected + sum(Object.values(recalled), n => n))
    flow.equal(`step ${id}: rows_out + dropped`, rows_out + sum(Object.values(dropped), n => n), rows_in)
    expected = rows_out
  }
  flow.equal('rows out of the last step', expected, totals.train + totals.validation)
  return [
    { name: 'accounts', seen: `${totals.pairs_in} pairs in, each ended once; every source and input adds up`, wrong: all.found },
    { name: 'steps', seen: `${steps.length}: rows in = rows out + dropped`, wrong: flow.found },
  ]
}

/** Rows of each folder against the totals; those of review are counted from the ledger. */
export function folderRows({ outputs, totals }: Manifest): string[] {
  const { train, validation, flipped, quarantine, pairs_in, rejected } = totals
  const rows = new Differences('manifest.json')
  for (const [folder, expected] of Object.entries({ train, validation, flipped, quarantine, ledger: pairs_in, rejects: rejected })) {
    const files = outputs.filter(({ path }) => path.startsWith(`${folder}/`))
    rows.equal(
      `rows of ${folder}/`,
      files.reduce((n, file) => n + file.rows, 0),
      expected,
    )
  }
  return rows.found
}
