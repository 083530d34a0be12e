/** Every number of a finished build, gathered from its manifest, tables and run.json: what report.json holds. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finished } from '../finished.ts'
import type { People } from '../judgements/people.ts'
import type { ReliabilityBin } from '../kernels/calibration.ts'
import type { Manifest, ManifestSource, ManifestStep, Outcomes } from '../manifest.ts'
import { stageOf } from '../own-stages.ts'
import type { Tables } from '../sql.ts'
import { summed } from '../tallies.ts'
import { curvesOf, leavesOf } from './facts.ts'
import {
  agreementOf,
  clusterSizesOf,
  evidenceOf,
  histogramsOf,
  labelKindsOf,
  lostAt,
  membersOf,
  modelsIn,
  reliabilityOf,
  styleOfPublished,
} from './ledger-figures.ts'
import { toldBins } from './reliability-bins.ts'
import { type Contamination, type Duplicates, factShapes, type Models, model as modelShape, type Style } from './report-parts.ts'
import { type Report, type Run, runShape } from './report-schema.ts'
import { warningsOf } from './warnings.ts'

/** `people` is what the judgement logs say as they stand now. */
export async function reportOf(finished: Finished, tables: Tables, people?: People): Promise<Report> {
  const { manifest } = finished
  const { name, goldpan, plan_key, inputs, steps, sources } = manifest
  const [pair, run] = [manifest.pair_bytes, runOf(finished.dir)]
  const figures = {
    goldpan,
    format: 1 as const,
    name,
    plan_key,
    totals: { ...outcomesOf(manifest.totals), rejected: manifest.totals.rejected },
    inputs: inputs.map(({ path, bytes, rows, rejected, pairs, format, notes }) => ({
      path,
      bytes,
      rows,
      rejected,
      pairs,
      format,
      ...(notes ? { notes } : {}),
    })),
    sources: sources.map(s => ({ source: s.source, ...outcomesOf(s), licenses: s.licenses, languages: s.languages })),
    steps: steps.map(stepOf),
    duplicates: await duplicatesOf(manifest, tables),
    cluster_sizes: await clusterSizesOf(tables),
    contamination: await contaminationOf(manifest, tables),
    style: await styleOf(manifest, tables),
    ...(await modelFigures(manifest, tables)),
    signals: await histogramsOf(tables),
    facts: steps.flatMap(step => leavesOf(step)),
    curves: steps.flatMap(step => curvesOf(step)),
    ...sampleOf(manifest),
    ...(people ? { people: plain(people) as Report['people'] } : {}),
    outputs: manifest.outputs.map(({ path, rows, bytes, sha256 }) => ({ path, rows, bytes, sha256 })),
    licenses: summed(sources.map(s => s.licenses)),
    languages: summed(sources.map(s => s.languages)),
    label_kinds: await labelKindsOf(finished, tables),
    lengths: {
      ...(pair ? { pair_bytes: { median: pair.median, p99: pair.p99, max: pair.max } } : {}),
      sources: sources.flatMap(sidesOf),
    },
    ...(run ? { run } : {}),
  }
  return { ...figures, warnings: warningsOf(figures, manifest, finished.dir) }
}

/** The lengths of a source's sides in train. */
function sidesOf({ source, train, side_bytes }: ManifestSource): Report['lengths']['sources'] {
  if (!side_bytes) return []
  const { chosen, rejected } = side_bytes
  return [
    {
      source,
      pairs: train,
      chosen_quarter: chosen.quarter,
      chosen_median: chosen.median,
      chosen_three_quarters: chosen.three_quarters,
      rejected_quarter: rejected.quarter,
      rejected_median: rejected.median,
      rejected_three_quarters: rejected.three_quarters,
    },
  ]
}

/** As JSON has it: no undefined, NaN as null. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const outcomesOf = ({ pairs_in, train, validation, flipped, quarantine, review, dropped }: Outcomes & { readonly pairs_in: number }) => ({
  pairs_in,
  train,
  validation,
  flipped,
  quarantine,
  review,
  dropped,
})

function stepOf(step: ManifestStep): Report['steps'][number] {
  const { id, stage, own, rows_in, rows_out, dropped, recalled, unscored, truncated, params } = step
  const outcomes = own?.reasons ?? stageOf({ stage })?.reasons?.(params) ?? {}
  return {
    ...{ id, stage, rows_in, rows_out, dropped, outcomes },
    ...(recalled ? { recalled } : {}),
    ...(unscored ? { unscored } : {}),
    ...(truncated ? { truncated } : {}),
  }
}

/** What `make` makes of a summary of this shape; nothing where it has another. */
function known<K extends keyof typeof factShapes, T>(
  shape: K,
  summary: unknown,
  make: (facts: ReturnType<(typeof factShapes)[K]['parse']>) => T,
): T[] {
  const parsed = factShapes[shape].safeParse(summary)
  return parsed.success ? [make(parsed.data as ReturnType<(typeof factShapes)[K]['parse']>)] : []
}

