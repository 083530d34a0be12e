import { z } from 'zod'
import { batchOf, type Columns, columnsOf, listOf, type Schema, stringAt, utf8Of } from '../pipeline/batch.ts'
import { UserError } from '../pipeline/errors.ts'
import { type BenchmarkIndex, itemsIn, searches } from '../pipeline/measures/benchmark-index.ts'
import { boilerplate } from '../pipeline/measures/boilerplate.ts'
import { contamination, hitColumns, hitFields } from '../pipeline/measures/contamination.ts'
import { type Evidence, kinds } from '../pipeline/measures/contamination-evidence.ts'
import { foundReads, type Like, openFinder, openSecondLook, tally } from '../pipeline/measures/contamination-tally.ts'
import { drawnFlags, flagColumns, flagColumnsOf } from '../pipeline/measures/flag-sample.ts'
import { itemLikeness } from '../pipeline/measures/item-likeness.ts'
import { embeddingOf, embeddingParams } from '../pipeline/measures/prompt-embedding.ts'
import { defineStage } from '../pipeline/stage.ts'

const ngram = z.int().min(2).max(100)
const fields = z.enum(searches)
const params = z.strictObject({
  benchmarks: z.array(z.string()).default([]).describe("files of benchmark items; the config's benchmarks where left out"),
  ngram: ngram
    .default(13)
    .describe(
      'shared run that makes a match; words, of Chinese and Japanese characters, of Thai, Lao, Khmer and Burmese a third of the letters; shorter items match as a whole',
    ),
  fields: fields.default('user').describe('what is searched: the user turns of prompts, system turns, both responses, or all of them'),
  overrides: z
    .record(z.string(), z.strictObject({ ngram: ngram.optional(), fields: fields.optional() }))
    .default({})
    .describe('by benchmark, where ngram or fields differ'),
  action: z.enum(['quarantine', 'drop', 'flag']).default('quarantine').describe('what becomes of a contaminated pair; flag only marks it'),
  min_coverage: z
    .number()
    .min(0)
    .max(1)
    .default(0.6)
    .describe("share of an item's words, without stopped n-grams, that counts as contamination; 0 = any n-gram that is left"),
  stop_prompts: z
    .int()
    .min(2)
    .default(20)
    .describe('different prompts of one source from which on an n-gram is boilerplate; of two million prompts at most, drawn by hash'),
  strict: z.boolean().default(false).describe('whether pairs labelled by people leave on any n-gram or item, boilerplate included'),
  review_flags: z
    .int()
    .min(0)
    .default(0)
    .describe('contaminated pairs, drawn at random, that people are asked to check, to tell the share of false flags; 0 = none'),
  second_look: z
    .strictObject({
      threshold: z
        .number()
        .min(0.3)
        .max(1)
        .default(0.7)
        .describe(
          'cosine of the embeddings of a user turn and a benchmark item from which on the pair is marked; of hashed words 0.6 finds more',
        ),
      ...embeddingParams,
    })
    .optional()
    .describe('looks for paraphrases of items too and marks the pairs in a column of its own; none of them leaves for that'),
})
type Params = z.infer<typeof params>

const measuresOf = ({ benchmarks, ngram, fields, overrides, second_look }: Params) => [
  contamination.with({ benchmarks, ngram, fields, overrides }),
  ...(second_look ? [itemLikeness.with({ benchmarks, ...embeddingOf(second_look) })] : []),
]

/** What the ledger says of a contaminated pair. `begin` and `end` are bytes of that turn; `coverage` is the share of the item's words. */
const evidence = {
  benchmark: 'utf8',
  item: 'utf8',
  span: 'utf8',
  coverage: 'f32',
  kind: { labels: kinds },
  field: { labels: hitFields },
  turn: 'i32',
  begin: 'i32',
  end: 'i32',
  turn_coverage: 'f32',
} as const

/** What the ledger says of a pair whose prompt is like an item. */
const likeness = { benchmark: 'utf8', item: 'utf8', cosine: 'f32' } as const

