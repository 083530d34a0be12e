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
  hexAt,
  type Ids,
  isValid,
  type Numbers,
  type Schema,
  stringAt,
  type Utf8,
  utf8Of,
} from '../pipeline/batch.ts'
import { UserError } from '../pipeline/errors.ts'
import { lanesOf } from '../pipeline/kernels/groups.ts'
import { mix32 } from '../pipeline/kernels/mix.ts'
import { allocate, firstRows } from '../pipeline/kernels/sampling.ts'
import { draws, pairFacts } from '../pipeline/pair.ts'
import { defineStage, type Env, type Part, type Round, type Summary, typeName } from '../pipeline/stage.ts'

const params = z.strictObject({
  budget: z.int().min(0).default(200).describe('pairs that people are asked about, audit and targeted together'),
  audit_share: z.number().min(0).max(1).default(0.5).describe('share of the budget drawn at random within strata, for honest estimates'),
  strata: z.array(z.string()).default(['source']).describe('columns whose values together make the strata of the audit'),
  max_per_cluster: z
    .int()
    .min(1)
    .default(2)
    .describe(
      'targeted pairs of one cluster of near-duplicate prompts; twice as many, and so on, only where the budget cannot be met otherwise',
    ),
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
    ...Object.fromEntries(strata.map(name => [name, stratumField(name, known[name] ?? 'utf8')])),
  }
}

function stratumField(name: string, field: Field): Field {
  if (field !== 'id' && (typeof field === 'string' || 'labels' in field)) return field
  throw new UserError(`verification-sample: strata: column ${name} is ${typeName(field)}; name columns of text, labels or numbers`)
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
  reduce: (params, _, rows) => candidatesOf(params, rows),
  combine: (params, _, parts) => choose(params, parts),
}

function emit({ strata, ...params }: Params, batch: Batch, reads: Schema, seed: number, partitions: number): Batch {
  const { ordinal, pair_id, prompt_id } = columnsOf(batch, { ordinal: 'i32', pair_id: 'id', prompt_id: 'id' })
  const rows = Array.from({ length: batch.rows }, (_, i) => i)
  const cluster = (batch.columns.prompt_cluster ?? prompt_id) as Ids
  return batchOf({ ...emitted, partition: 'i32' }, batch.rows, {
    ordinal,
    hash: { values: hashes(pair_id, batch.rows, seed) },
    stratum: utf8Of(rows.map(i => strata.map(name => textAt(batch.columns[name], reads[name], i)).join(' / '))),
    cluster,
    acquisition: { values: Float64Array.from(rows, i => acquisition(params, batch, i)) },
    // a cluster lies in one partition, so that what is kept of it there is enough
    partition: { values: lanesOf(cluster, batch.rows)[0].map(lane => mix32(lane) % partitions) },
  }) as unknown as Batch
}

/** The place of each pair in the order in which an audit draws: 52 bits of its id and the seed. */
function hashes(pair_id: Ids, rows: number, seed: number): Float64Array {
  const lanes = lanesOf(pair_id, rows)
  const key = mix32(seed ^ AUDIT)
  return Float64Array.from(lanes[0], (lane, i) => mix32(lane ^ key) * 2 ** 20 + (mix32(lanes[1][i] ^ key) & 0xfffff))
}

function textAt(column: Column, field: Field, i: number): string {
  if (!isValid(column, i)) return 'none'
  if (field === 'utf8') return stringAt(column as Utf8, i)
  const value = (column as Numbers).values[i]
  return typeof field === 'object' && 'labels' in field ? field.labels[value] : String(value)
}

/** What a pair's signals make it worth a look. A pair that no model could judge stands in the middle; without signals all are worth nothing. */
function acquisition({ weights }: Pick<Params, 'weights'>, batch: Batch, i: number): number {
  const at = (name: string, unknown: number): number => {
    const column = batch.columns[name] as Numbers | undefined
    return column && isValid(column, i) ? column.values[i] : unknown
  }
  const terms = weights.against * at('against', 0) + weights.disagreement * at('disagreement', 0) + weights.style * at('style_p', 0)
  if (!('p_mean' in batch.columns)) return terms
  const p = at('p_mean', 0.5)
  return terms + weights.doubt * (1 - p) + weights.uncertain * (1 - 2 * Math.abs(p - 0.5))
}

type Emitted = Batch<typeof emitted>['columns']

/** Of one partition: how many pairs each stratum has, and every row that any draw over all partitions could take. */
function candidatesOf(params: Params, rows: Batch): Part {
  const columns = columnsOf(rows, emitted)
  const strata = strataOf(columns.stratum, rows.rows)
  const audit = new Set([...strata.values()].flatMap(members => firstRows(members, auditBudget(params), byHash(columns))))
  // whatever the audit takes of its candidates, those after them in the order of worth are enough
  const targeted = worthiest(params, columns, rows.rows, params.budget, audit)
  const names = [...strata.keys()]
  return {
    tables: {
      strata: batchOf(counted, names.length, {
        stratum: utf8Of(names),
        pairs: { values: Int32Array.from(names, name => strata.get(name)!.length) },
      }) as unknown as Batch,
      rows: gather(rows, Int32Array.from([...audit, ...targeted])),
    },
  }
}

