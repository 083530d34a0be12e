/** The ledger of a finished build against the manifest and against the shards. */
import { resolve } from 'node:path'
import { drewFlags, type Finished, filesOf } from '../finished.ts'
import type { Tables } from '../sql.ts'
import { quoted } from '../table-views.ts'
import type { TableName } from '../tables.ts'
import { type Check, Differences } from './accounts.ts'

export async function ledgerOutcomes({ manifest: { sources, totals } }: Finished, tables: Tables): Promise<Check> {
  const counted = await tables.rows<{ source: string; outcome: string; split: string | null; n: number }>(
    'select source, outcome, split, count(*) as n from ledger group by all',
  )
  const wrong = new Differences('ledger')
  const count = (source: string | undefined, is: (outcome: string, split: string | null) => boolean): number =>
    counted.filter(row => (source === undefined || row.source === source) && is(row.outcome, row.split)).reduce((n, row) => n + row.n, 0)
  for (const [name, expected] of [['all sources', totals], ...sources.map(s => [s.source, s] as const)] as const) {
    const source = expected === totals ? undefined : name
    wrong.equal(
      `${name}: pairs`,
      count(source, () => true),
      expected.pairs_in,
    )
    for (const split of ['train', 'validation'] as const)
      wrong.equal(
        `${name}: ${split}`,
        count(source, (outcome, s) => KEPT.includes(outcome) && s === split),
        expected[split],
      )
    wrong.equal(
      `${name}: flipped`,
      count(source, (outcome, split) => outcome === 'flip' && split !== null),
      expected.flipped,
    )
    for (const [outcome, total] of LEFT)
      wrong.equal(
        `${name}: ${total}`,
        count(source, (o, split) => o === outcome && split === null),
        expected[total],
      )
  }
  return {
    name: 'ledger',
    seen: `${totals.pairs_in} rows; outcomes and splits of every source agree with the manifest`,
    wrong: wrong.found,
  }
}

const KEPT = ['keep', 'flip']
const LEFT = [
  ['quarantine', 'quarantine'],
  ['review', 'review'],
  ['drop', 'dropped'],
] as const

export async function ledgerSteps({ manifest: { steps } }: Finished, tables: Tables): Promise<Check> {
  const counted = await tables.rows<{ step: string; reason: string; n: number }>(
    "select step, reason, count(*) as n from ledger where outcome not in ('keep', 'flip') group by all order by all",
  )
  const wrong = new Differences('ledger')
  const found = new Map<string, number>(counted.map(({ step, reason, n }) => [`${step}: ${reason}`, n]))
  const expected = new Map<string, number>(
    steps.flatMap(({ id, dropped }) => Object.entries(dropped).map(([reason, n]) => [`${id}: ${reason}`, n] as const)),
  )
  for (const [from, n] of steps.flatMap(({ recalled = {} }) => Object.entries(recalled))) expected.set(from, (expected.get(from) ?? 0) - n)
  for (const name of new Set([...expected.keys(), ...found.keys()]))
    wrong.equal(`step ${name}`, found.get(name) ?? 0, expected.get(name) ?? 0)
  return { name: 'reasons', seen: `${expected.size} step and reason counts agree with the ledger`, wrong: wrong.found }
}

export async function ledgerInputs({ manifest: { inputs } }: Finished, tables: Tables): Promise<Check> {
  const wrong: string[] = []
  for (const [table, count] of [
    ['ledger', 'pairs'],
    ['rejects', 'rejected'],
  ] as const) {
    const differences = new Differences(table)
    const counted = await tables.rows<{ file: string; n: number }>(`select file, count(*) as n from ${table} group by all order by all`)
    const found = new Map(counted.map(({ file, n }) => [file, n]))
    const expected = new Map<string, number>()
    for (const input of inputs) expected.set(input.path, (expected.get(input.path) ?? 0) + input[count])
    for (const path of new Set([...expected.keys(), ...found.keys()]))
      differences.equal(`rows of ${path}`, found.get(path) ?? 0, expected.get(path) ?? 0)
    wrong.push(...differences.found)
  }
  return { name: 'inputs', seen: `${inputs.length} files: ledger and rejects hold the rows that the manifest counts`, wrong }
}

