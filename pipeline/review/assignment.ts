/** Who is asked about which pair: enough people each, nobody twice, no two at once beyond what is wanted. */
import type { Answer } from '../judgement.ts'
import { chosenFor, type QueuedPair, share } from './queue.ts'

export interface AssignmentOptions {
  readonly seed: number
  /** Annotators that a pair of the overlap is shown to; the others are shown to one. */
  readonly overlap: number
  readonly overlap_share: number
  /** Share of an annotator's pairs that come again with their sides exchanged. */
  readonly repeat_share: number
}

export interface Assigned {
  readonly place: number
  readonly kind: Answer['kind']
}

export interface Progress {
  /** Pairs that this annotator answered, and that are left for this one. */
  readonly answered: number
  readonly left: number
  /** Answers over all pairs and annotators, and how many are wanted. */
  readonly given: number
  readonly wanted: number
}

interface Annotator {
  readonly answered: Set<number>
  /** Places given to this annotator and not answered yet, in the order in which they were given. */
  readonly open: Set<number>
  /** Places to be shown again, each once the annotator has given so many answers. */
  repeats: { place: number; due: number }[]
  cursor: number
  /** Repeats answered. */
  repeated: number
  /** By place: 1 where an answer will plan a repeat; made when first asked for. */
  planning?: Uint8Array
}

const LEASE_MS = 20 * 60_000
/** Answers between a pair and its repeat. */
const REPEAT_AFTER = 10

export class Assignment {
  private readonly pairs: readonly Pick<QueuedPair, 'pair_id'>[]
  private readonly options: AssignmentOptions
  private readonly placeOf: ReadonlyMap<string, number>
  private readonly wanted: Uint8Array
  private readonly given: Uint16Array
  private readonly annotators = new Map<string, Annotator>()
  /** By place: until when it is on whose screen. */
  private readonly leases = new Map<number, Map<string, number>>()
  private total = 0

  constructor(pairs: readonly Pick<QueuedPair, 'pair_id'>[], options: AssignmentOptions) {
    this.pairs = pairs
    this.options = options
    this.placeOf = new Map(pairs.map(({ pair_id }, place) => [pair_id, place]))
    const { seed, overlap, overlap_share } = options
    this.wanted = Uint8Array.from(pairs, ({ pair_id }) => (share('overlap', seed, pair_id) < overlap_share ? overlap : 1))
    this.given = new Uint16Array(pairs.length)
  }

  place(pair_id: string): number | undefined {
    return this.placeOf.get(pair_id)
  }

  private of(name: string): Annotator {
    let annotator = this.annotators.get(name)
    if (!annotator) this.annotators.set(name, (annotator = { answered: new Set(), open: new Set(), repeats: [], cursor: 0, repeated: 0 }))
    return annotator
  }

  /** At most `count` pairs: first those that the annotator's page still holds, then those given before that it has lost. */
  next(name: string, count: number, held: readonly Assigned[], now: number): Assigned[] {
    const annotator = this.of(name)
    const lost = [...annotator.open].map((place): Assigned => ({ place, kind: 'first' }))
    const known = new Set(held.filter(({ kind }) => kind === 'first').map(({ place }) => place))
    const before = [...held, ...lost.filter(({ place }) => !known.has(place))]
    const tasks = before.filter(({ place, kind }) => this.holds(annotator, place, kind)).slice(0, count)
    for (const { place, kind } of tasks) if (kind === 'first') this.lease(place, name, now)
    const taken = new Set(tasks.map(({ place }) => place))
    const ahead = annotator.answered.size + tasks.length
    for (const { place } of annotator.repeats.filter(({ due, place }) => due <= ahead && !taken.has(place)).slice(0, count - tasks.length))
      tasks.push({ place, kind: 'repeat' })
    this.fill(tasks, taken, name, count, now)
    if (tasks.length === 0) tasks.push(...annotator.repeats.slice(0, count).map(({ place }) => ({ place, kind: 'repeat' as const })))
    return tasks
  }