/** Leaves no benchmark item in the training data, and says which it found where. */
export const decontaminate = defineStage<Params>({
  name: 'decontaminate',
  doc: 'Finds benchmark items in prompts or responses, whole or in pieces, and sets the pairs aside with the evidence.',
  version: 7,
  looksAtReview: true,
  params,
  files: ({ benchmarks }) => {
    if (benchmarks.length === 0) throw new UserError('decontaminate: no benchmarks to look for; name their files under `benchmarks`')
    return benchmarks
  },
  measures: measuresOf,
  check: async ({ benchmarks, overrides }, { file }) => {
    if (Object.keys(overrides).length > 0) await itemsIn({ benchmarks, overrides }, await Promise.all(benchmarks.map(file)))
  },
  reads: foundReads,
  adds: ({ review_flags, second_look }): Schema => ({
    contamination: { list: evidence },
    ...(review_flags > 0 && flagColumns),
    ...(second_look && { second_look: { list: likeness } }),
  }),
  reasons: ({ action }): Record<string, 'quarantine' | 'drop'> => (action === 'flag' ? {} : { contaminated: action }),
  rounds: [boilerplate, tally],
  judge: async (params, context) => {
    const { index, find } = await openFinder(params, context)
    const { ordinal, probability } = columnsOf(context.summary.tables!.drawn, drawnFlags)
    const lookAgain = await openSecondLook(params, context)
    const drawn = new Map(Array.from(ordinal.values, (at, i) => [at, probability.values[i]]))
    return batch => {
      const columns = columnsOf(batch, hitColumns)
      const likeAt = lookAgain(batch)
      const found = Array.from({ length: batch.rows }, (_, row) => find(batch, row).filter(({ counts }) => counts))
      const leave = Uint8Array.from(found, list => (list.length > 0 && params.action !== 'flag' ? 1 : 0))
      const flags = params.review_flags > 0 && flagColumnsOf(batch, drawn, index.ngrams.texts, row => found[row][0].text)
      const look = params.second_look && { second_look: likenessColumn(Array.from(found, (_, row) => likeAt(row))) }
      return { add: { contamination: evidenceColumn(index, columns, found), ...flags, ...look }, leave }
    }
  },
})

function evidenceColumn({ ngrams, benchmarks, items }: BenchmarkIndex, { hits }: Columns<typeof hitColumns>, found: readonly Evidence[][]) {
  const all = found.flat()
  const { span, field, turn, begin, end } = hits.items.columns
  const ofHit = ({ values }: { readonly values: Int32Array }) => ({ values: Int32Array.from(all, ({ hit }) => values[hit]) })
  const rows = batchOf(evidence, all.length, {
    benchmark: utf8Of(all.map(({ text }) => benchmarks[ngrams.group[text]])),
    item: utf8Of(all.map(({ text }) => items[text])),
    span: utf8Of(all.map(({ hit }) => stringAt(span, hit))),
    coverage: { values: Float32Array.from(all, ({ coverage }) => coverage) },
    kind: { values: Uint8Array.from(all, ({ kind }) => kind) },
    field: { values: Uint8Array.from(all, ({ hit }) => field.values[hit]) },
    turn: ofHit(turn),
    begin: ofHit(begin),
    end: ofHit(end),
    turn_coverage: { values: Float32Array.from(all, ({ turn_coverage }) => turn_coverage) },
  })
  const valid = Uint8Array.from(found, list => (list.length > 0 ? 1 : 0))
  return {
    ...listOf(
      found.map(list => list.length),
      rows,
    ),
    valid,
  }
}

function likenessColumn(likes: readonly (Like | undefined)[]) {
  const all = likes.flatMap(like => like ?? [])
  const rows = batchOf(likeness, all.length, {
    benchmark: utf8Of(all.map(({ item }) => item.benchmark)),
    item: utf8Of(all.map(({ item }) => item.id)),
    cosine: { values: Float32Array.from(all, ({ cosine }) => cosine) },
  })
  const counts = Uint8Array.from(likes, like => (like ? 1 : 0))
  return { ...listOf(counts, rows), valid: counts }
}
