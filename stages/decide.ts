import { z } from 'zod'
import { type Batch, type ColumnOf, columnsOf, isValid, type Numbers, type Schema } from '../pipeline/batch.ts'
import { labelKinds, pairFacts, votes as voteLabels } from '../pipeline/pair.ts'
import { defineStage, type Env, type Verdict } from '../pipeline/stage.ts'

const share = z.number().min(0).max(1)
const params = z.strictObject({
  flip_below: share
    .default(0.2)
    .describe('turn the label where p_mean is below this and every model that can judge the pair is against it; 0 = never'),
  flip_models: z.int().min(1).default(2).describe('models that must judge a pair before its label may be turned'),
  protect: z
    .enum(['none', 'majority', 'human'])
    .default('majority')
    .describe(
      'labels that models alone may not turn, such pairs go to review instead: those that most of two or more votes support, those that people gave (label_kind human or human_derived), or none',
    ),
  review_below: share.default(0.25).describe('send the pair to people where p_mean is below this and its label is not turned; 0 = never'),
  review_spread: share
    .default(1)
    .describe('send the pair to people where disagreement is above this: models differ, which says little of the label; 1 = never'),
  drop_below: share
    .default(0)
    .describe('drop the pair where p_mean is below this and its label is not turned, instead of asking people; 0 = never'),
})
type Params = z.infer<typeof params>

const signals = { p_mean: 'f32', disagreement: 'f32', against: 'u8' } as const
const facts = { label_kind: pairFacts.label_kind, votes: pairFacts.votes } as const
const modelColumns = ({ upstream }: Env): string[] => Object.keys(upstream).filter(name => name.startsWith('p_') && name !== 'p_mean')

const readsOf = (_: Params, env: Env): Schema => ({
  ...signals,
  ...facts,
  ...Object.fromEntries(modelColumns(env).map(name => [name, 'f32' as const])),
})

const reasons = { escalated: 'review', doubtful: 'drop' } as const
const ESCALATED = 1
const DOUBTFUL = 2

export const decide = defineStage<Params>({
  name: 'decide',
  doc: 'Decides on every pair by what reward models and votes say of its label: keep it, turn it, ask people, or drop it.',
  version: 2,
  params,
  reads: readsOf,
  adds: { flip: 'u8' },
  reasons: () => reasons,
  judge: (params, { env }) => {
    const names = modelColumns(env)
    return batch => decideAll(params, names, batch)
  },
})

/** A pair that neither a model nor a majority judges keeps its label. */
function decideAll(params: Params, names: readonly string[], batch: Batch): Verdict {
  const { p_mean, disagreement, against, label_kind, votes } = columnsOf(batch, { ...signals, ...facts })
  const models = names.map(name => batch.columns[name] as Numbers<Float32Array>)
  const flip = new Uint8Array(batch.rows)
  const leave = new Uint8Array(batch.rows)
  for (let i = 0; i < batch.rows; i++) {
    const majority = majorityOf(votes, i)
    const judged = isValid(p_mean, i)
    const p = judged ? p_mean.values[i] : 0.5
    if (majority < 0) {
      if (p < 0.5) flip[i] = 1
      else leave[i] = ESCALATED
      continue
    }
    if (!judged) continue
    const sure = p < params.flip_below && isUnanimous(models, against.values[i], i, params.flip_models)
    if (sure && !isProtected(params, majority, label_kind.values[i])) flip[i] = 1
    else if (p < params.drop_below) leave[i] = DOUBTFUL
    else if (p < params.review_below || sure || disagreement.values[i] > params.review_spread) leave[i] = ESCALATED
  }
  return { add: { flip: { values: flip } }, leave }
}

const CHOSEN = voteLabels.indexOf('chosen')
const REJECTED = voteLabels.indexOf('rejected')
const FEWEST_VOTES = 2

/** 1 where most of two or more votes are for chosen, -1 for rejected, else 0; ties have no side. */
function majorityOf({ starts, items }: ColumnOf<typeof pairFacts.votes>, i: number): number {
  const { values } = items.columns.vote
  let [chosen, rejected] = [0, 0]
  for (let k = starts[i]; k < starts[i + 1]; k++) {
    if (values[k] === CHOSEN) chosen++
    if (values[k] === REJECTED) rejected++
  }
  const cast = starts[i + 1] - starts[i]
  if (cast < FEWEST_VOTES) return 0
  if (chosen * 2 > cast) return 1
  return rejected * 2 > cast ? -1 : 0
}

/** Whether enough models judge a pair and all of them are against its label. At exactly .5 a model does not judge. */
function isUnanimous(models: readonly Numbers<Float32Array>[], against: number, i: number, fewest: number): boolean {
  const judging = models.reduce((n, p) => n + (isValid(p, i) && p.values[i] !== 0.5 ? 1 : 0), 0)
  return judging >= fewest && against === Math.min(judging, 255)
}

function isProtected({ protect }: Params, majority: number, label_kind: number): boolean {
  if (protect === 'none') return false
  return majority > 0 || (protect === 'human' && label_kind <= labelKinds.indexOf('human_derived'))
}
