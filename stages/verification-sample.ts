import { z } from 'zod'
import {
  type Batch,
  batchOf,
  type Column,
  columnsOf,
  concat,
  emptyBatch,
  type Field,
  gather,
  type Ids,
  isValid,
  type Numbers,
  type Schema,
  stringAt,
  type Utf8,
  utf8Of,
} from '../pipeline/batch.ts'
import { lanesOf } from '../pipeline/kernels/groups.ts'
import { mix32 } from '../pipeline/kernels/mix.ts'
import { allocate, firstRows } from '../pipeline/kernels/sampling.ts'
import { draws, pairFacts } from '../pipeline/pair.ts'
import { defineStage, type Env, type Part, type Round, type Summary } from '../pipeline/stage.ts'

const params = z.strictObject({
  budget: z.int().min(0).default(200).describe('pairs that people are asked about, audit and targeted together'),
  audit_share: z.number().min(0).max(1).default(0.5).describe('share of the budget drawn at random within strata, for honest estimates'),
  strata: z.array(z.string()).default(['source']).describe('columns whose values together make the strata of the audit'),
  max_per_cluster: z.int().min(1).default(2).describe('targeted pairs of one cluster of near-duplicate prompts, at most'),
  weights: z
    .strictObject({
      doubt: z.number().default(1).describe('of 1 - p_mean'),
      against: z.number().default(0.1).describe('of the number of models against the label'),
      disagreement: z.number().default(0.1).describe('of the spread between models'),
      style: z.number().default(0.05).describe('of style_p, the label being explained by style'),
      uncertain: z.number().default(0.05).describe('of 1 - 2 |p_mean - .5|'),
    })
    .prefault({})
    .describe('what makes a pair worth a look: weights of the terms of the acquisition score'),
})
type Params = z.infer<typeof params>

const SIGNALS = { p_mean: 'f32', against: 'u8', disagreement: 'f32', style_p: 'f32', prompt_cluster: 'id' } as const
const AUDIT = 0xa0d17

/** Signals that earlier steps add, and the columns that make strata. */
function readsOf({ strata }: Params, { upstream }: Env): Schema {
  const known: Schema = { ...pairFacts, ...upstream }
  const signals = Object.entries(SIGNALS).filter(([name]) => name in upstream)
  return {
    ordinal: 'i32',
    pair_id: 'id',
    prompt_id: 'id',
    ...Object.fromEntries(signals),
    ...Object.fromEntries(strata.map(name => [name, known[name] ?? 'utf8'])),
  }
}

const emitted = { ordinal: 'i32', hash: 'f64', stratum: 'utf8', cluster: 'id', acquisition: 'f64' } as const
const counted = { stratum: 'utf8', pairs: 'i32' } as const
const PAIRS_PER_PARTITION = 500_000

const draw: Round<Params> = {
  reads: readsOf,
  emits: emitted,
  partitions: (_, { pairs }) => Math.ceil((pairs + 1) / PAIRS_PER_PARTITION),
  observe: (params, { seed, env, corpus }) => {
    const partitions = Math.ceil((corpus.pairs + 1) / PAIRS_PER_PARTITION)
    const reads = readsOf(params, env)
    return batch => emit(params, batch, reads, seed, partitions)
  },
  reduce: (params, _, rows) => bestOf(params, rows),
  combine: (params, _, parts) => choose(params, parts),
}

function emit(params: Params, batch: Batch, reads: Schema, seed: number, partitions: number): Batch {
  const { ordinal, pair_id, prompt_id } = columnsOf(batch, { ordinal: 'i32', pair_id: 'id', prompt_id: 'id' })
  const lanes = lanesOf(pair_id as Ids, batch.rows)
  const key = mix32(seed ^ AUDIT)
  const hash = Float64Array.from(lanes[0], (lane, i) => (mix32(lane ^ key) >>> 0) * 2 ** 20 + ((mix32(lanes[1][i] ^ key) >>> 0) & 0xfffff))
  return batchOf({ ...emitted, partition: 'i32' }, batch.rows, {
    ordinal,
    hash: { values: hash },
    stratum: utf8Of(
      Array.from({ length: batch.rows }, (_, i) => params.strata.map(name => textAt(batch.columns[name], reads[name], i)).join(' / ')),
    ),
    cluster: (batch.columns.prompt_cluster ?? prompt_id) as Ids,
    acquisition: { values: Float64Array.from({ length: batch.rows }, (_, i) => acquisition(params, batch, i)) },
    partition: { values: Int32Array.from(lanes[0], lane => (mix32(lane) >>> 0) % partitions) },
  }) as unknown as Batch
}