async function duplicatesOf({ steps }: Manifest, tables: Tables): Promise<Duplicates[]> {
  const found = steps.flatMap(({ id, summary }) => known('duplicates', summary, facts => ({ step: id, ...facts })))
  const members = await membersOf(
    tables,
    found.flatMap(({ largest }) => largest.flatMap(({ survivor }) => survivor ?? [])),
  )
  return found.map(one => ({
    ...one,
    largest: one.largest.map(cluster => ({
      ...cluster,
      ...(members[cluster.survivor ?? ''] ? { members: members[cluster.survivor!] } : {}),
    })),
  }))
}

async function contaminationOf({ steps }: Manifest, tables: Tables): Promise<Contamination[]> {
  const found = steps.flatMap(({ id, summary }) => known('contamination', summary, facts => ({ step: id, ...facts })))
  const evidence = found.some(({ found: cells }) => cells.length > 0) ? await evidenceOf(tables) : []
  return found.map(one => ({ ...one, evidence: evidence.filter(({ benchmark }) => one.found.some(cell => cell.benchmark === benchmark)) }))
}

async function styleOf({ steps }: Manifest, tables: Tables): Promise<Style[]> {
  const found = steps.flatMap(({ id, summary }) => known('style', summary, facts => ({ step: id, ...facts })))
  const all = await Promise.all(found.map(async one => ({ ...one, lost: await lostAt(tables, one.step) })))
  // the ledger holds what the last of them says
  const published = all.length > 0 ? await styleOfPublished(tables) : undefined
  return published ? [...all.slice(0, -1), { ...all.at(-1)!, published }] : all
}

type Model = Models['models'][number]

/** Models of `disagreement` by what it says of them; what it does not say, and other models, by what is counted in the ledger. */
async function modelFigures({ steps }: Manifest, tables: Tables): Promise<{ models?: Models }> {
  const names = await modelsIn(tables)
  const facts = steps.flatMap(({ summary }) => known('models', summary, found => found)).at(-1)
  if (!facts && names.length === 0) return {}
  const all = [...new Set([...names, ...Object.keys(facts?.models ?? {})])]
  const told = all.map(name => {
    const { bins, ...model } = (facts?.models[name] ?? {}) as { readonly bins?: readonly ReliabilityBin[] }
    return { name, ...model, ...(bins && { bins: toldBins(bins) }) }
  })
  const whole = told.map(model => modelShape.safeParse(model).data)
  const counted = await reliabilityOf(
    tables,
    names.filter(name => !whole[all.indexOf(name)]),
  )
  const models = told.map((model, i) => whole[i] ?? countedModel(model, counted[model.name] ?? []))
  const calibrated_on = typeof facts?.calibrated_on === 'string' ? { calibrated_on: facts.calibrated_on } : {}
  return { models: { ...calibrated_on, models, agreement: await agreementOf(tables, names) } }
}

/** `told` of a model, completed by what the ledger says. */
function countedModel(told: { readonly name: string }, bins: readonly ReliabilityBin[]): Model {
  const [n, right] = [bins.reduce((sum, b) => sum + b.n, 0), bins.reduce((sum, b) => sum + b.right, 0)]
  const ours = { name: told.name, pairs: n, bins: toldBins(bins), accuracy: n > 0 ? right / n : null, auc: null }
  return modelShape.safeParse({ ...ours, ...told }).data ?? ours
}

function sampleOf({ steps }: Manifest): Pick<Report, 'sample'> {
  const [sample] = steps.flatMap(({ id, summary }) => known('sample', summary, facts => ({ step: id, ...facts })))
  if (!sample) return {}
  const { step, audit, targeted, strata } = sample
  return { sample: { step, audit, targeted, strata: typeof strata === 'number' ? {} : strata } }
}

/** run.json, where it is there and readable; a report does without it. */
function runOf(dir: string): Run | undefined {
  const file = join(dir, 'run.json')
  if (!existsSync(file)) return undefined
  try {
    const { people: _, ...run } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
    return runShape.safeParse(run).data
  } catch {
    return undefined
  }
}
