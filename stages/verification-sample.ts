import { z } from 'zod'
import {
  type Batch,
  batchOf,
  columnsOf,
  emptyBatch,
  type Field,
  type Ids,
  isValid,
  type Numbers,
  type Schema,
  stringAt,
  type Utf8,
  utf8Of,
} from '../pipeline/batch.ts'
import { concat } from '../pipeline/concat.ts'
import { UserError } from '../pipeline/errors.ts'
import { gather, gatherColumn } from '../pipeline/gather.ts'
import { type Budget, byHash, type Candidates, candidates, candidatesOf, worthiest } from '../pipeline/kernels/draw-candidates.ts'
import { membersOf } from '../pipeline/kernels/groups.ts'
import { mix32 } from '../pipeline/kernels/mix.ts'
import { allocate, drawPlaces, firstRows } from '../pipeline/kernels/sampling.ts'
import { nameOf, pooled, type Stratum, strataOf } from '../pipeline/kernels/strata.ts'
import { textGroups } from '../pipeline/kernels/text-groups.ts'
import { draws, pairFacts } from '../pipeline/pair.ts'
import { defineStage, type Env, type Part, type Round, type Summary, typeName } from '../pipeline/stage.ts'

/** As `goldpan review` asks by default: a fifth of the pairs of two people, a repeat and a hidden check for every twentieth. */
const ANSWERS_PER_PAIR = 1.3
const money = z.strictObject({
  money: z.number().min(0).describe('what all answers together may cost, in any currency'),
  per_answer: z.number().positive().describe('what one answer costs, in the same currency'),
  answers_per_pair: z
    .number()
    .min(1)
    .default(ANSWERS_PER_PAIR)
    .describe('answers that a pair takes on average; overlap, repeats and checks'),
})

