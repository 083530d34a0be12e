import { z } from 'zod'
import {
  type Batch,
  batchOf,
  columnsOf,
  emptyBatch,
  type Ids,
  isValid,
  type Numbers,
  type Schema,
  stringAt,
  utf8Of,
} from '../pipeline/batch.ts'
import { type Judged, type PeopleVerdict, verdicts } from '../pipeline/judgement.ts'
import { modelColumn } from '../pipeline/kernels/recorded.ts'
import { decided, expectedError, SAID, type Turns } from '../pipeline/measures/expected-error.ts'
import { majoritiesOf, majorityOf } from '../pipeline/measures/gold.ts'
import { BY_PEOPLE, DOUBTFUL, decideRows, judgingOf, type Known } from '../pipeline/measures/model-decisions.ts'
import { draws, outcomes, pairFacts, recallFacts, relations } from '../pipeline/pair.ts'
import { AWAY, defineStage, type Env, type JudgedPairs, type Round, type Verdict } from '../pipeline/stage.ts'

const share = z.number().min(0).max(1)
const params = z.strictObject({
  flip_below: share
    .default(0.2)
    .describe(
      'turn the label where p_mean is below this and every model that can judge the pair is against it; 0 = never (but where most of two or more votes are against the label, p_mean below .5 turns it)',
    ),
  flip_models: z.int().min(1).default(2).describe('models that must judge a pair before its label may be turned'),
  protect: z
    .enum(['none', 'majority', 'human'])
    .default('majority')
    .describe(
      'labels that models alone may not turn, such pairs go to review instead: those that most of two or more votes support, those that people gave (label_kind human or human_derived), or none',
    ),
  review_below: share
    .default(0.33)
    .describe(
      'send the pair to people where p_mean is below this and its label is not turned; by default where models are two to one against it, of which labels more than half may be right; 0 = never',
    ),
  review_spread: share
    .default(1)
    .describe('send the pair to people where disagreement is above this: models differ, which says little of the label; 1 = never'),
  drop_below: share
    .default(0)
    .describe('drop the pair where p_mean is below this and its label is not turned, instead of asking people; 0 = never'),
  dual: z
    .strictObject({
      gold: z.string().describe('the model that learned from gold'),
      best: z.string().describe('the best other model'),
      below: share.default(0.5).describe('turn the label where the p of both is below this'),
    })
    .optional()
    .describe(
      'dual-model consistency: also turn the labels that the gold model and the best one are both against, whatever the others say',
    ),
  min_flip_precision: share
    .default(0.5)
    .describe(
      'models turn labels once people judged ten or more of the pairs that models alone would turn, and more than this share was rightly turned (an answer stands for the pairs of about its p_mean, and none may be without one); until then such pairs go to review, or are dropped below drop_below. Only labels that most votes are against, and those of `dual`, are turned unasked. 0 = models turn labels unasked',
    ),
  people: z
    .enum(['majority', 'dawid-skene', 'ignore'])
    .default('majority')
    .describe(
      'what of the judgement log stands above models and votes: what most annotators said, what Dawid and Skene infer at accept or more, or nothing; an adjudicated pair is settled either way',
    ),
  accept: share.default(0.95).describe('posterior from which dawid-skene takes a verdict'),
})
type Params = z.infer<typeof params>

const signals = { p_mean: 'f32', disagreement: 'f32', against: 'u8' } as const
const facts = { pair_id: 'id', label_kind: pairFacts.label_kind, votes: pairFacts.votes, ...recallFacts } as const
const duplicates = { relation: { labels: relations }, duplicate_of: 'id' } as const
/** p of the gold model and of the best one. */
const dualColumns = ({ dual }: Params): string[] => (dual ? [dual.gold, dual.best].map(model => `p_${modelColumn(model)}`) : [])

const modelColumns = ({ upstream }: Env): string[] => Object.keys(upstream).filter(name => name.startsWith('p_') && name !== 'p_mean')

const readsOf = (params: Params, env: Env): Schema => ({
  ...signals,
  ...facts,
  ...Object.fromEntries(dualColumns(params).map(name => [name, 'f32' as const])),
  ...(Object.keys(duplicates).every(name => name in env.upstream) ? duplicates : {}),
  ...Object.fromEntries(modelColumns(env).map(name => [name, 'f32' as const])),
})

const reasons = {
  escalated: 'review',
  models_against: 'review',
  doubtful: 'drop',
  people_against: 'drop',
  people_tie: 'drop',
  people_both_bad: 'drop',
  people_cannot_tell: 'drop',
} as const
const codeOf = (reason: keyof typeof reasons): number => 1 + Object.keys(reasons).indexOf(reason)

