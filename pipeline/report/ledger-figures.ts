/** Aggregates of a finished build's tables: what the manifest does not hold. One narrow scan of the ledger each. */
import { type Finished, filesOf } from '../finished.ts'
import type { ReliabilityBin } from '../kernels/calibration.ts'
import type { Tables } from '../sql.ts'
import type { Contamination, Duplicates, Histogram, Models, Style } from './report-parts.ts'
import type { Report } from './report-schema.ts'

type Row = Readonly<Record<string, string | number | null>>
const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** Names of the models that gave the ledger a probability. */
export async function modelsIn(tables: Tables): Promise<string[]> {
  const columns = await tables.rows<{ column_name: string }>('select column_name from (describe ledger)')
  return columns.flatMap(({ column_name }) => /^p_(?!mean$)(.+)$/.exec(column_name)?.[1] ?? [])
}

const BINS = 20
/** Signals between 0 and 1 of which the distribution is told. */
const SIGNALS = ['p_mean', 'style_p', 'disagreement'] as const

export async function histogramsOf(tables: Tables): Promise<Histogram[]> {
  const counted = SIGNALS.map(
    signal => `select '${signal}' as signal, least(${BINS - 1}, floor(${signal} * ${BINS}))::integer as bin, outcome, count(*)::bigint as n
      from ledger where ${signal} is not null group by all`,
  )
  const rows = await tables.rows<{ signal: string; bin: number; outcome: string; n: number }>(
    `${counted.join(' union all ')} order by signal, bin, outcome`,
  )
  return SIGNALS.flatMap(signal => {
    const bins = rows.filter(row => row.signal === signal)
    return bins.length === 0
      ? []
      : [{ signal, bins: bins.map(({ bin, outcome, n }) => ({ from: bin / BINS, to: (bin + 1) / BINS, outcome, n })) }]
  })
}

const CONFIDENCE_BINS = 10

/** Of the sides that each model prefers, how often the label prefers them too, by how sure the model is. */
export async function reliabilityOf(tables: Tables, models: readonly string[]): Promise<Record<string, ReliabilityBin[]>> {
  if (models.length === 0) return {}
  const of = models.map((name, k) => {
    const p = identifier(`p_${name}`)
    return `select ${k} as k, least(${CONFIDENCE_BINS - 1}, floor((greatest(${p}, 1 - ${p}) - 0.5) * ${2 * CONFIDENCE_BINS}))::integer as bin,
      count(*)::bigint as n, count_if(${p} > 0.5)::bigint as "right", round(avg(greatest(${p}, 1 - ${p})::double), 6) as p
      from ledger where ${p} is not null and ${p} != 0.5 group by all`
  })
  const rows = await tables.rows<{ k: number; bin: number; n: number; right: number; p: number }>(
    `${of.join(' union all ')} order by k, bin`,
  )
  return Object.fromEntries(models.map((name, k) => [name, rows.filter(row => row.k === k).map(({ p, n, right }) => ({ p, n, right }))]))
}

/** On how many pairs every two models prefer the same side; a model that prefers none is left out. */
export async function agreementOf(tables: Tables, models: readonly string[]): Promise<Models['agreement']> {
  const two = models.flatMap((a, i) => models.slice(i + 1).map(b => [a, b] as const))
  if (two.length === 0) return []
  const columns = two.map(([a, b], k) => {
    const [p, q] = [identifier(`p_${a}`), identifier(`p_${b}`)]
    const both = `${p} != 0.5 and ${q} != 0.5`
    return `coalesce(count_if(${both}), 0)::bigint as n${k}, coalesce(count_if(${both} and (${p} > 0.5) = (${q} > 0.5)), 0)::bigint as s${k}`
  })
  const [row] = await tables.rows<Record<string, number>>(`select ${columns.join(', ')} from ledger`)
  return two.map(([a, b], k) => ({ a, b, pairs: row[`n${k}`], same: row[`s${k}`] }))
}

/** Clusters by size, in powers of two. */
export async function clusterSizesOf(tables: Tables): Promise<Report['cluster_sizes']> {
  const rows = await tables.rows<{ cluster_size: number; pairs: number }>(
    'select cluster_size, count(*)::bigint as pairs from ledger where cluster_size > 1 group by 1 order by 1',
  )
  const bins = new Map<number, { from: number; to: number; clusters: number; pairs: number }>()
  for (const { cluster_size, pairs } of rows) {
    const power = Math.floor(Math.log2(cluster_size))
    const bin = bins.get(power) ?? { from: 2 ** power, to: 2 ** (power + 1) - 1, clusters: 0, pairs: 0 }
    bins.set(power, { ...bin, clusters: bin.clusters + Math.round(pairs / cluster_size), pairs: bin.pairs + pairs })
  }
  return [...bins.values()]
}