function textAt(column: Column, field: Field, i: number): string {
  if (!isValid(column, i)) return 'none'
  if (field === 'utf8') return stringAt(column as Utf8, i)
  const value = (column as Numbers).values[i]
  return typeof field === 'object' && 'labels' in field ? field.labels[value] : String(value)
}

/** What a pair's signals make it worth; a pair without them is worth nothing. */
function acquisition({ weights }: Params, batch: Batch, i: number): number {
  const at = (name: string): number | undefined => {
    const column = batch.columns[name] as Numbers | undefined
    return column && isValid(column, i) ? column.values[i] : undefined
  }
  const p = at('p_mean')
  const doubt = p === undefined ? 0 : weights.doubt * (1 - p) + weights.uncertain * (1 - 2 * Math.abs(p - 0.5))
  return (
    doubt + weights.against * (at('against') ?? 0) + weights.disagreement * (at('disagreement') ?? 0) + weights.style * (at('style_p') ?? 0)
  )
}

type Emitted = Batch<typeof emitted>

/** Of one partition: how many pairs each stratum has, and every row that could be drawn. */
function bestOf(params: Params, rows: Batch): Part {
  const { columns } = rows as unknown as Emitted
  const strata = new Map<string, number[]>()
  for (let i = 0; i < rows.rows; i++) {
    const name = stringAt(columns.stratum, i)
    const stratum = strata.get(name)
    if (stratum) stratum.push(i)
    else strata.set(name, [i])
  }
  const audit = [...strata.values()].flatMap(stratum => firstRows(stratum, auditBudget(params), byHash(columns)))
  const targeted = worthwhile(params, columns, rows.rows, params.budget * 2)
  const names = [...strata.keys()]
  const kept = [...new Set([...audit, ...targeted])]
  return {
    tables: {
      strata: batchOf(counted, names.length, {
        stratum: utf8Of(names),
        pairs: { values: Int32Array.from(names, n => strata.get(n)!.length) },
      }) as unknown as Batch,
      rows: pick(columns, kept),
    },
  }
}

const auditBudget = ({ budget, audit_share }: Params): number => Math.round(budget * audit_share)

const byHash =
  ({ hash, ordinal }: Emitted['columns']) =>
  (a: number, b: number): boolean =>
    hash.values[a] < hash.values[b] || (hash.values[a] === hash.values[b] && ordinal.values[a] < ordinal.values[b])

/** The rows of highest acquisition, at most so many of one cluster. */
function worthwhile(
  { max_per_cluster }: Params,
  columns: Emitted['columns'],
  rows: number,
  most: number,
  but: ReadonlySet<number> = new Set(),
): number[] {
  const { values } = columns.acquisition
  const earlier = byHash(columns)
  const order = Array.from({ length: rows }, (_, i) => i)
    .filter(i => values[i] > 0 && !but.has(i))
    .sort((a, b) => values[b] - values[a] || (earlier(a, b) ? -1 : 1))
  const perCluster = new Map<string, number>()
  const chosen: number[] = []
  for (const i of order) {
    if (chosen.length >= most) break
    const cluster = Buffer.from(columns.cluster.bytes.subarray(i * 16, i * 16 + 16)).toString('latin1')
    const n = perCluster.get(cluster) ?? 0
    if (n >= max_per_cluster) continue
    perCluster.set(cluster, n + 1)
    chosen.push(i)
  }
  return chosen
}

