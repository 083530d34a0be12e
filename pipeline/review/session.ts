/** The state behind the page: who has which pair, and the log of what they say. Whatever it says is on the disk. */
import type { Answer, FlagCheck } from '../judgement.ts'
import { isCheck, isUndo, type Line } from '../judgements/answer.ts'
import { LogWriter, linesOf, readLogs } from '../judgements/log.ts'
import type { Annotator, Annotators } from './annotators.ts'
import { type Assigned, Assignment, type AssignmentOptions, type Progress } from './assignment.ts'
import { GoldChecks, type GoldPair } from './gold.ts'
import type { Queue } from './queue.ts'
import { type Kind, type Said, SaidSoFar } from './said.ts'
import { type Task, type TaskKind, Tasks } from './tasks.ts'

export interface SessionOptions extends AssignmentOptions {
  /** Where answers are appended. */
  readonly log: string
  /** Logs of others, which are read and not written. */
  readonly others: readonly string[]
  readonly protocol: string
  /** Hidden checks, and after which share of an annotator's pairs one comes. */
  readonly gold: readonly GoldPair[]
  readonly gold_share: number
}

/** An answer as the page sends it. */
export type Given = Pick<Answer, 'id' | 'pair_id' | 'outcome' | 'strength' | 'reason' | 'flagged' | 'seconds'> & {
  readonly kind: TaskKind
  readonly ticket: string
}

/** What the page sends of a flag. */
export type GivenCheck = Pick<FlagCheck, 'id' | 'pair_id' | 'contaminated' | 'reason' | 'seconds'>