/** Pairs that left at a step, by source. */
export async function lostAt(tables: Tables, step: string): Promise<Record<string, number>> {
  const rows = await tables.rows<{ source: string; n: number }>(
    `select source, count(*)::bigint as n from ledger where step = '${step.replaceAll("'", "''")}' and outcome not in ('keep', 'flip') group by 1 order by 1`,
  )
  return Object.fromEntries(rows.map(({ source, n }) => [source, n]))
}

/** Of style_p, in steps of which the area is told. */
const STYLE_BINS = 1000

/**
 * How well style_p tells labels of published pairs from turned ones, by weight and without: the area under the curve, its labels those of the shards.
 * Nothing where no published pair has a style_p.
 */
export async function styleOfPublished(tables: Tables): Promise<Style['published']> {
  const [row] = await tables.rows<Record<'pairs' | 'auc' | 'unweighted_auc', number>>(`with labels as (
      select round(if(outcome = 'flip', 1 - style_p, style_p) * ${STYLE_BINS})::integer as bin, weight::double as weight
      from ledger where split is not null and style_p is not null
    ), sides as (
      select bin, weight as w, 0 as turned_w, 1 as n, 0 as turned_n from labels
      union all select ${STYLE_BINS} - bin, 0, weight, 0, 1 from labels
    ), bins as (
      select bin, sum(w) as w, sum(turned_w) as turned_w, sum(n) as n, sum(turned_n) as turned_n from sides group by bin
    ), below as (
      select w, n, sum(turned_w) over (order by bin) - turned_w / 2 as turned_w, sum(turned_n) over (order by bin) - turned_n / 2 as turned_n from bins
    )
    select sum(n)::bigint as pairs, round(sum(w * turned_w) / sum(w) ^ 2, 4) as auc, round(sum(n * turned_n)::double / sum(n)::double ^ 2, 4) as unweighted_auc
    from below having sum(w) > 0`)
  return row
}

const SHOWN_EVIDENCE = 5

/** The best covered pairs of each benchmark. */
export function evidenceOf(tables: Tables): Promise<Contamination['evidence']> {
  return tables.rows(`with found as (
      select pair_id, source, outcome, unnest(contamination) as e from ledger where len(contamination) > 0
    ), told as (
      select e.benchmark as benchmark, e.item as item, left(e.span, 400) as span, e.coverage::varchar::double as coverage, pair_id, source, outcome::varchar as outcome,
        row_number() over (partition by e.benchmark, e.item order by e.coverage desc, pair_id) as of_item
      from found where outcome = 'quarantine' or outcome = 'drop' or e.coverage >= 0.5
    )
    select benchmark, item, span, coverage, pair_id, source, outcome from told where of_item = 1
    qualify row_number() over (partition by benchmark order by coverage desc, item) <= ${SHOWN_EVIDENCE}
    order by benchmark, coverage desc, item`)
}

const SHOWN_MEMBERS = 8

/** A few of the pairs that each survivor stands for. */
export async function membersOf(
  tables: Tables,
  survivors: readonly string[],
): Promise<Record<string, Duplicates['largest'][0]['members']>> {
  const known = survivors.filter(id => /^[0-9a-f]{32}$/.test(id))
  if (known.length === 0) return {}
  const rows =
    await tables.rows<Row>(`select duplicate_of, pair_id, source, relation::varchar as relation, jaccard::varchar::double as jaccard, outcome::varchar as outcome
    from ledger where duplicate_of in (${known.map(id => `'${id}'`).join(', ')})
    qualify row_number() over (partition by duplicate_of order by jaccard, pair_id, file, row) <= ${SHOWN_MEMBERS}
    order by duplicate_of, jaccard, pair_id, file, row`)
  const members: Record<string, NonNullable<Duplicates['largest'][0]['members']>> = {}
  for (const { duplicate_of, ...member } of rows) (members[String(duplicate_of)] ??= []).push(member as never)
  return members
}

const readable = (finished: Finished): boolean => filesOf(finished, 'train').length > 0 && finished.output.format !== 'arrow'

/** Kept pairs by who judged them. */
export async function labelKindsOf(finished: Finished, tables: Tables): Promise<Record<string, number>> {
  if (!readable(finished)) return {}
  const rows = await tables.rows<{ kind: string; n: number }>(`select coalesce(label_kind::varchar, '') as kind, count(*)::bigint as n
    from (select label_kind from train union all select label_kind from validation) group by 1 order by 2 desc, 1`)
  return Object.fromEntries(rows.map(({ kind, n }) => [kind, n]))
}
