/** The state behind the page: the log, who has which pair, what is disputed. Whatever it says is on the disk. */
import { type Answer, counts, type FlagCheck, verdictOf } from '../judgement.ts'
import { isCheck, isUndo, type Line } from '../judgements/answer.ts'
import { LogWriter, linesOf, readLogs } from '../judgements/log.ts'
import type { Annotator, Annotators } from './annotators.ts'
import { type Assigned, Assignment, type AssignmentOptions, type Progress } from './assignment.ts'
import { GoldChecks, type GoldPair } from './gold.ts'
import type { FlagTexts, PairTexts, Queue, QueuedFlag } from './queue.ts'
import { type Compared, differenceOf, htmlOf } from './render.ts'
import { leftFor } from './sides.ts'

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

/** What the page is told: hidden repeats and checks are `first` there. `flag`: is a flag of contamination true? The left side is the flagged text, the right one the benchmark item. */
export const taskKinds = ['first', 'adjudication', 'flag'] as const
export type TaskKind = (typeof taskKinds)[number]

/** What the page shows of one pair; nothing in it tells model, label or score. */
export interface Task {
  readonly pair_id: string
  readonly kind: TaskKind
  readonly ticket: string
  readonly prompt: readonly { readonly role: string; readonly html: string }[]
  readonly left: string
  readonly right: string
  readonly difference?: Compared
  /** In an adjudication: what others answered, in terms of this screen. */
  readonly others?: readonly Pick<Answer, 'outcome' | 'strength' | 'reason' | 'flagged'>[]
  /** Of a flag: what stands left and right. */
  readonly names?: readonly [string, string]
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

type Said = Answer | FlagCheck
type Kind = Answer['kind'] | 'flag'
interface Held {
  readonly pair_id: string
  readonly kind: Kind
}
const kindOf = (said: Said): Kind => (isCheck(said) ? 'flag' : said.kind)
const keyOf = (pair_id: string, kind: Kind, annotator: string): string => `${pair_id} ${kind} ${annotator}`
const keyOfSaid = (said: Said): string => keyOf(said.pair_id, kindOf(said), said.annotator)

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
  private readonly writer: LogWriter
  private readonly known = new Map<string, Said>()
  private readonly effective = new Map<string, Said>()
  private readonly byPair = new Map<string, Answer[]>()
  private readonly history = new Map<string, Said[]>()
  private readonly disputed = new Set<string>()

  constructor(queue: Queue, annotators: Annotators, options: SessionOptions) {
    this.queue = queue
    this.annotators = annotators
    this.options = options
    this.assignment = new Assignment(queue.pairs, options)
    this.flags = new Assignment(queue.flags, { ...options, repeat_share: 0 })
    this.golden = options.gold.filter(({ pair_id }) => this.assignment.place(pair_id) === undefined)
    this.gold = new GoldChecks(this.golden, options)
    this.writer = new LogWriter(options.log)
    const asked = options.gold.length - this.golden.length
    this.notes = [
      ...readLogs([options.log, ...options.others]).notes,
      ...(asked > 0 ? [`${asked} of ${options.gold.length} gold pairs are in the queue of this build and no checks`] : []),
    ]
    for (const file of options.others) for (const line of linesOf(file).lines) this.take(line)
    for (const line of linesOf(options.log).lines) this.take(line)
  }

  close(): void {
    this.writer.close()
    this.queue.close()
  }