const drawn = { draw: { labels: draws }, inclusion_probability: 'f64', stratum: 'utf8' } as const

/**
 * What people say of the decisions of models, before they are heard: a kept label is right, a turned, dropped or escalated one wrong. Pairs
 * drawn because they were doubtful would make kept labels look bad, so only audited ones tell of those where there was an audit; of turned
 * ones all tell, each of those of about its p_mean.
 */
const estimate: Round<Params> = {
  reads: (params, env) => ({ ordinal: 'i32', ...readsOf(params, env), ...('draw' in env.upstream ? drawn : {}) }),
  emits: decided,
  partitions: () => 1,
  needed: judged => judged.size > 0,
  observe: (params, { env, judged }) => {
    const names = modelColumns(env)
    return batch => {
      const ends = decideAll(params, names, batch, 'all').add.models_outcome.values
      return observed(judged, batch, ends)
    }
  },
  reduce: ({ min_flip_precision }, _, rows) => expectedError(min_flip_precision, rows),
  combine: ({ min_flip_precision }, _, parts) => parts[0] ?? expectedError(min_flip_precision, emptyBatch(decided as Schema)),
}

/** The audited pairs and those whose label models would turn, with what people said of the decision. */
function observed(judged: JudgedPairs, batch: Batch, ends: Uint8Array): Batch {
  const { ordinal, pair_id, votes, recalled, p_mean } = columnsOf(batch, { ordinal: 'i32', ...facts, ...signals })
  const sample = 'draw' in batch.columns ? columnsOf(batch, drawn) : undefined
  const saidOf = (i: number): number => {
    const verdict = judged.of(pair_id, i)?.verdict
    if (!verdict || verdict === 'cannot_tell') return SAID.nothing
    const isRight = outcomes[ends[i]] === 'flip' ? verdict === 'rejected' : (verdict === 'chosen') === (outcomes[ends[i]] === 'keep')
    return isRight ? SAID.right : SAID.wrong
  }
  const isFlip = (i: number): boolean => outcomes[ends[i]] === 'flip'
  // without a sample, whatever people answered is one
  const isAudited = (i: number): boolean =>
    sample ? isValid(sample.draw, i) && draws[sample.draw.values[i]] === 'audit' : saidOf(i) !== SAID.nothing
  const index = Int32Array.from(Array(batch.rows).keys()).filter(i => recalled.values[i] === 0 && (isFlip(i) || isAudited(i)))
  const ints = (of: (i: number) => number) => ({ values: index.map(of) })
  return batchOf({ ...decided, partition: 'i32' }, index.length, {
    ordinal: ints(i => ordinal.values[i]),
    outcome: ints(i => ends[i]),
    said: ints(saidOf),
    alone: ints(i => (isFlip(i) && majorityOf(votes, i) >= 0 ? 1 : 0)),
    p_mean: { values: Float32Array.from(index, i => p_mean.values[i]) },
    audited: ints(i => (isAudited(i) ? 1 : 0)),
    inclusion_probability: { values: Float64Array.from(index, i => sample?.inclusion_probability.values[i] ?? 1) },
    stratum: utf8Of(Array.from(index, i => (sample && isValid(sample.stratum, i) ? stringAt(sample.stratum, i) : ''))),
    partition: { values: new Int32Array(index.length) },
  }) as unknown as Batch
}

export const decide = defineStage<Params>({
  name: 'decide',
  doc: 'Decides on every pair by what people, reward models and votes say of its label: keep it, turn it, ask people, or drop it.',
  version: 8,
  params,
  reads: readsOf,
  adds: { flip: 'u8', models_outcome: { labels: outcomes } },
  reasons: () => reasons,
  judgements: true,
  recalls: true,
  rounds: [estimate],
  judge: (params, { env, judged, summary }) => {
    const names = modelColumns(env)
    const { turns } = summary.state as { turns: Turns }
    return batch => {
      const verdict = decideAll(params, names, batch, turns)
      if (judged.size > 0) decideByPeople(params, judged, batch, verdict)
      return verdict
    }
  },
})