/** What of the ledger each table must hold, and how its rows are named in both. */
interface InLedger {
  readonly table: TableName
  readonly where: string
  readonly named?: string
  readonly as?: string
}
const IN_LEDGER: readonly InLedger[] = [
  { table: 'train', where: "split = 'train'", named: 'pair_id, flipped', as: "pair_id, outcome = 'flip'" },
  { table: 'validation', where: "split = 'validation'", named: 'pair_id, flipped', as: "pair_id, outcome = 'flip'" },
  { table: 'flipped', where: "outcome = 'flip'" },
  { table: 'quarantine', where: "outcome = 'quarantine'" },
]

const reviewed = (finished: Finished): InLedger => ({
  table: 'review',
  where: `outcome = 'review' or draw is not null${drewFlags(finished) ? ' or flag_probability is not null' : ''}`,
})

/** The pairs of each table are those of the ledger: compared as sums of hashes, whatever their order. */
export async function shardsInLedger(finished: Finished, tables: Tables): Promise<Check> {
  const wrong: string[] = []
  const looked: string[] = []
  for (const { table, where, named = 'pair_id', as = named } of [...IN_LEDGER, reviewed(finished)]) {
    if (filesOf(finished, table).some(path => path.endsWith('.arrow'))) continue
    looked.push(table)
    const sums = (names: string): string => `count(*) as n, coalesce(sum(hash(${names})::hugeint), 0)::varchar as pairs`
    const [[has], [due]] = await Promise.all([
      tables.rows<{ n: number; pairs: string }>(`select ${sums(named)} from ${table}`),
      tables.rows<{ n: number; pairs: string }>(`select ${sums(as)} from ledger where ${where}`),
    ])
    if (has.n !== due.n) wrong.push(`${table}/: holds ${has.n} pairs, the ledger says ${due.n}`)
    else if (has.pairs !== due.pairs) wrong.push(`${table}/: holds other pairs than the ledger says`)
  }
  return { name: 'shards', seen: `${looked.join(', ')} hold the pairs that the ledger says`, wrong }
}

/** The ledger is in the order of the inputs, and within each in that of its rows. */
export async function ledgerOrder({ dir, manifest: { inputs, outputs } }: Finished, tables: Tables): Promise<Check> {
  const seen = 'the ledger is in the order of the inputs and of their rows'
  const files = outputs.filter(({ path }) => path.startsWith('ledger/'))
  if (files.length === 0) return { name: 'order', seen, wrong: [] }
  let next = 0
  const starts = files.map(({ path, rows }) => `(${quoted(resolve(dir, path))}, ${(next += rows) - rows})`)
  next = 0
  const held = inputs.map(({ path, pairs, format }) => `(${quoted(path)}, ${next}, ${(next += pairs)}, ${format !== 'scored'})`)
  const list = `[${files.map(({ path }) => quoted(resolve(dir, path))).join(', ')}]`
  const found = await tables.rows<{ place: number; file: string; row: number; strange: boolean }>(
    `with rows as (select p.first + file_row_number as place, l.file, l.row, i.single, i.first as input, i.file is null as strange
       from read_parquet(${list}, file_row_number = true, filename = true, hive_partitioning = false) l
       join (values ${starts.join(', ')}) p(filename, first) on l.filename = p.filename
       left join (values ${held.join(', ')}) i(file, first, past, single) on l.file = i.file and p.first + file_row_number >= i.first and p.first + file_row_number < i.past)
     select place, file, row, strange from (select *, lag(row) over (order by place) as before, lag(input) over (order by place) as of from rows)
     where strange or (input = of and (row < before or (row = before and single))) order by place limit ${ORDER_SHOWN}`,
  )
  const wrong = found.map(({ place, file, row, strange }) =>
    strange
      ? `ledger: row ${place} is of ${file}, whose pairs are elsewhere by the manifest`
      : `ledger: row ${place} is row ${row} of ${file}, which does not follow the one before`,
  )
  return { name: 'order', seen, wrong }
}

const ORDER_SHOWN = 20
