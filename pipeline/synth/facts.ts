/** What a row carries beside its texts: where it is said to come from, votes, recorded scores. */
import { Draws, hash32, unit } from '../kernels/random.ts'
import type { LabelKind, votes } from '../pair.ts'
import { STREAMS } from './layout.ts'
import type { Row, Traits } from './row.ts'
import type { Made } from './row-maker.ts'

export interface Source {
  readonly name: string
  readonly license: string
  readonly label_kind: LabelKind
  readonly share: number
}

export const sources: readonly Source[] = [
  { name: 'synth-human', license: 'CC-BY-4.0', label_kind: 'human', share: 0.25 },
  { name: 'synth-derived', license: 'MIT', label_kind: 'human_derived', share: 0.25 },
  { name: 'synth-ai', license: 'Apache-2.0', label_kind: 'ai', share: 0.5 },
]

/** Index of a row's source; a copy may come from another one than its original. */
export function sourceOf(seed: number, row: number): number {
  let left = unit(seed, row, STREAMS.source)
  for (let k = 0; k < sources.length - 1; k++) if ((left -= sources[k].share) < 0) return k
  return sources.length - 1
}

export interface Vote {
  readonly annotator: string
  readonly vote: (typeof votes)[number]
}
const ANNOTATORS = 40
const VOTES = 3
const TIE_SHARE = 0.08

/** Three votes on every second row that people labelled, each drawn from the true traits: they do not follow a turned label. */
export function votesOf(seed: number, { number, row }: Made, winChance: (a: Traits, b: Traits) => number): Vote[] {
  const isLabelledByPeople = sources[sourceOf(seed, number)].label_kind === 'human'
  if (!isLabelledByPeople || unit(seed, number, STREAMS.votes) < 0.5) return []
  const first = hash32(seed, number, STREAMS.votes + 64) % ANNOTATORS
  const chance = winChance(row.winner, row.loser)
  return Array.from({ length: VOTES }, (_, k) => {
    const u = unit(seed, number, STREAMS.votes + 64 * (k + 2))
    const annotator = `annotator-${(first + k * 7) % ANNOTATORS}`
    if (u < TIE_SHARE) return { annotator, vote: 'tie' }
    return { annotator, vote: (u - TIE_SHARE) / (1 - TIE_SHARE) < chance ? 'chosen' : 'rejected' }
  })
}

/** Made-up reward models: how far they are from the true quality, on which scale they speak, and how much they like length. */
const fakeModels = [
  { name: 'rm-a', scale: 1, noise: 0.5, length: 0 },
  { name: 'rm-b', scale: 12, noise: 1, length: 0.2 },
  { name: 'rm-c', scale: 0.05, noise: 1.5, length: 0.8 },
] as const

export interface RecordedScore {
  readonly model: string
  readonly chosen: number
  readonly rejected: number
}

/** Scores of [chosen, rejected] by each of the fake models; a response has the same score wherever it occurs. */
export class Scoring {
  readonly #seed: number
  readonly #draws = new Draws()

  constructor(seed: number) {
    this.#seed = seed
  }

  of(row: Row): RecordedScore[] {
    return fakeModels.map((model, m) => ({
      model: model.name,
      chosen: this.#score(row.prompt, row.winner, m),
      rejected: this.#score(row.prompt, row.loser, m),
    }))
  }

  #score(prompt: number, { response, quality, bytes }: Traits, m: number): number {
    const { scale, noise, length } = fakeModels[m]
    const draws = this.#draws.start(this.#seed, prompt, STREAMS.scores + 64 * (response * fakeModels.length + m + 1))
    const score = scale * (quality + noise * draws.normal() + length * Math.log(bytes / 1000))
    return Math.round(score * 10_000) / 10_000
  }
}