const params = z.strictObject({
  budget: z
    .union([z.int().min(0), money])
    .default(200)
    .describe(
      'pairs that people are asked about, audit and targeted together; or what it may cost: {money, per_answer, answers_per_pair (1.3)}',
    ),
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
      // Larger ones find fewer wrong labels: BENCH.md, People.
      against: z.number().default(0.02).describe('of the number of models against the label'),
      disagreement: z.number().default(0.02).describe('of the spread between models'),
      style: z.number().default(0.01).describe('of style_p, the label being explained by style'),
      uncertain: z.number().default(0.01).describe('of 1 - 2 |p_mean - .5|'),
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

const PAIRS_PER_PARTITION = 500_000

const draw: Round<Params> = {
  reads: readsOf,
  emits: candidates,
  partitions: (_, { pairs }) => Math.ceil((pairs + 1) / PAIRS_PER_PARTITION),
  observe: (params, { seed, env, corpus }) => {
    const partitions = Math.ceil((corpus.pairs + 1) / PAIRS_PER_PARTITION)
    const reads = readsOf(params, env)
    return batch => emit(params, batch, reads, seed, partitions)
  },
  reduce: (params, _, rows) => {
    const columns = columnsOf(rows, candidates)
    const { of, firsts } = textGroups(columns.stratum, rows.rows)
    return { tables: { rows: candidatesOf(budgetOf(params), columns, rows.rows, of, firsts.length) as unknown as Batch } }
  },
  combine: (params, _, parts) => choose(budgetOf(params), parts),
}

function emit(params: Params, batch: Batch, reads: Schema, seed: number, partitions: number): Batch {
  const { ordinal, pair_id, prompt_id } = columnsOf(batch, { ordinal: 'i32', pair_id: 'id', prompt_id: 'id' })
  const { of, texts } = strataOf(params.strata, batch, reads)
  const columns = {
    ordinal,
    hash: { values: drawPlaces(pair_id, batch.rows, seed, AUDIT) },
    stratum: gatherColumn(utf8Of(texts), 'utf8', of) as Utf8,
    cluster: (batch.columns.prompt_cluster ?? prompt_id) as Ids,
    acquisition: { values: acquisitions(params, batch) },
    pairs: { values: new Int32Array(batch.rows).fill(1) },
  }
  const rows = candidatesOf(budgetOf(params), columns, batch.rows, of, texts.length)
  const { values } = rows.columns.ordinal
  const partition = { values: values.map(place => mix32(place) % partitions) }
  return batchOf({ ...candidates, partition: 'i32' }, rows.rows, { ...rows.columns, partition }) as unknown as Batch
}

/** What each pair's signals make it worth a look. One that no model could judge stands in the middle; without signals all are worth nothing. */
function acquisitions({ weights }: Params, batch: Batch): Float64Array {
  const { against, disagreement, style_p, p_mean } = batch.columns as Readonly<Record<string, Numbers | undefined>>
  const worth = new Float64Array(batch.rows)
  const add = (column: Numbers | undefined, weight: number): void => {
    for (let i = 0; column && i < worth.length; i++) if (isValid(column, i)) worth[i] += weight * column.values[i]
  }
  add(against, weights.against)
  add(disagreement, weights.disagreement)
  add(style_p, weights.style)
  for (let i = 0; p_mean && i < worth.length; i++) {
    const p = isValid(p_mean, i) ? p_mean.values[i] : 0.5
    worth[i] += weights.doubt * (1 - p) + weights.uncertain * (1 - 2 * Math.abs(p - 0.5))
  }
  return worth
}

/** Pairs that the budget pays for. */
function pairsFor({ budget }: Params): number {
  if (typeof budget === 'number') return budget
  return Math.min(2 ** 31 - 1, Math.floor(budget.money / (budget.per_answer * budget.answers_per_pair) + 1e-9))
}

const budgetOf = (params: Params): Budget => {
  const pairs = pairsFor(params)
  return { pairs, audit: Math.round(pairs * params.audit_share), max_per_cluster: params.max_per_cluster }
}

const drawn = { ordinal: 'i32', draw: { labels: draws }, inclusion_probability: 'f64', stratum: 'utf8' } as const
const AUDITED = draws.indexOf('audit')
const TARGETED = draws.indexOf('targeted')

/** The audit first, stratum by stratum; the targeted sample from the rest. */
function choose(budget: Budget, parts: readonly Part[]): Summary {
  const rows = concat(candidates as Schema, [emptyBatch(candidates as Schema), ...parts.map(part => part.tables!.rows)])
  const columns = columnsOf(rows, candidates)
  const all = countedStrata(columns, rows.rows)
  const strata = pooled(all, budget.audit)
  const places = allocate(
    strata.map(({ pairs }) => pairs),
    budget.audit,
  )
  const audit = strata.flatMap(({ members, pairs }, s) =>
    firstRows(members, places[s], byHash(columns)).map(row => ({ row, probability: places[s] / pairs })),
  )
  const taken = new Set(audit.map(({ row }) => row))
  const targeted = worthiest(budget, columns, rows.rows, budget.pairs - taken.size, taken)
  const told = Object.fromEntries(strata.map(({ name, pairs }, s) => [name, { pairs, audit: places[s] }]))
  return {
    facts: {
      audit: audit.length,
      targeted: targeted.length,
      strata: strata.length <= MOST_STRATA_TOLD ? told : strata.length,
      ...(strata.length < all.length ? { pooled_strata: all.length - strata.length + 1 } : {}),
    },
    tables: { drawn: drawnTable(columns, nameOf(strata, rows.rows), audit, targeted) },
  }
}

const MOST_STRATA_TOLD = 100

/** Strata by name, with the candidates and the number of all pairs of each. */
function countedStrata({ stratum, pairs }: Candidates, rows: number): Stratum[] {
  const groups = textGroups(stratum, rows)
  const { starts, rows: members } = membersOf(groups)
  const strata = groups.firsts.map((first, s) => {
    const own = members.subarray(starts[s], starts[s + 1])
    return { name: stringAt(stratum, first), members: own, pairs: own.reduce((sum, row) => sum + pairs.values[row], 0) }
  })
  return strata.sort((a, b) => (a.name < b.name ? -1 : 1))
}

function drawnTable(
  { ordinal }: Candidates,
  stratumOf: (row: number) => string,
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
    stratum: utf8Of(rows.map(stratumOf)),
  })
  return gather(unordered, order) as unknown as Batch
}

export const verificationSample = defineStage<Params>({
  name: 'verification-sample',
  doc: 'Draws pairs for people: an audit with known inclusion probabilities, and a targeted sample where a wrong label is most likely.',
  version: 5,
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
