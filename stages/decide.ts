import { z } from 'zod'
import { type Batch, columnsOf, isValid, type Numbers, type Schema } from '../pipeline/batch.ts'
import { labelKinds, pairFacts } from '../pipeline/pair.ts'
import { defineStage, type Env } from '../pipeline/stage.ts'

const share = z.number().min(0).max(1)
const params = z.strictObject({
  flip_below: share.default(0.1).describe('turn the label where p_mean is below this and every model that judges the pair is against it'),
  flip_models: z.int().min(1).default(2).describe('models that must judge a pair before its label may be turned'),
  flip_human: z.boolean().default(false).describe('let models turn a label that a person gave; without it such a pair goes to review'),
  review_below: share.default(0.2).describe('send the pair to people where p_mean is below this and its label is not turned'),
  drop_below: share
    .default(0)
    .describe('drop the pair where p_mean is below this and its label is not turned, instead of asking people; 0 = never'),
})
type Params = z.infer<typeof params>

const signals = { p_mean: 'f32', against: 'u8' } as const
const modelColumns = ({ upstream }: Env): string[] => Object.keys(upstream).filter(name => name.startsWith('p_') && name !== 'p_mean')

const readsOf = (_: Params, env: Env): Schema => ({
  ...signals,
  label_kind: pairFacts.label_kind,
  ...Object.fromEntries(modelColumns(env).map(name => [name, 'f32' as const])),
})

const ESCALATED = 1
const DOUBTFUL = 2

export const decide = defineStage<Params>({
  name: 'decide',
  doc: 'Decides on every pair by what the reward models think of its label: keep it, turn it, ask people, or drop it.',
  version: 1,
  params,
  reads: readsOf,
  adds: { flip: 'u8' },
  reasons: () => ({ escalated: 'review', doubtful: 'drop' }),
  judge: (params, { env }) => {
    const names = modelColumns(env)
    return batch => decisions(params, names, batch)
  },
})

/** A pair that no model judges keeps its label. */
function decisions(params: Params, names: readonly string[], batch: Batch) {
  const { p_mean, against, label_kind } = columnsOf(batch, { ...signals, label_kind: pairFacts.label_kind })
  const flip = new Uint8Array(batch.rows)
  const leave = new Uint8Array(batch.rows)
  for (let i = 0; i < batch.rows; i++) {
    if (!isValid(p_mean, i)) continue
    const models = names.filter(name => isValid(batch.columns[name] as Numbers, i)).length
    const p = p_mean.values[i]
    const turn = p < params.flip_below && models >= params.flip_models && against.values[i] === models
    const byPerson = label_kind.values[i] <= labelKinds.indexOf('human_derived')
    if (turn && (params.flip_human || !byPerson)) flip[i] = 1
    else if (p < params.drop_below) leave[i] = DOUBTFUL
    else if (p < params.review_below) leave[i] = ESCALATED
  }
  return { add: { flip: { values: flip } }, leave }
}