function pick(columns: Emitted['columns'], rows: readonly number[]): Batch {
  return batchOf(emitted, rows.length, {
    ordinal: { values: Int32Array.from(rows, i => columns.ordinal.values[i]) },
    hash: { values: Float64Array.from(rows, i => columns.hash.values[i]) },
    stratum: utf8Of(rows.map(i => stringAt(columns.stratum, i))),
    cluster: { bytes: Uint8Array.from(rows.flatMap(i => [...columns.cluster.bytes.subarray(i * 16, i * 16 + 16)])) },
    acquisition: { values: Float64Array.from(rows, i => columns.acquisition.values[i]) },
  }) as unknown as Batch
}

const drawn = { ordinal: 'i32', draw: { labels: draws }, inclusion_probability: 'f64', stratum: 'utf8' } as const

/** The audit first, stratum by stratum; the targeted sample from the rest. */
function choose(params: Params, parts: readonly Part[]): Summary {
  const counts = new Map<string, number>()
  for (const { tables } of parts) {
    const { stratum, pairs } = columnsOf(tables!.strata, counted)
    for (let i = 0; i < tables!.strata.rows; i++) {
      const name = stringAt(stratum, i)
      counts.set(name, (counts.get(name) ?? 0) + pairs.values[i])
    }
  }
  const names = [...counts.keys()].sort()
  const all = concat(emitted as Schema, [pick(emptyBatch(emitted).columns, []), ...parts.map(p => p.tables!.rows)])
  const { columns } = all as unknown as Emitted
  const places = allocate(
    names.map(n => counts.get(n)!),
    auditBudget(params),
  )
  const audit = names.flatMap((name, s) => {
    const rows = Array.from({ length: all.rows }, (_, i) => i).filter(i => stringAt(columns.stratum, i) === name)
    return firstRows(rows, places[s], byHash(columns)).map(row => ({ row, probability: places[s] / counts.get(name)! }))
  })
  const taken = new Set(audit.map(a => a.row))
  const targeted = worthwhile(params, columns, all.rows, Math.max(0, params.budget - taken.size), taken)
  const rows = [...audit.map(a => ({ ...a, draw: 0 })), ...targeted.map(row => ({ row, probability: Number.NaN, draw: 1 }))]
  const table = batchOf(drawn, rows.length, {
    ordinal: { values: Int32Array.from(rows, r => columns.ordinal.values[r.row]) },
    draw: { values: Uint8Array.from(rows, r => r.draw) },
    inclusion_probability: {
      values: Float64Array.from(rows, r => (r.draw === 0 ? r.probability : 0)),
      valid: Uint8Array.from(rows, r => 1 - r.draw),
    },
    stratum: utf8Of(rows.map(r => stringAt(columns.stratum, r.row))),
  })
  const strata = Object.fromEntries(names.map((name, s) => [name, { pairs: counts.get(name)!, audit: places[s] }]))
  return {
    facts: { audit: audit.length, targeted: targeted.length, strata: names.length <= 100 ? strata : names.length },
    tables: { drawn: table },
  }
}

export const verificationSample = defineStage<Params>({
  name: 'verification-sample',
  doc: 'Draws pairs for people: an audit with known inclusion probabilities, and a targeted sample where a wrong label is most likely.',
  version: 1,
  params,
  reads: { ordinal: 'i32' },
  adds: { draw: drawn.draw, inclusion_probability: 'f64', stratum: 'utf8' },
  rounds: [draw],
  judge: (_, { summary }) => {
    const table = summary.tables!.drawn as unknown as Batch<typeof drawn>
    const at = new Map(Array.from(table.columns.ordinal.values, (ordinal, row) => [ordinal, row]))
    return batch => {
      const { ordinal } = columnsOf(batch, { ordinal: 'i32' })
      const index = ordinal.values.map(o => at.get(o) ?? -1)
      const { draw, inclusion_probability, stratum } = gather(table, index).columns
      return { add: { draw, inclusion_probability, stratum } }
    }
  },
})
