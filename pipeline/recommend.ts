/** Which thresholds of `decide` reach a wanted precision, by what people answered on a finished build. */
import type { Finished } from './finished.ts'
import type { Judged } from './judgement.ts'
import { effectiveAnswers } from './judgements/effective.ts'
import { judgedOf } from './judgements/judged.ts'
import { readLogs } from './judgements/log.ts'
import type { LogPlaces } from './judgements/places.ts'
import { type Audited, type Cell, cellShare, type Share, shareOf } from './kernels/audit-estimate.ts'
import type { Interval } from './kernels/intervals.ts'
import { openTables, type Tables } from './sql.ts'
import { quoted } from './table-views.ts'

/** Thresholds of p_mean that are tried, in hundredths. */
const STEP = 2
const GRID = Array.from({ length: 50 / STEP }, (_, i) => STEP * (i + 1))

/**
 * Labels that models would turn at a threshold. `pairs`: in the corpus; `n`: those that people answered; `right`: of these, rightly turned.
 * `share`: rightly turned of all, null where nobody answered. Doubtful pairs are asked about first, so answers stand for pairs of about the same
 * p_mean alone (post-stratified: Cochran 1977, 5A.9); where none was answered the interval takes in all and none.
 */
export interface Flips extends Interval {
  readonly below: number
  readonly pairs: number
  readonly n: number
  readonly right: number
  readonly share: number | null
}

/** Labels that stay at a threshold, by the audited pairs alone. */
export interface Kept extends Share {
  readonly below: number
}

export interface Recommendation {
  readonly precision: number
  /** Pairs that a model judges and people answered. */
  readonly answers: number
  readonly flips: readonly Flips[]
  readonly kept: readonly Kept[]
  /** The highest threshold at which flips are right at the wanted precision: surely (the low end of the interval reaches it), and by the estimate. */
  readonly flip_below: { readonly surely: number | null; readonly estimate: number | null }
  /** The lowest threshold above which labels are right at the wanted precision. */
  readonly review_below: { readonly surely: number | null; readonly estimate: number | null }
}

interface Row {
  readonly pair_id: string
  readonly p_mean: number
  /** Whether as many models as a flip needs judge the pair, and all are against its label. */
  readonly unanimous: boolean
  readonly draw: string | null
  readonly inclusion_probability: number | null
  readonly stratum: string | null
}

/** `flip_models` as in `decide`. Ties and pairs of which both sides are bad count as wrongly turned and as wrongly kept. */
export async function recommendationOf(
  finished: Finished,
  { log, others }: LogPlaces,
  { precision, flip_models }: { precision: number; flip_models: number },
): Promise<Recommendation> {
  const judged = judgedOf(effectiveAnswers(readLogs([log, ...others])))
  const tables = await openTables(finished)
  try {
    const unanimous = await unanimousSql(tables, flip_models)
    const rows = await answered(tables, unanimous, judged)
    const counts = await tables.rows<{ pairs: number; hundredth: number }>(
      `select count(*)::int as pairs, floor(p_mean::double * 100)::int as hundredth from ledger where ${unanimous} group by all`,
    )
    const drawn = await tables.rows<{ stratum: string; pairs: number }>(
      `select coalesce(stratum, '') as stratum, count(*)::int as pairs from review where draw = 'audit' group by all order by all`,
    )
    const cells = GRID.map(below => cellOf(below, rows, judged, counts))
    const flips = GRID.map(below => flipsAt(below, cells))
    const kept = GRID.flatMap(below => keptAt(below, rows, judged, drawn))
    return {
      precision,
      answers: rows.length,
      flips,
      kept,
      flip_below: { surely: highest(flips, f => f.low >= precision), estimate: highest(flips, f => (f.share ?? 0) >= precision) },
      review_below: { surely: lowest(kept, k => k.low >= precision), estimate: lowest(kept, k => k.share >= precision) },
    }
  } finally {
    tables.close()
  }
}

