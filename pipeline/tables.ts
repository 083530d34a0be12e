/** The columns of every table of a build, in the order in which they are written. */
import { type Schema, turnsOf } from './batch.ts'
import type { OutColumn, OutField } from './codecs/out-columns.ts'
import { hint, UserError } from './errors.ts'
import type { OwnStep } from './own-columns.ts'
import { draws, labelKinds, outcomes, relations, votes } from './pair.ts'

export const layouts = ['prompt', 'conversations', 'message'] as const
/**
 * `prompt`: prompt, chosen and rejected are lists of messages, the sides one each. `conversations`: chosen and rejected are whole
 * conversations, and no prompt column (beside them TRL would train on the prompt twice). `message`: as `prompt`, a side being one struct.
 */
export type Layout = (typeof layouts)[number]

/** The output folders, each a table of this name; those without rows have no folder. */
export const tableNames = ['train', 'validation', 'flipped', 'quarantine', 'review', 'ledger', 'rejects'] as const
export type TableName = (typeof tableNames)[number]

const required = (name: string, field: OutField): OutColumn => ({ name, field, required: true })
const optional = (name: string, field: OutField): OutColumn => ({ name, field, required: false })

/** `none` is never written: those rows are null. */
const splitLabels = ['none', 'train', 'validation'] as const
export const contamination = { list: { benchmark: 'utf8', item: 'utf8', span: 'utf8', coverage: 'f32' } } as const
export const likeness = { list: { benchmark: 'utf8', item: 'utf8', cosine: 'f32' } } as const
export const human = { outcome: { labels: votes }, n: 'i32', agreement: 'f32' } as const

/** The ledger in the order of its documentation; `added` names columns that steps add, of which `cosine`, features of style and those of models enter; `own` are those of the user's stages. */
export function ledgerColumns(added: readonly string[], own: Schema = {}): OutColumn[] {
  const columns = [
    required('pair_id', 'id'),
    required('source', 'utf8'),
    optional('source_id', 'utf8'),
    required('file', 'utf8'),
    required('row', 'i64'),
    required('outcome', { labels: outcomes }),
    optional('split', { labels: splitLabels }),
    optional('step', 'utf8'),
    optional('reason', 'utf8'),
    optional('duplicate_of', 'id'),
    optional('relation', { labels: relations }),
    optional('jaccard', 'f32'),
    ...(added.includes('cosine') ? [optional('cosine', 'f32')] : []),
    required('prompt_id', 'id'),
    optional('cluster_id', 'id'),
    optional('cluster_size', 'i32'),
    optional('contamination', contamination),
    ...(added.includes('second_look') ? [optional('second_look', likeness)] : []),
    optional('style_p', 'f32'),
    ...added.filter(name => /^style_(?:chosen|rejected)_/.test(name)).map(name => optional(name, 'f32')),
    optional('weight', 'f32'),
    ...modelColumns(added).map(name => optional(name, 'f32')),
    optional('p_mean', 'f32'),
    optional('disagreement', 'f32'),
    optional('against', 'i8'),
    ...(added.includes('vote_entropy') ? [optional('vote_entropy', 'f32')] : []),
    ...(added.includes('gold_against_best') ? [optional('gold_against_best', 'i8')] : []),
    optional('draw', { labels: draws }),
    optional('inclusion_probability', 'f64'),
    ...(added.includes('flag_probability') ? [optional('flag_probability', 'f64')] : []),
    optional('human', { struct: human }),
  ]
  const names = new Set(columns.map(({ name }) => name))
  return [...columns, ...Object.entries(own).flatMap(([name, field]) => (names.has(name) ? [] : optional(name, field)))]
}

/** margin_NAME and p_NAME, model by model in the order in which the names come. */
function modelColumns(added: readonly string[]): string[] {
  const models = [...new Set(added.flatMap(name => /^(?:margin|p)_(?!mean$)(.+)$/.exec(name)?.[1] ?? []))]
  return models.flatMap(model => [`margin_${model}`, `p_${model}`]).filter(name => added.includes(name))
}

/** Names that some trainer takes for something else; a shard with one of them fails there, or trains on the wrong thing. */
const RESERVED = (
  'messages completion image images chat_template_kwargs tools chosen_ids rejected_ids chosen_input_ids rejected_input_ids input_ids_chosen ' +
  'input_ids_rejected ref_chosen_logps ref_rejected_logps rejected_messages rejected_response label labels score text system split margin'
).split(' ')