  private holds(annotator: Annotator, place: number, kind: Answer['kind']): boolean {
    if (kind === 'repeat') return annotator.repeats.some(repeat => repeat.place === place)
    return place < this.pairs.length && !annotator.answered.has(place)
  }

  /** Goes on from where the annotator's last search ended; a second search from the front finds what others gave back. */
  private fill(tasks: Assigned[], taken: Set<number>, name: string, count: number, now: number): void {
    const annotator = this.of(name)
    for (const from of [annotator.cursor, 0]) {
      let place = from
      for (; place < this.pairs.length && tasks.length < count; place++) {
        if (taken.has(place) || annotator.answered.has(place) || !this.isFree(place, name, now)) continue
        taken.add(place)
        this.lease(place, name, now)
        tasks.push({ place, kind: 'first' })
      }
      annotator.cursor = place
      if (tasks.length >= count || from === 0) return
    }
  }

  private isFree(place: number, name: string, now: number): boolean {
    const leases = this.leases.get(place)
    if (!leases) return this.given[place] < this.wanted[place]
    let others = 0
    for (const [other, until] of leases) {
      if (until < now) this.release(place, other)
      else if (other !== name) others++
    }
    return this.given[place] + others < this.wanted[place]
  }

  private lease(place: number, name: string, now: number): void {
    const leases = this.leases.get(place) ?? new Map<string, number>()
    leases.set(name, now + LEASE_MS)
    this.of(name).open.add(place)
    this.leases.set(place, leases)
  }

  private release(place: number, name: string): void {
    this.leases.get(place)?.delete(name)
    this.of(name).open.delete(place)
  }

  /** Counts an answer; a second one of the same annotator changes the first. */
  answered(name: string, pair_id: string, kind: Answer['kind']): void {
    const place = this.placeOf.get(pair_id)
    if (place === undefined || kind === 'adjudication') return
    const annotator = this.of(name)
    if (kind === 'repeat') {
      const before = annotator.repeats.length
      annotator.repeats = annotator.repeats.filter(repeat => repeat.place !== place)
      if (annotator.repeats.length < before) annotator.repeated++
      return
    }
    this.release(place, name)
    if (annotator.answered.has(place)) return
    annotator.answered.add(place)
    this.given[place]++
    this.total++
    if (share('repeat', this.options.seed, name, pair_id) < this.options.repeat_share)
      annotator.repeats.push({ place, due: annotator.answered.size + REPEAT_AFTER })
  }

  /** Takes an answer back; the pair is the annotator's again. */
  undone(name: string, pair_id: string, kind: Answer['kind']): void {
    const place = this.placeOf.get(pair_id)
    if (place === undefined || kind === 'adjudication') return
    const annotator = this.of(name)
    if (kind === 'repeat') {
      annotator.repeats.unshift({ place, due: 0 })
      annotator.repeated--
    } else if (annotator.answered.delete(place)) {
      this.given[place]--
      this.total--
      annotator.repeats = annotator.repeats.filter(repeat => repeat.place !== place)
      annotator.cursor = 0
    }
  }

  /** Pairs of which somebody may still be asked. */
  isOpen(name: string, place: number): boolean {
    return this.given[place] < this.wanted[place] && !this.of(name).answered.has(place)
  }

  /** Repeats count from the start, or a pair that plans one would not lower what is left. */
  progress(name: string): Progress {
    const annotator = this.of(name)
    const { seed, repeat_share } = this.options
    const planning = (annotator.planning ??= chosenFor('repeat', seed, name, this.pairs, repeat_share))
    let left = annotator.repeats.length
    let wanted = 0
    for (let place = 0; place < this.pairs.length; place++) {
      wanted += this.wanted[place]
      if (this.isOpen(name, place)) left += 1 + planning[place]
    }
    return { answered: annotator.answered.size + annotator.repeated, left, given: this.total, wanted }
  }
}
