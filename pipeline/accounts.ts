/** The manifest of a finished build, counted from what the store holds. */

import { type Arranged, folders } from './arrange.ts'
import { arrangedKey, type Build, fileKey, type Ingested } from './build.ts'
import { digestsOf } from './causes.ts'
import type { OutputFormat } from './codecs/out-columns.ts'
import { MOST_NAMED } from './formats/format.ts'
import type { SideBytes } from './lengths.ts'
import type { Manifest, ManifestOutput, ManifestSource, ManifestStep, Outcomes } from './manifest.ts'
import { summaryOf } from './pass.ts'
import { reasonsOf, type SourceCount, type StepCount, totalSettled } from './settle.ts'
import type { Json } from './stage.ts'
import { VERSION } from './version.ts'

/** A file of the output folders as its publish task recorded it. */
export interface Published {
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
}

/** Tables about the build are Parquet whatever the training shards are. */
export const formatOf = (build: Build, folder: string): OutputFormat =>
  folder === 'train' || folder === 'validation' ? build.plan.output.format : 'parquet'

export interface OutputFile extends ManifestOutput {
  readonly key: string
}

/** Every file of the output folders, by path. */
export function outputsOf(build: Build): OutputFile[] {
  const { parts } = build.store.readJson<Arranged>(arrangedKey(build))
  const files = folders.flatMap((folder, f) =>
    parts[folder].map((_, part) => {
      const key = fileKey(build, f, part)
      const path = `${folder}/part-${String(part).padStart(5, '0')}.${formatOf(build, folder)}`
      return { path, key, ...build.store.readJson<Published>(`${key}.record`) }
    }),
  )
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

export function manifestOf(build: Build): Manifest {
  const { plan } = build
  const inputs = inputCounts(build)
  const settled = totalSettled(build)
  const { pair_bytes, side_bytes } = build.store.readJson<Arranged>(arrangedKey(build))
  const sides = new Map(side_bytes)
  const sources = Object.entries(settled.sources).sort(([a], [b]) => (a < b ? -1 : 1))
  const sum = (key: keyof Outcomes | 'pairs_in'): number => sources.reduce((n, [, count]) => n + count[key], 0)
  return {
    goldpan: VERSION,
    format: 1,
    name: plan.name,
    config: plan.config,
    plan_key: plan.key,
    inputs: plan.inputs.map(({ path, bytes, sha256 }, i) => {
      const { notes, ...counts } = inputs[i]
      return { path, bytes, sha256, ...counts, ...(notes.length > 0 ? { notes } : {}) }
    }),
    sources: sources.map(([source, count]) => sourceOf(source, count, sides.get(source), attributionsOf(build, source))),
    steps: build.steps().map((step, i) => stepOf(build, step, settled.steps[i])),
    outputs: outputsOf(build).map(({ key: _, ...file }) => file),
    totals: {
      pairs_in: sum('pairs_in'),
      rejected: inputs.reduce((n, { rejected }) => n + rejected, 0),
      train: sum('train'),
      validation: sum('validation'),
      flipped: sum('flipped'),
      quarantine: sum('quarantine'),
      review: sum('review'),
      dropped: sum('dropped'),
    },
    ...(Object.keys(plan.models).length > 0 ? { models: digestsOf(plan.models) } : {}),
    ...(plan.judgements ? { judgements: { ...plan.judgements, unknown_pairs: plan.judgements.pairs - settled.judged.length } } : {}),
    ...(pair_bytes ? { pair_bytes } : {}),
  }
}

interface InputCount {
  readonly rows: number
  readonly rejected: number
  readonly pairs: number
  readonly format: string
  readonly notes: readonly string[]
}

/** What each input file came to, its parts together. */
export function inputCounts(build: Build): InputCount[] {
  const ingests = build.ingests()
  let first = 0
  return build.plan.inputs.map((input, i) => {
    const pieces = ingests.slice(first, (first += build.piecesOf(i).length))
    const sum = (of: (piece: Ingested) => number): number => pieces.reduce((n, piece) => n + of(piece), 0)
    const surrogates = sum(piece => piece.surrogates)
    const odd = sum(piece => piece.odd_scores)
    return {
      rows: sum(piece => piece.rows),
      rejected: sum(piece => piece.rejected),
      pairs: sum(piece => piece.pairs),
      format: pieces[0].format,
      notes: [
        ...(surrogates > 0 ? [`${surrogates} texts held lone surrogates; each was replaced by U+FFFD`] : []),
        ...(odd > 0
          ? [
              `${odd} rows have \`scores\` that are not {model: [of chosen, of rejected]}, or too far apart for a margin of 32 bits; those were left out`,
            ]
          : []),
        ...(pieces[0].format !== 'scored' && (input.pairs !== 'all' || input.min_gap > 0)
          ? [`\`pairs\` and \`min_gap\` of the config are for rows of format scored, and change nothing of ${pieces[0].format}`]
          : []),
        ...[...new Set(pieces.flatMap(piece => piece.ranked_by))].slice(0, MOST_NAMED).map(by => `responses are ranked by ${by}`),
      ],
    }
  })
}

const sourceOf = (
  source: string,
  { weight: _, ...count }: SourceCount,
  side_bytes: SideBytes | undefined,
  attribution: readonly string[],
): ManifestSource => ({
  source,
  ...count,
  ...(side_bytes ? { side_bytes } : {}),
  ...(attribution.length > 0 ? { attribution } : {}),
})

/** What the config says of the files that have pairs of a source. */
function attributionsOf(build: Build, source: string): string[] {
  const ingests = build.ingests()
  const named = build
    .pieces()
    .filter((_, i) => ingests[i].sources.includes(source))
    .flatMap(input => input.attribution ?? [])
  return [...new Set(named)]
}

function stepOf(build: Build, step: ReturnType<Build['steps']>[number], counts: StepCount): ManifestStep {
  const { rows_in, dropped, recalled, unscored, truncated } = counts
  const reasons = reasonsOf(step).map(([reason], i) => [reason, dropped[i]] as const)
  const summary = summaryOf(build, step).facts as Json | undefined
  return {
    id: step.id,
    stage: step.stage,
    version: step.version,
    key: step.key,
    params: step.params,
    ...(step.own ? { own: step.own } : {}),
    ...(step.files.length > 0 ? { files: step.files } : {}),
    ...(step.measures.length > 0 ? { measures: step.measures.map(({ name, version }) => ({ name, version })) } : {}),
    rows_in,
    rows_out: rows_in - dropped.reduce((a, b) => a + b, 0),
    dropped: Object.fromEntries(reasons.filter(([, n]) => n > 0)),
    ...(Object.keys(recalled).length > 0 ? { recalled } : {}),
    ...(Object.keys(unscored).length > 0 ? { unscored } : {}),
    ...(Object.keys(truncated).length > 0 ? { truncated } : {}),
    ...(summary === undefined ? {} : { summary }),
  }
}