function decideAll(params: Params, names: readonly string[], batch: Batch, turns: Turns): Decided {
  const { p_mean, disagreement, against, label_kind, votes } = columnsOf(batch, { ...signals, ...facts })
  const columns = (of: readonly string[]) => of.map(name => batch.columns[name] as Numbers<Float32Array>)
  const known: Known = {
    p: p_mean.values,
    valid: p_mean.valid,
    spread: disagreement.values,
    against: against.values,
    kind: label_kind.values,
    majority: majoritiesOf(votes, batch.rows),
    judging: judgingOf(columns(names), batch.rows),
    agreed: agreedOf(params, columns(dualColumns(params)), batch.rows),
  }
  const flip = new Uint8Array(batch.rows)
  const leave = new Uint8Array(batch.rows)
  decideRows(params, turns, known, flip, leave)
  const ends = leave.map((code, i) => outcomes.indexOf(code === DOUBTFUL ? 'drop' : code > 0 ? 'review' : flip[i] ? 'flip' : 'keep'))
  return { add: { flip: { values: flip }, models_outcome: { values: ends } }, leave }
}

interface Decided extends Verdict {
  /** What is decided before people are heard, so that estimates can tell how good that is. */
  readonly add: Record<'flip' | 'models_outcome', { readonly values: Uint8Array }>
  readonly leave: Uint8Array
}

/** What people settled stands, whatever models said; a pair that waits in review for them goes on waiting where they settled nothing. */
function decideByPeople(params: Params, judged: JudgedPairs, batch: Batch, { add, leave }: Decided): void {
  const { pair_id, recalled } = columnsOf(batch, facts)
  for (let i = 0; i < batch.rows; i++) {
    const back = recalled.values[i] === 1
    const own = verdictOf(params, judged.of(pair_id, i))
    const said = back ? withTwin(own, verdictOnTwin(params, judged, batch, i)) : own
    if (said === null) {
      if (back) [leave[i], add.flip.values[i], add.models_outcome.values[i]] = [AWAY, 0, outcomes.indexOf('review')]
      continue
    }
    const repeats = back ? repeatedBy(batch, i) : { kept: false, turned: false }
    const kept = said === 'chosen' && !repeats.kept
    const turned = said === 'rejected' && !repeats.turned
    add.flip.values[i] = turned ? BY_PEOPLE : 0
    leave[i] = kept || turned ? 0 : codeOf(said === 'rejected' || said === 'chosen' ? 'people_against' : `people_${said}`)
  }
}

function verdictOf({ people, accept }: Params, of: Judged | undefined): PeopleVerdict | null {
  if (!of || people === 'ignore') return null
  if (people === 'majority' || of.adjudicated || of.verdict === 'cannot_tell') return of.verdict
  const best = of.posterior.indexOf(Math.max(...of.posterior))
  return of.posterior[best] >= accept ? verdicts[best] : null
}

const MIRRORED: Readonly<Partial<Record<PeopleVerdict, PeopleVerdict>>> = { chosen: 'rejected', rejected: 'chosen' }

/** Who judged a pair has judged the same pair labelled the other way round. */
function verdictOnTwin(params: Params, judged: JudgedPairs, batch: Batch, i: number): PeopleVerdict | null {
  if (!('relation' in batch.columns)) return null
  const { relation, duplicate_of } = columnsOf(batch, duplicates)
  if (!isValid(relation, i) || relations[relation.values[i]] !== 'swapped') return null
  const said = verdictOf(params, judged.of(duplicate_of as Ids, i))
  return said === null ? null : (MIRRORED[said] ?? said)
}

/**
 * What people said of a pair, itself or as its twin. Two opinions that contradict each other, as where both labels are right, leave neither label
 * good enough to learn from.
 */
function withTwin(own: PeopleVerdict | null, twin: PeopleVerdict | null): PeopleVerdict | null {
  if (own === null || own === 'cannot_tell') return twin ?? own
  return twin === null || twin === 'cannot_tell' || twin === own ? own : 'rejected'
}

/** Whether a pair, with its label kept or turned, would only repeat another: a copy does; so does one in conflict with its twin, once turned. */
function repeatedBy(batch: Batch, i: number): { readonly kept: boolean; readonly turned: boolean } {
  if (!('relation' in batch.columns)) return { kept: false, turned: false }
  const { relation } = columnsOf(batch, duplicates)
  const to = isValid(relation, i) ? relations[relation.values[i]] : undefined
  return { kept: to === 'exact', turned: to === 'exact' || to === 'swapped' || to === 'near-swapped' }
}

function agreedOf({ dual }: Params, models: readonly Numbers<Float32Array>[], rows: number): Uint8Array {
  const agreed = new Uint8Array(rows)
  if (dual) for (let i = 0; i < rows; i++) agreed[i] = models.every(of => isValid(of, i) && of.values[i] < dual.below) ? 1 : 0
  return agreed
}
