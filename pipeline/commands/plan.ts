import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { Build } from '../build.ts'
import { loadConfig } from '../config.ts'
import { remembered } from '../digests.ts'
import { probability } from '../kernels/banding.ts'
import { type MinHashParams, minhash } from '../measures/minhash.ts'
import { lastBuild, outlookOf } from '../outlook.ts'
import { type LocatedPlan, type PlannedStep, planOf } from '../plan.ts'
import { probeInputs } from '../probe.ts'
import { openProgress } from '../progress.ts'
import { lookOf } from '../report/ink.ts'
import { describePlan } from '../report/plan-text.ts'
import { wrapped } from '../report/wrap.ts'
import { Store } from '../store.ts'
import { untilWhole } from '../store-care/repair.ts'
import { collect, defaultStore } from './option-values.ts'

interface Flags {
  readonly store: string
  readonly out?: string
  readonly set: readonly string[]
  readonly json?: boolean
  readonly write?: boolean
}

export const register = (program: Command): void => {
  program
    .command('plan')
    .description('show what a run would do: steps, columns, passes over the text, what is left to do and why; touches no output')
    .argument('<config>', 'config file (YAML)')
    .option('--store <dir>', 'where intermediate results are kept (also GOLDPAN_STORE)', defaultStore())
    .option('--out <dir>', 'say why work is to be done by comparison with the build in this folder, not with the last one of this name')
    .option('--set <path=value>', 'override one value of the config', collect, [])
    .option('--write', 'also put the plan into the store, for `goldpan task`')
    .option('--json', 'print the plan as JSON')
    .addHelpText('after', '\nExample: goldpan plan configs/quickstart.yaml --set steps.near-dup.threshold=0.7')
    .action(plan)
}

async function plan(config: string, { store, out, set, json, write }: Flags): Promise<void> {
  const located = await planOf(loadConfig(config, set), remembered(store, false))
  await probeInputs(located, store, openProgress('none', false))
  const build = new Build(located, new Store(store))
  if (out !== undefined && !existsSync(join(out, 'manifest.json'))) console.error(`plan: ${out}: no build there to compare with`)
  const before = lastBuild(build, out)
  if (write) build.writePlan(located)
  if (json) console.log(JSON.stringify(located.plan, null, 2))
  else {
    const outlook = await untilWhole(
      build.store,
      line => console.error(line),
      () => outlookOf(new Build(located, build.store), before),
    )
    console.log(wrapped(describePlan(located, { outlook, before }, curves(located)), lookOf(process.stdout).width))
  }
  if (write) console.log(`\nplan file: ${build.planFile()}`)
}

export interface Curve {
  readonly step: string
  readonly bands: number
  readonly rows: number
  readonly threshold: number
  /** What bands and rows were chosen by; absent where the config gives them. */
  readonly recall?: number
  /** Jaccard, and the probability that a pair of it becomes a candidate. */
  readonly points: readonly (readonly [number, number])[]
}

const SHOWN_JACCARDS = [0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]

/** The S-curves of the steps that use MinHash. */
function curves({ plan }: LocatedPlan): Curve[] {
  return plan.steps.flatMap(({ id: step, params, measures }: PlannedStep) => {
    const measure = measures.find(m => m.name === minhash.name)
    if (!measure) return []
    const { bands, rows } = measure.params as unknown as MinHashParams
    const { threshold, recall, bands: given } = params as { threshold: number; recall: number; bands?: number }
    const points = SHOWN_JACCARDS.map(j => [j, probability(bands, rows, j)] as const)
    return [{ step, bands, rows, threshold, ...(given === undefined ? { recall } : {}), points }]
  })
}