const auditBudget = ({ budget, audit_share }: Params): number => Math.round(budget * audit_share)

function strataOf(column: Utf8, rows: number): Map<string, number[]> {
  const strata = new Map<string, number[]>()
  for (let i = 0; i < rows; i++) {
    const name = stringAt(column, i)
    const members = strata.get(name)
    if (members) members.push(i)
    else strata.set(name, [i])
  }
  return strata
}

const byHash =
  ({ hash, ordinal }: Emitted) =>
  (a: number, b: number): boolean =>
    hash.values[a] < hash.values[b] || (hash.values[a] === hash.values[b] && ordinal.values[a] < ordinal.values[b])

/**
 * The rows of highest acquisition but for those in `but`, so many of one cluster before any has more, then twice as many, and so on. Rows
 * worth nothing are none. Whatever leaves or joins `but`, a row that is among the first n stays among them.
 */
function worthiest({ max_per_cluster }: Params, columns: Emitted, rows: number, most: number, but: ReadonlySet<number>): number[] {
  const { values } = columns.acquisition
  const earlier = byHash(columns)
  const order = Array.from({ length: rows }, (_, i) => i)
    .filter(i => values[i] > 0 && !but.has(i))
    .sort((a, b) => values[b] - values[a] || (earlier(a, b) ? -1 : 1))
  const taken = new Map<string, number>()
  const tiers: number[][] = []
  for (const i of order) {
    const cluster = hexAt(columns.cluster, i)
    const before = taken.get(cluster) ?? 0
    taken.set(cluster, before + 1)
    const tier = before < max_per_cluster ? 0 : 1 + Math.floor(Math.log2(before / max_per_cluster))
    tiers[tier] ??= []
    tiers[tier].push(i)
  }
  return tiers.flat().slice(0, most)
}

const drawn = { ordinal: 'i32', draw: { labels: draws }, inclusion_probability: 'f64', stratum: 'utf8' } as const
const AUDITED = draws.indexOf('audit')
const TARGETED = draws.indexOf('targeted')

/** The audit first, stratum by stratum; the targeted sample from the rest. */
function choose(params: Params, parts: readonly Part[]): Summary {
  const counts = countsOf(parts)
  const names = [...counts.keys()].sort()
  const rows = concat(emitted as Schema, [emptyBatch(emitted as Schema), ...parts.map(part => part.tables!.rows)])
  const columns = columnsOf(rows, emitted)
  const places = allocate(
    names.map(name => counts.get(name)!),
    auditBudget(params),
  )
  const members = strataOf(columns.stratum, rows.rows)
  const audit = names.flatMap((name, s) =>
    firstRows(members.get(name) ?? [], places[s], byHash(columns)).map(row => ({ row, probability: places[s] / counts.get(name)! })),
  )
  const taken = new Set(audit.map(({ row }) => row))
  const targeted = worthiest(params, columns, rows.rows, params.budget - taken.size, taken)
  const strata = Object.fromEntries(names.map((name, s) => [name, { pairs: counts.get(name)!, audit: places[s] }]))
  return {
    facts: { audit: audit.length, targeted: targeted.length, strata: names.length <= MOST_STRATA_TOLD ? strata : names.length },
    tables: { drawn: drawnTable(columns, audit, targeted) },
  }
}

const MOST_STRATA_TOLD = 100

function countsOf(parts: readonly Part[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { tables } of parts) {
    const { stratum, pairs } = columnsOf(tables!.strata, counted)
    for (const [i, count] of pairs.values.entries()) {
      const name = stringAt(stratum, i)
      counts.set(name, (counts.get(name) ?? 0) + count)
    }
  }
  return counts
}

function drawnTable(
  { ordinal, stratum }: Emitted,
  audit: readonly { row: number; probability: number }[],
  targeted: readonly number[],
): Batch {
  const rows = [...audit.map(({ row }) => row), ...targeted]
  const isAudit = Uint8Array.from(rows, (_, i) => (i < audit.length ? 1 : 0))
  const order = Int32Array.from(rows.keys()).sort((a, b) => ordinal.values[rows[a]] - ordinal.values[rows[b]])
  const unordered = batchOf(drawn, rows.length, {
    ordinal: { values: Int32Array.from(rows, row => ordinal.values[row]) },
    draw: { values: isAudit.map(audited => (audited ? AUDITED : TARGETED)) },
    inclusion_probability: { values: Float64Array.from(rows, (_, i) => audit[i]?.probability ?? 0), valid: isAudit },
    stratum: utf8Of(rows.map(row => stringAt(stratum, row))),
  })
  return gather(unordered, order) as unknown as Batch
}

export const verificationSample = defineStage<Params>({
  name: 'verification-sample',
  doc: 'Draws pairs for people: an audit with known inclusion probabilities, and a targeted sample where a wrong label is most likely.',
  version: 2,
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