/** As `decide` has it: a model at exactly .5 does not judge. */
async function unanimousSql(tables: Tables, flip_models: number): Promise<string> {
  const columns = await tables.rows<{ column_name: string }>('select column_name from (describe ledger)')
  const models = columns.flatMap(({ column_name: name }) => (/^p_(?!mean$)/.test(name) ? [`"${name}"`] : []))
  const judging = models.map(p => `(${p} is not null and ${p} <> 0.5)::int`).join(' + ') || '0'
  return `(${judging}) >= ${flip_models} and against = least(${judging}, 255)`
}

const IDS_AT_ONCE = 10_000

/** Pairs with a verdict that a model judges too. */
async function answered(tables: Tables, unanimous: string, judged: ReadonlyMap<string, Judged>): Promise<Row[]> {
  const ids = [...judged].filter(([, { verdict }]) => verdict !== null && verdict !== 'cannot_tell').map(([pair_id]) => pair_id)
  const rows: Row[] = []
  for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
    const some = ids
      .slice(from, from + IDS_AT_ONCE)
      .map(quoted)
      .join(', ')
    const found = await tables.rows<Row>(
      `select distinct on (l.pair_id) l.pair_id, l.p_mean, coalesce(${unanimous}, false) as unanimous, r.draw, r.inclusion_probability, r.stratum
       from ledger l left join review r using (pair_id) where l.p_mean is not null and l.pair_id in (${some}) order by l.pair_id, r.draw nulls last`,
    )
    rows.push(...found)
  }
  return rows
}

/** Pairs that models would turn, of p_mean below `below` hundredths and not below the two before them. */
interface CellBelow extends Cell {
  readonly below: number
}

function cellOf(
  below: number,
  rows: readonly Row[],
  judged: ReadonlyMap<string, Judged>,
  counts: readonly { pairs: number; hundredth: number }[],
): CellBelow {
  const inCell = (hundredth: number): boolean => hundredth >= below - STEP && hundredth < below
  const turned = rows.filter(({ p_mean, unanimous }) => unanimous && inCell(Math.floor(p_mean * 100)))
  const right = turned.filter(({ pair_id }) => judged.get(pair_id)!.verdict === 'rejected').length
  const pairs = counts.reduce((sum, { pairs, hundredth }) => sum + (inCell(hundredth) ? pairs : 0), 0)
  return { below, pairs, n: turned.length, right }
}

function flipsAt(below: number, all: readonly CellBelow[]): Flips {
  const cells = all.filter(cell => cell.below <= below)
  const sum = (value: (cell: Cell) => number): number => cells.reduce((total, cell) => total + value(cell), 0)
  return { below: below / 100, pairs: sum(c => c.pairs), n: sum(c => c.n), right: sum(c => c.right), ...cellShare(cells) }
}

/** Of the targeted draw nothing is taken: it was drawn because its labels were doubtful. */
function keptAt(
  hundredths: number,
  rows: readonly Row[],
  judged: ReadonlyMap<string, Judged>,
  drawn: readonly { stratum: string; pairs: number }[],
): Kept[] {
  const audited = rows.flatMap(({ pair_id, p_mean, draw, inclusion_probability, stratum }): Audited[] => {
    const place = drawn.findIndex(one => one.stratum === (stratum ?? ''))
    if (draw !== 'audit' || place < 0) return []
    const right = judged.get(pair_id)!.verdict === 'chosen'
    return [{ stratum: place, inclusion_probability: inclusion_probability ?? 1, member: p_mean >= hundredths / 100, right }]
  })
  const counts = drawn.map(({ pairs }) => pairs)
  const share = shareOf(audited, counts)
  return share ? [{ below: hundredths / 100, ...share }] : []
}

/** The highest one that fits, but not above the pairs that say so. */
function highest(flips: readonly Flips[], fits: (f: Flips) => boolean): number | null {
  const found = flips.filter(fits).at(-1)
  return flips.find(({ n }) => n === found?.n)?.below ?? null
}
const lowest = (kept: readonly Kept[], fits: (k: Kept) => boolean): number | null => kept.find(fits)?.below ?? null