  /** What makes up `count` tasks of somebody's queue, flags of contamination first; `held`, which the page still has, are not given again. */
  next(who: Annotator, count: number, onPage: readonly Pick<Task, 'pair_id' | 'kind'>[], now: number): Task[] {
    const held = onPage.map(({ pair_id, kind }) => this.unmasked(pair_id, kind, who.name))
    const there = new Set(held.map(({ pair_id, kind }) => `${kind} ${pair_id}`))
    const isNew = (kind: Kind, pairs: readonly { readonly pair_id: string }[], place: number): boolean =>
      !there.has(`${kind} ${pairs[place].pair_id}`)
    if (who.role === 'adjudicator') {
      const disputes = this.disputes(count).filter(place => isNew('adjudication', this.queue.pairs, place))
      return disputes.map(place => this.task({ place, kind: 'adjudication' }, who))
    }
    const heldFlags = held.flatMap(({ pair_id, kind }): Assigned[] => {
      const place = this.flags.place(pair_id)
      return kind === 'flag' && place !== undefined ? [{ place, kind: 'first' }] : []
    })
    const flags = this.flags.next(who.name, count, heldFlags, now)
    const { checks, pairs } = this.pairsFor(who, count - flags.length, held, now)
    return [
      ...flags.filter(({ place }) => isNew('flag', this.queue.flags, place)).map(({ place }) => this.flagTask(place)),
      ...checks.filter(place => isNew('first', this.golden, place)).map(place => this.goldTask(place, who)),
      ...pairs.filter(({ place, kind }) => isNew(kind, this.queue.pairs, place)).map(assigned => this.task(assigned, who)),
    ]
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

  progress(who: Annotator): Progress {
    if (who.role === 'annotator') {
      const [pairs, flags] = [this.assignment, this.flags].map(of => of.progress(who.name))
      const both = (name: keyof Progress): number => pairs[name] + flags[name]
      // Checks are counted like pairs, or the count would tell them apart.
      const gold = this.gold.progress(who.name, this.queue.pairs, place => this.assignment.isOpen(who.name, place))
      return { answered: both('answered') + gold.answered, left: both('left') + gold.left, given: both('given'), wanted: both('wanted') }
    }
    const answered = (this.history.get(who.name) ?? []).length
    return { answered, left: this.disputed.size, given: answered, wanted: answered + this.disputed.size }
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
    const before = this.effective.get(keyOf(given.pair_id, kind, who.name))
    const answer: Answer = {
      ...said,
      kind,
      annotator: who.name,
      at: now.toISOString(),
      left,
      protocol: this.options.protocol,
      replaces: before?.id ?? null,
    }
    this.writer.append([answer])
    this.take(answer)
  }

  /** The same of a flag. */
  check(who: Annotator, given: GivenCheck, now: Date): void {
    if (this.isKnown(who, given)) return
    const place = this.flags.place(given.pair_id)
    if (place === undefined) throw new Refused('this flag is not in the queue of this build')
    if (who.role === 'adjudicator') throw new Refused('an adjudicator is not asked about flags')
    const { benchmark, item } = this.queue.flags[place]
    const replaces = this.effective.get(keyOf(given.pair_id, 'flag', who.name))?.id ?? null
    const { protocol } = this.options
    const check: FlagCheck = { ...given, annotator: who.name, at: now.toISOString(), benchmark, item, protocol, replaces }
    this.writer.append([check])
    this.take(check)
  }

  private isKnown(who: Annotator, given: Pick<Answer, 'id' | 'pair_id'>): boolean {
    const known = this.known.get(given.id)
    if (!known) return false
    if (known.annotator === who.name && known.pair_id === given.pair_id) return true
    throw new Refused('this id belongs to another answer')
  }

  /** Takes the last answer back and shows its pair again; `id` is what the page takes for the last one. */
  undo(who: Annotator, id: string | null, now: Date): Task | undefined {
    const last = (this.history.get(who.name) ?? []).at(-1)
    // A request that was sent twice must not take back two answers.
    if (id !== null && id !== last?.id) {
      const before = this.known.get(id)
      return before && before.annotator === who.name && !this.effective.has(keyOfSaid(before)) ? this.taskOf(before, who) : undefined
    }
    if (!last) return undefined
    const undo = { undo: last.id, annotator: who.name, at: now.toISOString() }
    this.writer.append([undo])
    this.take(undo)
    return this.taskOf(last, who)
  }

  private taskOf(said: Said, who: Annotator): Task | undefined {
    const { pair_id } = said
    if (isCheck(said)) {
      const place = this.flags.place(pair_id)
      return place === undefined ? undefined : this.flagTask(place)
    }
    const { kind } = said
    if (kind === 'gold') {
      const place = this.gold.place(pair_id)
      return place === undefined ? undefined : this.goldTask(place, who)
    }
    const place = this.assignment.place(pair_id)
    return place === undefined ? undefined : this.task({ place, kind }, who)
  }

  /** The answer that an undo would take back. */
  lastOf(who: Annotator): string | null {
    return (this.history.get(who.name) ?? []).at(-1)?.id ?? null
  }

  private take(line: Line): void {
    if (isUndo(line)) this.forget(line.undo)
    else if (!this.known.has(line.id)) this.remember(line)
  }

  private remember(answer: Said): void {
    this.known.set(answer.id, answer)
    const before = this.effective.get(keyOfSaid(answer))
    if (before) this.remove(before)
    this.effective.set(keyOfSaid(answer), answer)
    const history = this.history.get(answer.annotator)
    if (history) history.push(answer)
    else this.history.set(answer.annotator, [answer])
    if (isCheck(answer)) {
      this.flags.answered(answer.annotator, answer.pair_id, 'first')
      return
    }
    if (answer.kind === 'gold') {
      this.gold.answered(answer.annotator, answer.pair_id)
      return
    }
    if (answer.kind === 'first' && !before) this.gold.after(answer.annotator, answer.pair_id)
    this.byPair.set(answer.pair_id, [...(this.byPair.get(answer.pair_id) ?? []), answer])
    this.assignment.answered(answer.annotator, answer.pair_id, answer.kind)
    this.weigh(answer.pair_id)
  }

  private forget(id: string): void {
    const answer = this.known.get(id)
    if (!answer || this.effective.get(keyOfSaid(answer))?.id !== id) return
    this.effective.delete(keyOfSaid(answer))
    this.remove(answer)
    if (isCheck(answer)) {
      this.flags.undone(answer.annotator, answer.pair_id, 'first')
      return
    }
    if (answer.kind === 'gold') {
      this.gold.undone(answer.annotator, answer.pair_id)
      return
    }
    if (answer.kind === 'first') this.gold.withdrawn(answer.annotator, answer.pair_id)
    this.assignment.undone(answer.annotator, answer.pair_id, answer.kind)
    this.weigh(answer.pair_id)
  }

  private remove({ id, pair_id, annotator }: Said): void {
    this.byPair.set(
      pair_id,
      (this.byPair.get(pair_id) ?? []).filter(other => other.id !== id),
    )
    this.history.set(
      annotator,
      (this.history.get(annotator) ?? []).filter(other => other.id !== id),
    )
  }

  /** A pair is disputed while answers differ or somebody flagged it, and nobody has adjudicated. */
  private weigh(pair_id: string): void {
    const answers = (this.byPair.get(pair_id) ?? []).filter(counts)
    const differ = new Set(answers.map(verdictOf)).size > 1 || answers.some(answer => answer.flagged)
    if (differ && !answers.some(answer => answer.kind === 'adjudication')) this.disputed.add(pair_id)
    else this.disputed.delete(pair_id)
  }

  private disputes(count: number): number[] {
    const places = [...this.disputed].flatMap(pair_id => this.assignment.place(pair_id) ?? [])
    return places.sort((a, b) => a - b).slice(0, count)
  }

  private task({ place, kind }: Assigned, who: Annotator): Task {
    return this.taskWith(this.queue.pairs[place].pair_id, this.queue.texts(place), kind, who)
  }

  /** The id under which the page knows a repeat: another than the pair's, or it would tell. */
  private mask(pair_id: string, name: string): string {
    return this.annotators.ticket('repeat', pair_id, name).slice(0, pair_id.length)
  }

  /** What an id of the page stands for; nothing needs to be kept over a restart. */
  private unmasked(id: string, kind: TaskKind, name: string): Held {
    if (kind !== 'first' || this.assignment.place(id) !== undefined || this.gold.place(id) !== undefined) return { pair_id: id, kind }
    const said = (this.history.get(name) ?? []).find(({ pair_id }) => this.mask(pair_id, name) === id)
    return said ? { pair_id: said.pair_id, kind: 'repeat' } : { pair_id: id, kind }
  }

  /** On the page a check is a pair like any other. */
  private goldTask(place: number, who: Annotator): Task {
    const { pair_id, texts } = this.golden[place]
    return this.taskWith(pair_id, texts, 'gold', who)
  }

  private taskWith(pair_id: string, texts: PairTexts, kind: Answer['kind'], who: Annotator): Task {
    const left = leftFor(pair_id, who.name, this.options.seed, kind)
    const [first, second] = [texts[left], texts[left === 'chosen' ? 'rejected' : 'chosen']]
    const difference = differenceOf(joined(first), joined(second))
    return {
      pair_id: kind === 'repeat' ? this.mask(pair_id, who.name) : pair_id,
      kind: kind === 'adjudication' ? kind : 'first',
      ticket: this.annotators.ticket(pair_id, who.name, kind, left),
      prompt: texts.prompt.map(({ role, content }) => ({ role, html: htmlOf(content) })),
      left: htmlOf(joined(first)),
      right: htmlOf(joined(second)),
      ...(difference ? { difference } : {}),
      ...(kind === 'adjudication' ? { others: this.othersOn(pair_id, left) } : {}),
    }
  }

  private flagTask(place: number): Task {
    const flag = this.queue.flags[place]
    const texts = this.queue.flagTexts(place)
    const found = foundIn(texts, flag)
    const difference = differenceOf(found, texts.flag_item)
    return {
      pair_id: flag.pair_id,
      kind: 'flag',
      ticket: '',
      prompt: texts.prompt.filter(({ content }) => content !== found).map(({ role, content }) => ({ role, html: htmlOf(content) })),
      left: htmlOf(found),
      right: htmlOf(texts.flag_item),
      names: [`In the ${flag.field === 'prompt' ? 'prompt' : `${flag.field} response`}`, `Benchmark ${flag.benchmark}, item ${flag.item}`],
      ...(difference ? { difference } : {}),
    }
  }

  private othersOn(pair_id: string, left: Answer['left']): Task['others'] {
    const answers = (this.byPair.get(pair_id) ?? []).filter(answer => answer.kind === 'first')
    return answers.map(({ outcome, left: was, strength, reason, flagged }) => ({
      outcome: left === was ? outcome : outcome === 'left' ? 'right' : outcome === 'right' ? 'left' : outcome,
      strength,
      reason,
      flagged,
    }))
  }
}

/** The flagged turn; where the build did not keep it, the whole field. */
const foundIn = (texts: FlagTexts, { field, turn }: QueuedFlag): string => texts[field][turn]?.content ?? joined(texts[field])

/** A side of several turns reads as one text. */
const joined = (messages: PairTexts['chosen']): string => messages.map(({ content }) => content).join('\n\n')