/** What a training shard holds beside its texts. */
export interface TrainOptions {
  /** Ledger columns to add. */
  readonly signals: readonly string[]
  /** Columns that the user's stages add to the ledger. */
  readonly own?: Schema
  /** Whether to add `margin`, which reward trainers take into their loss. */
  readonly margin?: boolean
}

export function trainColumns(layout: Layout, { signals, margin, own }: TrainOptions): OutColumn[] {
  return [
    ...textColumns(layout),
    required('pair_id', 'id'),
    required('prompt_id', 'id'),
    required('source', 'utf8'),
    required('label_kind', { labels: labelKinds }),
    optional('source_id', 'utf8'),
    optional('license', 'utf8'),
    optional('lang', 'utf8'),
    optional('cluster_id', 'id'),
    required('flipped', 'bool'),
    required('weight', 'f32'),
    ...signalColumns(signals, own),
    ...(margin ? [required('margin', 'f32')] : []),
  ]
}

function textColumns(layout: Layout): OutColumn[] {
  const side: OutField = layout === 'message' ? { struct: turnsOf.list } : turnsOf
  return [...(layout === 'conversations' ? [] : [required('prompt', turnsOf)]), required('chosen', side), required('rejected', side)]
}

const ALWAYS = [
  'prompt',
  'chosen',
  'rejected',
  'pair_id',
  'prompt_id',
  'source',
  'label_kind',
  'source_id',
  'license',
  'lang',
  'cluster_id',
  'flipped',
  'weight',
]

/** The columns of the ledger that come from the user's stages. */
export const ownColumns = (steps: readonly { readonly own?: OwnStep }[]): Schema =>
  Object.assign({}, ...steps.map(({ own }) => own?.adds)) as Schema

/** The columns of output.signals; refuses a name that trainers reserve or that the ledger has not, naming the place `where` it stands. */
export function signalColumns(signals: readonly string[], own?: Schema, where = 'output.signals'): OutColumn[] {
  const ledger = ledgerColumns(signals, own)
  return [...new Set(signals)].flatMap(name => {
    if (RESERVED.includes(name)) throw new UserError(`${where}: ${name}: trainers read a column of this name for themselves; take another`)
    if (ALWAYS.includes(name)) return []
    const column = ledger.find(c => c.name === name)
    if (!column)
      throw new UserError(
        `${where}: ${name}: no such column of the ledger${hint(
          name,
          ledger.map(c => c.name),
        )}`,
      )
    return [{ ...column, required: false }]
  })
}

/** The train columns as written after the turn, and what spoke against the label. */
export const flippedColumns = (layout: Layout, options: TrainOptions, added: readonly string[]): OutColumn[] =>
  withSignals(trainColumns(layout, options), ['p_mean', 'against', ...modelColumns(added).filter(name => name.startsWith('margin_'))])

/** The train columns without `margin`, and why the pair was set aside. A side may be several turns, so there is no layout `message`. */
export const quarantineColumns = (layout: Layout, { signals, own }: TrainOptions): OutColumn[] => [
  ...withSignals(trainColumns(quarantineLayout(layout), { signals, own }), ['contamination']).map(c =>
    c.name === 'weight' ? optional('weight', 'f32') : c,
  ),
  required('step', 'utf8'),
  required('reason', 'utf8'),
]

export const quarantineLayout = (layout: Layout): Layout => (layout === 'conversations' ? layout : 'prompt')

function withSignals(columns: readonly OutColumn[], signals: readonly string[]): OutColumn[] {
  return [...columns, ...signalColumns(signals.filter(name => !columns.some(c => c.name === name)))]
}

/** Pairs for people, their sides as the source gave them; where flags of contamination are drawn, these with their evidence. */
export const reviewColumns = (added: readonly string[] = []): OutColumn[] => [
  required('pair_id', 'id'),
  required('source', 'utf8'),
  optional('source_id', 'utf8'),
  optional('draw', { labels: draws }),
  optional('inclusion_probability', 'f64'),
  optional('stratum', 'utf8'),
  optional('reason', 'utf8'),
  optional('models_outcome', { labels: outcomes }),
  ...(added.includes('flag_probability')
    ? [optional('flag_probability', 'f64'), optional('flag_item', 'utf8'), optional('contamination', contamination)]
    : []),
  ...textColumns('prompt'),
]

export const rejectsColumns = (): OutColumn[] => [
  required('file', 'utf8'),
  required('row', 'i64'),
  optional('field', 'utf8'),
  required('error', 'utf8'),
  required('excerpt', 'utf8'),
]
