/** What report.json holds of the single steps: duplicates, contamination, style, models, people. */
import { z } from 'zod'

export const count = z.int().min(0)
const share = z.number().min(0).max(1)
export const byName = z.record(z.string(), count)
const figure = z.looseObject({
  value: z.number().nullable(),
  low: z.number().nullable().describe('of an interval of 95 %'),
  high: z.number().nullable(),
})
const estimate = z.looseObject({
  n: count.describe('audited pairs'),
  pairs: z.number().describe('pairs of the corpus that they stand for'),
  share,
  low: share.describe('of an interval of 95 %'),
  high: share,
})

const cluster = z.looseObject({
  excerpt: z.string().optional().describe("beginning of the survivor's prompt"),
  pairs: count.optional(),
  prompts: count.optional(),
  survivor: z.string().optional().describe('pair_id'),
  sources: z.array(z.looseObject({ source: z.string(), pairs: count })).optional(),
  members: z
    .array(
      z.looseObject({ pair_id: z.string(), source: z.string(), relation: z.string(), jaccard: z.number().nullable(), outcome: z.string() }),
    )
    .optional()
    .describe('some of the pairs that the survivor stands for'),
})

export const duplicates = z.looseObject({
  step: z.string(),
  relations: byName.describe('pairs by their relation to a survivor'),
  between: z
    .array(z.looseObject({ relation: z.string(), source: z.string(), survivor_source: z.string(), pairs: count }))
    .describe('source by source, without zeros'),
  clusters: count.optional(),
  compared: count.optional().describe('candidates that were compared'),
  cut: count.optional().describe('candidates that were not, to bound the work'),
  largest: z.array(cluster),
})

const evidence = z.strictObject({
  benchmark: z.string(),
  item: z.string(),
  span: z.string().describe('text that both hold'),
  coverage: z.number().describe('share of the item'),
  pair_id: z.string(),
  source: z.string(),
  outcome: z.string(),
})
const look = z.looseObject({
  threshold: z.number(),
  found: z.array(z.looseObject({ benchmark: z.string(), source: z.string(), pairs: count, unflagged: count })),
})
export const contamination = z.looseObject({
  step: z.string(),
  benchmarks: count,
  items: count,
  found: z.array(
    z.looseObject({
      benchmark: z.string(),
      source: z.string(),
      exact: count,
      whole: count,
      ngram: count,
      low_coverage: count.optional(),
      below: count,
    }),
  ),
  wordless: count.optional().describe('items without any word, which match nothing'),
  stopped: z
    .looseObject({
      ngrams: count,
      passages: count,
      most: z.array(z.looseObject({ text: z.string(), source: z.string(), prompts: count })).describe('those of most prompts'),
    })
    .optional()
    .describe('passages of items that many prompts of a source share, so that they do not count on their own'),
  flags: z.looseObject({ pairs: count, drawn: count.describe('for people to check') }).optional(),
  second_look: look.optional().describe('pairs that are like an item by an embedding; none of them leaves for that'),
  evidence: z.array(evidence).describe('a few pairs of each benchmark, the best covered first'),
})

const bias = z.looseObject({
  effective_share: z.number(),
  linear_auc: z.number().describe('AUC of a linear model of style, out of fold; 0.5 = style says nothing of the label'),
  tree_auc: z.number(),
  unseen_auc: z.number().describe('of style features that control never looks at'),
  mcfadden_r2: z.number().optional().describe('1 - LL / LL0 of the linear model, out of fold'),
  longer: z.number().describe('share of pairs whose chosen side is the longer one'),
  more_markdown: z.number(),
  first: z.number().optional().describe('share of pairs whose chosen side was shown first, of those whose source tells'),
  intervals: z
    .record(z.string(), z.tuple([z.number(), z.number()]))
    .optional()
    .describe('of 95 %, by the spread over prompts'),
})
const audited = z.looseObject({
  pairs: count.optional().describe('with a label, before control'),
  before: bias.optional(),
  after: bias.optional(),
  betas: z.record(z.string(), z.array(z.number())).optional().describe('log-odds by feature: value, low, high (95 %)'),
  warnings: z.array(z.string()).optional(),
  supported: z
    .looseObject({
      pairs: count.describe('sampled pairs whose label votes or models speak of'),
      before: z.number().describe('share of them that are right'),
      after: z.number().nullable().describe('of what control keeps'),
      lost: z.number().nullable().describe('of what control takes away'),
      difference: z.array(z.number()).nullable().describe('after - lost: value, low, high (95 %)'),
    })
    .optional(),
})
export const style = z.looseObject({
  step: z.string(),
  lost: z.record(z.string(), count).optional().describe('pairs that left at this step, by source'),
  published: z
    .looseObject({
      pairs: count,
      auc: z.number().describe('of style_p for the labels of these pairs, each counted by its weight; 0.5 = style says nothing of them'),
      unweighted_auc: z.number(),
    })
    .optional()
    .describe('train and validation, labels as they were turned; of the last of several such steps'),
  corpus: audited,
  sources: z.array(audited.and(z.looseObject({ source: z.string() }))),
})

