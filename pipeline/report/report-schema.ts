/** What report.json holds. `goldpan schema --report` prints it as JSON Schema. */
import { z } from 'zod'
import { byName, contamination, count, duplicates, histogram, models, people, style } from './report-parts.ts'

const outcomes = {
  pairs_in: count,
  train: count,
  validation: count,
  flipped: count.describe('of train and validation, those whose label was turned'),
  quarantine: count,
  review: count,
  dropped: count,
}

const warning = z.strictObject({
  level: z.enum(['problem', 'note']),
  about: z.string().describe('the step or part that it speaks of'),
  text: z.string(),
  next: z.string().optional().describe('arguments of the goldpan command that shows more; DIR stands for the folder of the build'),
})

const step = z.strictObject({
  id: z.string(),
  stage: z.string(),
  rows_in: count,
  rows_out: count,
  dropped: byName.describe('pairs that left here, by reason'),
  outcomes: z.record(z.string(), z.string()).describe('where a pair that left for a reason ended'),
  recalled: byName.optional().describe('pairs taken out of review here, by people or since they leave here, by what had sent them there'),
  unscored: byName.optional().describe('pairs that a model gave no score, by the column it fills'),
  truncated: byName
    .optional()
    .describe("texts (two a pair) longer than a model's maximum, whose prompts were cut from the left, by the column it fills"),
})

const lengths = z.strictObject({
  pair_bytes: z.strictObject({ median: count, p99: count, max: count }).optional().describe('prompt plus the longer side, kept pairs'),
  sources: z
    .array(
      z.strictObject({
        source: z.string(),
        pairs: count,
        chosen_quarter: z.number(),
        chosen_median: z.number(),
        chosen_three_quarters: z.number(),
        rejected_quarter: z.number(),
        rejected_median: z.number(),
        rejected_three_quarters: z.number(),
      }),
    )
    .describe('bytes of a side of the pairs in train, within .2 %; empty beyond 1,000 sources'),
})

const run = z.looseObject({
  started: z.string(),
  seconds: z.number(),
  cpu_seconds: z.number().optional(),
  peak_rss_bytes: z.number().optional(),
  threads: z.number().optional(),
  phases: z.array(
    z.looseObject({
      phase: z.string(),
      tasks: count,
      reused: count.describe('tasks that the store spared'),
      rows: count,
      seconds: z.number(),
      cpu_seconds: z.number().optional(),
      peak_rss_bytes: z
        .number()
        .optional()
        .describe('what the process with its threads held at most meanwhile; children of models are not in it'),
    }),
  ),
})

export const reportSchema = z
  .strictObject({
    goldpan: z.string(),
    format: z.literal(1),
    name: z.string(),
    plan_key: z.string(),
    totals: z.strictObject({ ...outcomes, rejected: count.describe('input rows that could not be read') }),
    warnings: z.array(warning).describe('what to look at, the most important first'),
    inputs: z.array(z.looseObject({ path: z.string(), bytes: count, rows: count, rejected: count, pairs: count, format: z.string() })),
    sources: z.array(z.strictObject({ source: z.string(), ...outcomes, licenses: byName, languages: byName })),
    steps: z.array(step),
    duplicates: z.array(duplicates),
    cluster_sizes: z
      .array(z.strictObject({ from: count, to: count, clusters: count, pairs: count }))
      .describe('clusters of near-duplicates by their size'),
    contamination: z.array(contamination),
    style: z.array(style),
    models: models.optional(),
    signals: z.array(histogram).describe('signals of the ledger by where the pair ended'),
    facts: z
      .array(z.strictObject({ step: z.string(), facts: z.record(z.string(), z.union([z.number(), z.string()])) }))
      .describe('further figures of steps, by their place in the manifest'),
    curves: z
      .array(
        z.strictObject({
          step: z.string(),
          name: z.string(),
          x: z.string(),
          y: z.string(),
          points: z.array(z.strictObject({ x: z.number(), y: z.number() })),
        }),
      )
      .describe('series among the figures of steps, such as learning curves'),
    sample: z
      .strictObject({
        step: z.string(),
        audit: count,
        targeted: count,
        strata: z.record(z.string(), z.strictObject({ pairs: count, audit: count })),
      })
      .optional(),
    people: people.optional(),
    outputs: z
      .array(z.looseObject({ path: z.string(), rows: count, bytes: count, sha256: z.string() }))
      .describe('files of the output folders'),
    licenses: byName.describe('kept pairs; "" = not stated'),
    languages: byName.describe('kept pairs; "" = not stated'),
    label_kinds: byName.describe('kept pairs, by who judged them'),
    lengths,
    run: run.optional().describe('of run.json: all that may differ between two builds of the same inputs'),
  })
  .describe('Every number of a build, as report.html shows them')

export type Report = z.infer<typeof reportSchema>
export type Warning = z.infer<typeof warning>
export type Run = z.infer<typeof run>
export type ReportStep = z.infer<typeof step>

export { run as runShape }
