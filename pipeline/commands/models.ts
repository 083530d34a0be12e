import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { Build, type Step } from '../build.ts'
import { UserError } from '../errors.ts'
import { type Finished, openFinished } from '../finished.ts'
import { type BuiltIn, unpacked } from '../kernels/built-in.ts'
import type { FoldedLogistic } from '../kernels/folded-logistic.ts'
import { qualityFeatures } from '../kernels/quality-features.ts'
import { meanWeights } from '../kernels/text-model.ts'
import { summaryOf } from '../pass.ts'
import { USE_LITE_DIMS } from '../scorers/use-lite.ts'
import { TERMS_VERSION, type View, writeView } from '../scorers/view-folder.ts'
import { defaultStore } from './option-values.ts'

interface Flags {
  readonly out: string
  readonly store: string
  readonly source?: string
  readonly json?: boolean
}

export const register = (program: Command): void => {
  const models = program
    .command('models')
    .description('the reward models that a build trained itself')
    .addHelpText('after', '\nExample: goldpan models export out/mine --out models/mine')
  models
    .command('export')
    .description('save the text models of a build as ONNX folders, which any config can name under models')
    .argument('<dir>', 'folder of the build')
    .requiredOption('--out <folder>', 'where a folder for each model goes')
    .option('--store <dir>', 'the store that the build was made with (also GOLDPAN_STORE)', defaultStore())
    .option('--source <name>', "add what holds for this source alone (default: the build's only source, or none)")
    .option('--json', 'print what was written as JSON')
    .addHelpText(
      'after',
      `
Example: goldpan models export out/quickstart --out models
Then, in a config: models: { text: { onnx: models/bt-text } }

A folder holds the mean of the models of all folds, which have seen all pairs: use it on other data. A score is the sum of the weights of a
response's features; what score says in the build is divided by the root of 1 + the number of terms that tell a pair's sides apart.`,
    )
    .action(async (dir: string, flags: Flags) => {
      const written = await exportModels(openFinished(dir), flags)
      if (flags.json) console.log(JSON.stringify(written, null, 2))
      else for (const { name, folder, features } of written) console.log(`${name}: ${folder} (${features} weights)`)
    })
}

export interface Exported {
  readonly name: string
  readonly folder: string
  readonly features: number
}

/** Writes bt-text, bt-quality and, where it was trained, bt-embed of the build's first step score that trained them. */
async function exportModels(finished: Finished, { out, store, source }: Omit<Flags, 'json'>): Promise<Exported[]> {
  const { build, step } = await openStep(finished, store)
  const { facts, state, tables } = summaryOf(build, step, 0)
  if (!tables?.weights)
    throw new UserError(
      `${finished.dir}: step ${step.id} trained no built-in models; a step score with builtin: [bt-text, bt-quality] does`,
    )
  const models = unpacked(state as unknown as Omit<BuiltIn, 'text'>, tables.weights)
  const place = placeOf(finished, build.corpus().sources, source)
  const shared = {
    format: 1 as const,
    trained_by: `${finished.manifest.name}, step ${step.id}`,
    pairs_trained: (facts as { pairs_trained: number }).pairs_trained,
    ...(place === undefined ? {} : { source: build.corpus().sources[place] }),
  }
  const save = (name: string, view: View, weights: Float32Array): Exported => {
    const folder = join(out, name)
    writeView(folder, view, weights)
    return { name, folder, features: weights.length }
  }
  return [
    save(
      'bt-text',
      { ...shared, view: 'hashed-terms', terms_version: TERMS_VERSION, bits: models.text.bits },
      meanWeights(models.text, place),
    ),
    // the quality part alone: style is a covariate and left out
    save(
      'bt-quality',
      { ...shared, view: 'response-quality', features: [...qualityFeatures] },
      meanOfFolds(models.quality, qualityFeatures.length, place),
    ),
    ...(models.embed ? [save('bt-embed', { ...shared, view: 'use-lite' }, meanOfFolds(models.embed, USE_LITE_DIMS, place))] : []),
  ]
}

async function openStep(finished: Finished, store: string): Promise<{ build: Build; step: Step }> {
  const again = `run the build again with the same --store, or name the store it was made with`
  const planFile = join(store, 'plans', `${finished.manifest.plan_key}.json`)
  if (!existsSync(planFile)) throw new UserError(`${store}: knows nothing of ${finished.dir}; ${again}`)
  const build = await Build.open(planFile, store)
  const step = build.steps().find(one => one.stage === 'score')
  if (!step) throw new UserError(`${finished.dir}: has no step score, which trains models`)
  try {
    summaryOf(build, step, 0)
  } catch {
    throw new UserError(`${store}: no longer holds what step ${step.id} learnt; ${again}`)
  }
  return { build, step }
}

/** The place of the wanted source in the corpus's list. */
function placeOf({ dir }: Finished, sources: readonly string[], wanted: string | undefined): number | undefined {
  if (wanted === undefined) return sources.length === 1 ? 0 : undefined
  const place = sources.indexOf(wanted)
  if (place < 0) throw new UserError(`--source: ${wanted}: no such source in ${dir}; known: ${sources.join(', ')}`)
  return place
}

/** The first `width` weights. */
function meanOfFolds(model: FoldedLogistic, width: number, place: number | undefined): Float32Array {
  const rows = model.map(fold => (place === undefined ? fold.shared : (fold.own[place] ?? fold.shared)))
  return Float32Array.from({ length: width }, (_, k) => rows.reduce((sum, row) => sum + row[k], 0) / rows.length)
}
