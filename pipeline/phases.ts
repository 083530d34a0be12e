/** What a build has left to do, in order: each phase lists the tasks whose outputs the store lacks. */

import { type Arranged, folders } from './arrange.ts'
import {
  arrangedKey,
  type Build,
  factsKey,
  fileKey,
  type Ingested,
  ingestKey,
  observedKey,
  type Piece,
  partitionsOf,
  partKey,
  partsKey,
  rejectsKey,
  type Shard,
  type Step,
  settledKey,
  textsKey,
  verdictKey,
} from './build.ts'
import { isCombined } from './exchange.ts'
import { type Segment, segmentsOf } from './pass.ts'
import { missingMeasures } from './task.ts'

export interface Phase {
  readonly name: string
  readonly tasks: readonly string[]
  /** How many tasks the phase has in all, those that the store spares included. */
  readonly of: number
}

/** The phases of a build. Each is made when the one before is done, for it may depend on what that wrote. */
export function* phases(build: Build): Generator<Phase> {
  const large = build.large()
  if (large.length > 0) yield phase('cut', large, n => (build.store.has(partsKey(build, large[n])) ? [] : [`cut/${large[n]}`]))
  const pieces = build.pieces()
  yield phase('ingest', pieces, i => (isIngested(build, pieces[i]) ? [] : [`ingest/${i}`]))
  const shards = build.shards()
  yield phase('measure', shards, i => (missingMeasures(build, shards[i]).length === 0 ? [] : [`measure/${i}`]))
  for (const [i, segment] of segmentsOf(build).entries()) yield* segmentPhases(build, shards, segment, i)
  yield phase('settle', shards, i => (isSettled(build, shards[i]) ? [] : [`settle/${i}`]))
  yield phase('arrange', [0], () => (isArranged(build) ? [] : ['arrange']))
  const { parts } = build.store.readJson<Arranged>(arrangedKey(build))
  const files = folders.flatMap((folder, f) => parts[folder].map((_, part) => ({ f, part })))
  yield phase('publish', files, i => (isPublished(build, files[i].f, files[i].part) ? [] : [`publish/${files[i].f}/${files[i].part}`]))
}

function* segmentPhases(build: Build, shards: readonly Shard[], { judged, next }: Segment, segment: number): Generator<Phase> {
  const { store } = build
  const observes = next !== undefined && partitionsOf(build, next, 0) > 0 && !isCombined(build, next, 0)
  const name = [...judged.map(s => s.id), ...(observes ? [`observe ${next.id}`] : [])].join(', ')
  const missing = (shard: Shard): boolean =>
    judged.some(step => !store.has(verdictKey(step, shard))) ||
    (observes && !store.has(observedKey(next, 0, shard)) && !isReduced(build, next, 0))
  yield phase(name, shards, i => (missing(shards[i]) ? [`pass/${segment}/${i}`] : []))
  if (next) yield* roundPhases(build, shards, next)
}

function* roundPhases(build: Build, shards: readonly Shard[], step: Step): Generator<Phase> {
  const { store } = build
  for (const [round] of step.code.rounds!.entries()) {
    if (isCombined(build, step, round)) continue
    if (round > 0 && !isReduced(build, step, round))
      yield phase(`observe ${step.id} ${round + 1}`, shards, i =>
        store.has(observedKey(step, round, shards[i])) ? [] : [`observe/${step.at}/${round}/${i}`],
      )
    const partitions = Array.from({ length: partitionsOf(build, step, round) }, (_, p) => p)
    yield phase(`reduce ${step.id}`, partitions, p => (store.has(partKey(step, round, p)) ? [] : [`reduce/${step.at}/${round}/${p}`]))
    yield phase(`combine ${step.id}`, [0], () => [`combine/${step.at}/${round}`])
  }
}

/** Whether every part of a round is there, so that its observations are not needed any more. */
const isReduced = (build: Build, step: Step, round: number): boolean =>
  Array.from({ length: partitionsOf(build, step, round) }, (_, p) => partKey(step, round, p)).every(key => build.store.has(key))

const phase = <T>(name: string, of: readonly T[], tasks: (i: number) => string[]): Phase => ({
  name,
  of: of.length,
  tasks: of.flatMap((_, i) => tasks(i)),
})

export function isIngested({ store }: Build, piece: Piece): boolean {
  if (!store.has(ingestKey(piece)) || !store.has(rejectsKey(piece))) return false
  const { shards } = store.readJson<Ingested>(ingestKey(piece))
  return shards.every((_, i) => store.has(textsKey(piece, i)) && store.has(factsKey(piece, i)))
}

/** Whether every shard has been judged by the steps that call reward models, so that no model is needed. */
export function isScored(build: Build): boolean {
  if (!build.isCut() || !build.pieces().every(piece => isIngested(build, piece))) return false
  const scoring = build.steps().filter(step => step.code.models)
  return scoring.every(step => build.shards().every(shard => build.store.has(verdictKey(step, shard))))
}

const isSettled = (build: Build, shard: Shard): boolean =>
  build.store.has(settledKey(build, shard)) && build.store.has(`${settledKey(build, shard)}.counts`)
export const isPublished = (build: Build, folder: number, part: number): boolean =>
  build.store.has(fileKey(build, folder, part)) && build.store.has(`${fileKey(build, folder, part)}.record`)

function isArranged(build: Build): boolean {
  const key = arrangedKey(build)
  return (
    build.store.has(key) && ['train', 'validation', 'flipped', 'quarantine', 'review'].every(folder => build.store.has(`${key}.${folder}`))
  )
}