/** What the page asked cannot be done; `message` is shown. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

interface Held {
  readonly pair_id: string
  readonly kind: Kind
}

export class Session {
  readonly options: SessionOptions
  /** What is odd about the logs. */
  readonly notes: readonly string[]
  private readonly queue: Queue
  private readonly golden: readonly GoldPair[]
  private readonly annotators: Annotators
  private readonly assignment: Assignment
  private readonly flags: Assignment
  private readonly gold: GoldChecks
  private readonly tasks: Tasks
  private readonly writer: LogWriter
  private readonly said = new SaidSoFar()

  constructor(queue: Queue, annotators: Annotators, options: SessionOptions) {
    this.queue = queue
    this.annotators = annotators
    this.options = options
    this.assignment = new Assignment(queue.pairs, options)
    this.flags = new Assignment(queue.flags, { ...options, repeat_share: 0 })
    this.golden = options.gold.filter(({ pair_id }) => this.assignment.place(pair_id) === undefined)
    this.gold = new GoldChecks(this.golden, options)
    this.tasks = new Tasks(queue, this.golden, annotators, options.seed)
    this.writer = new LogWriter(options.log)
    const asked = options.gold.length - this.golden.length
    this.notes = [
      ...readLogs([options.log, ...options.others]).notes,
      ...(asked > 0 ? [`${asked} of ${options.gold.length} gold pairs are in the queue of this build and no checks`] : []),
    ]
    for (const file of options.others) for (const line of linesOf(file).lines) this.take(line)
    for (const line of linesOf(options.log).lines) this.take(line)
  }

  async close(): Promise<void> {
    this.writer.close()
    await this.queue.close()
  }

  /** What makes up `count` tasks of somebody's queue, flags of contamination first; `held`, which the page still has, are not given again. */
  async next(who: Annotator, count: number, onPage: readonly Pick<Task, 'pair_id' | 'kind'>[], now: number): Promise<Task[]> {
    const held = onPage.map(({ pair_id, kind }) => this.unmasked(pair_id, kind, who.name))
    const there = new Set(held.map(({ pair_id, kind }) => `${kind} ${pair_id}`))
    const isNew = (kind: Kind, pairs: readonly { readonly pair_id: string }[], place: number): boolean =>
      !there.has(`${kind} ${pairs[place].pair_id}`)
    if (who.role === 'adjudicator') {
      const disputes = this.disputes(count).filter(place => isNew('adjudication', this.queue.pairs, place))
      return Promise.all(disputes.map(place => this.adjudication(place, who)))
    }
    const flags = this.flagsFor(who, count, held, now)
    const { checks, pairs } = this.pairsFor(who, count - flags.length, held, now)
    // Who has what is settled above this line: other requests may come while texts are read.
    return Promise.all([
      ...flags.filter(({ place }) => isNew('flag', this.queue.flags, place)).map(({ place }) => this.tasks.flag(place)),
      ...checks.filter(place => isNew('first', this.golden, place)).map(place => this.tasks.gold(place, who)),
      ...pairs
        .filter(({ place, kind }) => isNew(kind, this.queue.pairs, place))
        .map(({ place, kind }) => this.tasks.pair(place, kind, who)),
    ])
  }

  private flagsFor({ name }: Annotator, count: number, held: readonly Held[], now: number): Assigned[] {
    const places = held.flatMap(({ pair_id, kind }): Assigned[] => {
      const place = this.flags.place(pair_id)
      return kind === 'flag' && place !== undefined ? [{ place, kind: 'first' }] : []
    })
    return this.flags.next(name, count, places, now)
  }

  private pairsFor({ name }: Annotator, count: number, held: readonly Held[], now: number): { checks: number[]; pairs: Assigned[] } {
    if (count === 0) return { checks: [], pairs: [] }
    const places = held.flatMap(({ pair_id, kind }): Assigned[] => {
      const place = this.assignment.place(pair_id)
      return place === undefined || kind === 'adjudication' || kind === 'flag' ? [] : [{ place, kind }]
    })
    const checks = this.gold.next(name, count, held)
    const pairs = this.assignment.next(name, count - checks.length, places, now)
    return { checks: checks.length + pairs.length > 0 ? checks : this.gold.next(name, count, held, true), pairs }
  }

  private disputes(count: number): number[] {
    const places = [...this.said.disputed].flatMap(pair_id => this.assignment.place(pair_id) ?? [])
    return places.sort((a, b) => a - b).slice(0, count)
  }

  progress(who: Annotator): Progress {
    if (who.role === 'annotator') {
      const [pairs, flags] = [this.assignment, this.flags].map(of => of.progress(who.name))
      const both = (name: keyof Progress): number => pairs[name] + flags[name]
      // Checks are counted like pairs, or the count would tell them apart.
      const gold = this.gold.progress(who.name, this.queue.pairs, place => this.assignment.isOpen(who.name, place))
      return { answered: both('answered') + gold.answered, left: both('left') + gold.left, given: both('given'), wanted: both('wanted') }
    }
    const answered = this.said.by(who.name).length
    const left = this.said.disputed.size
    return { answered, left, given: answered, wanted: answered + left }
  }

  /** Returns once the answer is on the disk; the same one sent again is one answer. */
  answer(who: Annotator, sent: Given, now: Date): void {
    const given = { ...sent, ...this.unmasked(sent.pair_id, sent.kind, who.name) }
    if (this.isKnown(who, given)) return
    // The page does not know which pairs are checks.
    const kind = this.gold.place(given.pair_id) === undefined ? given.kind : 'gold'
    if (kind !== 'gold' && (this.assignment.place(given.pair_id) === undefined || kind === 'flag'))
      throw new Refused('this pair is not in the queue of this build')
    if ((given.kind === 'adjudication') !== (who.role === 'adjudicator')) throw new Refused(`an ${who.role} gives no answers of this kind`)
    const left = this.annotators.leftOf(given.ticket, given.pair_id, who.name, kind)
    if (!left) throw new Refused('this page belongs to another session; load it again')
    const { ticket: _, ...said } = given
    const replaces = this.said.current(given.pair_id, kind, who.name)?.id ?? null
    this.write({ ...said, kind, annotator: who.name, at: now.toISOString(), left, protocol: this.options.protocol, replaces })
  }

  /** The same of a flag. */
  check(who: Annotator, given: GivenCheck, now: Date): void {
    if (this.isKnown(who, given)) return
    const place = this.flags.place(given.pair_id)
    if (place === undefined) throw new Refused('this flag is not in the queue of this build')
    if (who.role === 'adjudicator') throw new Refused('an adjudicator is not asked about flags')
    const { benchmark, item } = this.queue.flags[place]
    const replaces = this.said.current(given.pair_id, 'flag', who.name)?.id ?? null
    const { protocol } = this.options
    this.write({ ...given, annotator: who.name, at: now.toISOString(), benchmark, item, protocol, replaces })
  }

  private write(line: Line): void {
    this.writer.append([line])
    this.take(line)
  }

  private isKnown(who: Annotator, given: Pick<Answer, 'id' | 'pair_id'>): boolean {
    const known = this.said.withId(given.id)
    if (!known) return false
    if (known.annotator === who.name && known.pair_id === given.pair_id) return true
    throw new Refused('this id belongs to another answer')
  }

  /** Takes the last answer back and shows its pair again; `id` is what the page takes for the last one. */
  async undo(who: Annotator, id: string | null, now: Date): Promise<Task | undefined> {
    const last = this.said.by(who.name).at(-1)
    // A request that was sent twice must not take back two answers.
    if (id !== null && id !== last?.id) {
      const before = this.said.withId(id)
      return before && before.annotator === who.name && !this.said.isAnswered(before) ? this.taskOf(before, who) : undefined
    }
    if (!last) return undefined
    this.write({ undo: last.id, annotator: who.name, at: now.toISOString() })
    return this.taskOf(last, who)
  }

  private async taskOf(said: Said, who: Annotator): Promise<Task | undefined> {
    const placed = isCheck(said) ? this.flags : said.kind === 'gold' ? this.gold : this.assignment
    const place = placed.place(said.pair_id)
    if (place === undefined) return undefined
    if (isCheck(said)) return this.tasks.flag(place)
    if (said.kind === 'gold') return this.tasks.gold(place, who)
    return said.kind === 'adjudication' ? this.adjudication(place, who) : this.tasks.pair(place, said.kind, who)
  }

  private adjudication(place: number, who: Annotator): Promise<Task> {
    return this.tasks.adjudication(place, who, this.said.on(this.queue.pairs[place].pair_id))
  }

  /** The answer that an undo would take back. */
  lastOf(who: Annotator): string | null {
    return this.said.by(who.name).at(-1)?.id ?? null
  }

  private take(line: Line): void {
    if (isUndo(line)) this.forget(line.undo)
    else if (!this.said.withId(line.id)) this.remember(line)
  }

  private remember(said: Said): void {
    const { annotator, pair_id } = said
    const before = this.said.add(said)
    if (isCheck(said)) this.flags.answered(annotator, pair_id, 'first')
    else if (said.kind === 'gold') this.gold.answered(annotator, pair_id)
    else {
      if (said.kind === 'first' && !before) this.gold.after(annotator, pair_id)
      this.assignment.answered(annotator, pair_id, said.kind)
    }
  }

  private forget(id: string): void {
    const said = this.said.takeBack(id)
    if (!said) return
    const { annotator, pair_id } = said
    if (isCheck(said)) this.flags.undone(annotator, pair_id, 'first')
    else if (said.kind === 'gold') this.gold.undone(annotator, pair_id)
    else {
      if (said.kind === 'first') this.gold.withdrawn(annotator, pair_id)
      this.assignment.undone(annotator, pair_id, said.kind)
    }
  }

  /** What an id of the page stands for; nothing needs to be kept over a restart. */
  private unmasked(id: string, kind: TaskKind, name: string): Held {
    if (kind !== 'first' || this.assignment.place(id) !== undefined || this.gold.place(id) !== undefined) return { pair_id: id, kind }
    const said = this.said.by(name).find(({ pair_id }) => this.tasks.mask(pair_id, name) === id)
    return said ? { pair_id: said.pair_id, kind: 'repeat' } : { pair_id: id, kind }
  }
}
