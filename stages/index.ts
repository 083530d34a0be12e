/** The registry: the one list of stages that a config may name. */
import type { Stage } from '../pipeline/stage.ts'
import { decide } from './decide.ts'
import { decontaminate } from './decontaminate.ts'
import { disagreement } from './disagreement.ts'
import { exactDedup } from './exact-dedup.ts'
import { licenses } from './licenses.ts'
import { nearDup } from './near-dup.ts'
import { promptClusters } from './prompt-clusters.ts'
import { score } from './score.ts'
import { semanticDup } from './semantic-dup.ts'
import { structure } from './structure.ts'
import { styleBias } from './style-bias.ts'
import { verificationSample } from './verification-sample.ts'

const all = [
  licenses,
  structure,
  exactDedup,
  nearDup,
  semanticDup,
  promptClusters,
  decontaminate,
  styleBias,
  score,
  disagreement,
  verificationSample,
  decide,
]

/** Stages by name, in the order in which a build usually runs them. */
export const stages: ReadonlyMap<string, Stage> = new Map(all.map(stage => [stage.name, stage as Stage]))