const bin = z.looseObject({
  p: z.number().describe('mean probability of the bin'),
  n: count,
  right: z.number().describe('pairs of the bin whose label (or answer of people) is as the model says'),
  low: share.describe("of Wilson's interval of 95 % of right / n"),
  high: share,
})
export const model = z.looseObject({
  name: z.string(),
  accuracy: z.number().nullable(),
  auc: z.number().nullable(),
  pairs: count,
  temperature: z.number().nullable().optional(),
  weight: z.number().nullable().optional(),
  before: z.looseObject({ brier: z.number(), ece: z.number() }).optional().describe('calibration'),
  after: z.looseObject({ brier: z.number(), ece: z.number() }).optional(),
  bins: z
    .array(bin)
    .describe(
      'reliability: of sides that the model prefers with probability p, those that the label prefers too; bins of few pairs are put together',
    ),
})
export const models = z.looseObject({
  calibrated_on: z.string().optional(),
  models: z.array(model),
  agreement: z
    .array(z.strictObject({ a: z.string(), b: z.string(), pairs: count, same: count.describe('pairs on which both prefer the same side') }))
    .describe('of every two models'),
})

export const histogram = z.strictObject({
  signal: z.string(),
  bins: z.array(z.strictObject({ from: z.number(), to: z.number(), outcome: z.string(), n: count })),
})

const annotator = z.looseObject({ annotator: z.string(), answers: count })
const falseFlags = z.looseObject({ n: count, false: count, share: share.nullable(), low: share, high: share })
export const people = z.looseObject({
  answers: count,
  pairs: z.looseObject({ asked: count, settled: count, differing: count, unknown: count }),
  escalated: z.looseObject({ pairs: count, settled: count }),
  annotators: z.array(annotator),
  agreement: z.record(z.string(), z.union([count, figure])).optional(),
  flags: z
    .looseObject({ drawn: count, all: falseFlags, by_benchmark: z.record(z.string(), falseFlags), undecided: count })
    .optional()
    .describe("flags of contamination that people checked; share = false ones, with Wilson's interval of 95 %"),
  estimates: z.looseObject({
    audited: count,
    audit: count,
    undecided: count.describe('audited pairs whose answers differ, or of which nobody can tell: in no share here'),
    labels_if_undecided: z
      .strictObject({ wrong: share, right: share })
      .optional()
      .describe('the share of right labels if all of these were wrong, and if all were right'),
    labels: estimate.optional().describe('labels as they came in that people support'),
    labels_by_stratum: z.record(z.string(), estimate),
    decisions: z.record(z.string(), estimate).describe('decisions that people support'),
    decisions_by_stratum: z.record(z.string(), z.record(z.string(), estimate)).optional(),
  }),
})

export type Duplicates = z.infer<typeof duplicates>
export type Contamination = z.infer<typeof contamination>
export type Style = z.infer<typeof style>
export type Models = z.infer<typeof models>
export type Model = z.infer<typeof model>
export type Bin = z.infer<typeof bin>
export type Histogram = z.infer<typeof histogram>

/** Facts of a step's summary in the manifest, as far as the report knows them. */
export const factShapes = {
  duplicates: duplicates.omit({ step: true }).extend({ largest: z.array(cluster).default([]) }),
  contamination: contamination.omit({ step: true, evidence: true }),
  style: style.omit({ step: true }),
  models: z.looseObject({ models: z.record(z.string(), z.looseObject({})) }),
  sample: z.looseObject({
    audit: count,
    targeted: count,
    strata: z.union([count, z.record(z.string(), z.strictObject({ pairs: count, audit: count }))]),
  }),
}
