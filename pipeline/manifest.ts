/** What a build was made of and came to: a pure function of config and input bytes. No time, host, thread count or path outside the config. */
import { z } from 'zod'
import type { Schema } from './batch.ts'
import { outputFormats } from './codecs/out-columns.ts'
import type { PairBytes, SideBytes } from './lengths.ts'
import type { OwnStep } from './own-columns.ts'
import type { Json } from './stage.ts'
import { layouts, ownColumns } from './tables.ts'

export interface Manifest {
  /** The version of goldpan that wrote it, and of this layout. */
  readonly goldpan: string
  readonly format: 1
  readonly name: string
  /** The config as resolved: defaults filled in, overrides applied. */
  readonly config: Json
  readonly plan_key: string
  readonly inputs: readonly ManifestInput[]
  /** In the order of their names. */
  readonly sources: readonly ManifestSource[]
  readonly steps: readonly ManifestStep[]
  /** Every file of the output folders, in the order of their paths. */
  readonly outputs: readonly ManifestOutput[]
  readonly totals: ManifestTotals
  /** Digests of the files of reward models, by the names of the config. */
  readonly models?: Readonly<Record<string, string>>
  /** What people said, where the config names judgement logs. */
  readonly judgements?: ManifestJudgements
  /** UTF-8 bytes of prompt plus the longer side over train and validation; absent where nothing was kept. */
  readonly pair_bytes?: PairBytes
}

export interface ManifestFile {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

/** `digest` names what the answers come to; `unknown_pairs` are judged pairs that no input holds. */
export interface ManifestJudgements {
  readonly files: readonly ManifestFile[]
  readonly digest: string
  readonly answers: number
  readonly annotators: number
  readonly pairs: number
  readonly unknown_pairs: number
}

/** `pairs` is its rows in the ledger, `rejected` its rows in rejects/. rows = pairs + rejected, unless a row makes several pairs (scored). */
export interface ManifestInput {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
  readonly rows: number
  readonly rejected: number
  readonly pairs: number
  readonly format: string
  /** What was odd about the file and what was made of it. */
  readonly notes?: readonly string[]
}

/** One value of the pairs' column `source`. licenses and languages count the pairs of train and validation; null is counted as "". */
export interface ManifestSource extends Outcomes {
  readonly source: string
  readonly pairs_in: number
  readonly licenses: Readonly<Record<string, number>>
  readonly languages: Readonly<Record<string, number>>
  /** Of all its pairs that are neither in train nor in validation. */
  readonly left_licenses: Readonly<Record<string, number>>
  /** Of the sides of its pairs in train, within .2 %; absent where it has none there, or where there are more than 1,000 sources. */
  readonly side_bytes?: SideBytes
  /** Whom the config says to name for it. */
  readonly attribution?: readonly string[]
}

/** Where pairs ended; flipped counts those of train and validation whose label was turned. */
export interface Outcomes {
  readonly train: number
  readonly validation: number
  readonly flipped: number
  readonly quarantine: number
  readonly review: number
  readonly dropped: number
}

/** `dropped` counts all that left at this step by reason, whether dropped, quarantined or sent to review. */
export interface ManifestStep {
  readonly id: string
  readonly stage: string
  readonly version: number
  readonly key: string
  readonly params: Json
  readonly own?: OwnStep
  /** Files that the params name, such as benchmarks. */
  readonly files?: readonly ManifestFile[]
  /** What it measures of each pair by itself. */
  readonly measures?: readonly { readonly name: string; readonly version: number }[]
  readonly rows_in: number
  readonly rows_out: number
  readonly dropped: Readonly<Record<string, number>>
  /** Pairs taken out of review here, by people or since they leave here, by the `STEP: REASON` that had sent them there; they are in rows_in. */
  readonly recalled?: Readonly<Record<string, number>>
  /** Pairs that a configured model gave no score, by the column it fills. */
  readonly unscored?: Readonly<Record<string, number>>
  /** Texts (two a pair) longer than a configured model's maximum, whose prompts were cut from the left, by the column it fills. */
  readonly truncated?: Readonly<Record<string, number>>
  readonly summary?: Json
}

/** `path` is relative to the build, with forward slashes. */
export interface ManifestOutput {
  readonly path: string
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
}

/** pairs_in = train + validation + quarantine + review + dropped. */
export interface ManifestTotals extends Outcomes {
  readonly pairs_in: number
  readonly rejected: number
}

/** What of the resolved config decides the columns and files of the tables. */
export const outputShape = z.looseObject({
  format: z.enum(outputFormats).default('parquet'),
  layout: z.enum(layouts).default('prompt'),
  signals: z.array(z.string()).default([]),
  margin: z.string().optional(),
})
export type OutputShape = z.infer<typeof outputShape> & { readonly own?: Schema }
export const outputOf = ({ config, steps }: Manifest): OutputShape => ({
  ...outputShape.parse((config as { output?: unknown }).output),
  own: ownColumns(steps),
})

/** JSON in one form only: keys sorted by code unit, two spaces, a last newline. NaN and infinities are refused, undefined is left out. */
export function canonicalJson(value: unknown): string {
  return `${JSON.stringify(sorted(value), refuseNonFinite, 2)}\n`
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).map(([key, child]) => [key, sorted(child)] as const)
  // Integer-like keys come first in any object whatever is done: equal for equal values, which is all that is needed.
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function refuseNonFinite(key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${key || 'value'}: ${value} has no form in JSON`)
  return value
}
