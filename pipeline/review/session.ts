/** The state behind the page: the log, who has which pair, what is disputed. Whatever it says is on the disk. */
import { type Answer, verdictOf } from '../judgement.ts'
import { isUndo, type Line } from '../judgements/answer.ts'
import { LogWriter, linesOf, readLogs } from '../judgements/log.ts'
import type { Annotator, Annotators } from './annotators.ts'
import { type Assigned, Assignment, type AssignmentOptions, type Progress } from './assignment.ts'
import type { PairTexts, Queue } from './queue.ts'
import { type Compared, differenceOf, htmlOf } from './render.ts'
import { leftFor } from './sides.ts'

export interface SessionOptions extends AssignmentOptions {
  /** Where answers are appended. */
  readonly log: string
  /** Logs of others, which are read and not written. */
  readonly others: readonly string[]
  readonly protocol: string
}

/** What the page shows of one pair; nothing in it tells model, label or score. */
export interface Task {
  readonly pair_id: string
  readonly kind: Answer['kind']
  readonly ticket: string
  readonly prompt: readonly { readonly role: string; readonly html: string }[]
  readonly left: string
  readonly right: string
  readonly difference?: Compared
  /** In an adjudication: what others answered, in terms of this screen. */
  readonly others?: readonly Pick<Answer, 'outcome' | 'strength' | 'reason' | 'flagged'>[]
}

/** An answer as the page sends it. */
export type Given = Pick<Answer, 'id' | 'pair_id' | 'kind' | 'outcome' | 'strength' | 'reason' | 'flagged' | 'seconds'> & {
  readonly ticket: string
}

/** What the page asked cannot be done; `message` is shown. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

const keyOf = ({ pair_id, kind, annotator }: Pick<Answer, 'pair_id' | 'kind' | 'annotator'>): string => `${pair_id} ${kind} ${annotator}`

export class Session {
  readonly options: SessionOptions
  /** What is odd about the logs. */
  readonly notes: readonly string[]
  private readonly queue: Queue
  private readonly annotators: Annotators
  private readonly assignment: Assignment
  private readonly writer: LogWriter
  private readonly known = new Map<string, Answer>()
  private readonly effective = new Map<string, Answer>()
  private readonly byPair = new Map<string, Answer[]>()
  private readonly history = new Map<string, Answer[]>()
  private readonly disputed = new Set<string>()

  constructor(queue: Queue, annotators: Annotators, options: SessionOptions) {
    this.queue = queue
    this.annotators = annotators
    this.options = options
    this.assignment = new Assignment(queue.pairs, options)
    this.writer = new LogWriter(options.log)
    this.notes = readLogs([options.log, ...options.others]).notes
    for (const file of options.others) for (const line of linesOf(file).lines) this.take(line)
    for (const line of linesOf(options.log).lines) this.take(line)
  }

  close(): void {
    this.writer.close()
    this.queue.close()
  }

  /** The next pairs of somebody's queue; `held` are those that the page still has. */
  next(who: Annotator, count: number, held: readonly { pair_id: string; kind: Answer['kind'] }[], now: number): Task[] {
    if (who.role === 'adjudicator') return this.disputes(count).map(place => this.task({ place, kind: 'adjudication' }, who))
    const places = held.flatMap(({ pair_id, kind }): Assigned[] => {
      const place = this.assignment.place(pair_id)
      return place === undefined || kind === 'adjudication' ? [] : [{ place, kind }]
    })
    return this.assignment.next(who.name, count, places, now).map(assigned => this.task(assigned, who))
  }

  progress(who: Annotator): Progress {
    if (who.role === 'annotator') return this.assignment.progress(who.name)
    const answered = (this.history.get(who.name) ?? []).length
    return { answered, left: this.disputed.size, given: answered, wanted: answered + this.disputed.size }
  }

  /** Returns once the answer is on the disk; the same one sent again is one answer. */
  answer(who: Annotator, given: Given, now: Date): void {
    const known = this.known.get(given.id)
    if (known) {
      if (known.annotator === who.name && known.pair_id === given.pair_id) return
      throw new Refused('this id belongs to another answer')
    }
    if (this.assignment.place(given.pair_id) === undefined) throw new Refused('this pair is not in the queue of this build')
    if ((given.kind === 'adjudication') !== (who.role === 'adjudicator')) throw new Refused(`an ${who.role} gives no answers of this kind`)
    const left = this.annotators.leftOf(given.ticket, given.pair_id, who.name, given.kind)
    if (!left) throw new Refused('this page belongs to another session; load it again')
    const { ticket: _, ...said } = given
    const before = this.effective.get(keyOf({ ...given, annotator: who.name }))
    const answer: Answer = {
      ...said,
      annotator: who.name,
      at: now.toISOString(),
      left,
      protocol: this.options.protocol,
      replaces: before?.id ?? null,
    }
    this.writer.append([answer])
    this.take(answer)
  }

  /** Takes the last answer back and shows its pair again; `id` is what the page takes for the last one. */
  undo(who: Annotator, id: string | null, now: Date): Task | undefined {
    const last = (this.history.get(who.name) ?? []).at(-1)
    // A request that was sent twice must not take back two answers.
    if (id !== null && id !== last?.id) {
      const before = this.known.get(id)
      return before && before.annotator === who.name && !this.effective.has(keyOf(before)) ? this.taskOf(before, who) : undefined
    }
    if (!last) return undefined
    const undo = { undo: last.id, annotator: who.name, at: now.toISOString() }
    this.writer.append([undo])
    this.take(undo)
    return this.taskOf(last, who)
  }

  private taskOf({ pair_id, kind }: Answer, who: Annotator): Task | undefined {
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

  private remember(answer: Answer): void {
    this.known.set(answer.id, answer)
    const before = this.effective.get(keyOf(answer))
    if (before) this.remove(before)
    this.effective.set(keyOf(answer), answer)
    this.byPair.set(answer.pair_id, [...(this.byPair.get(answer.pair_id) ?? []), answer])
    const history = this.history.get(answer.annotator)
    if (history) history.push(answer)
    else this.history.set(answer.annotator, [answer])
    this.assignment.answered(answer.annotator, answer.pair_id, answer.kind)
    this.weigh(answer.pair_id)
  }

  private forget(id: string): void {
    const answer = this.known.get(id)
    if (!answer || this.effective.get(keyOf(answer))?.id !== id) return
    this.effective.delete(keyOf(answer))
    this.remove(answer)
    this.assignment.undone(answer.annotator, answer.pair_id, answer.kind)
    this.weigh(answer.pair_id)
  }

  private remove({ id, pair_id, annotator }: Answer): void {
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
    const answers = (this.byPair.get(pair_id) ?? []).filter(answer => answer.kind !== 'repeat')
    const differ = new Set(answers.map(verdictOf)).size > 1 || answers.some(answer => answer.flagged)
    if (differ && !answers.some(answer => answer.kind === 'adjudication')) this.disputed.add(pair_id)
    else this.disputed.delete(pair_id)
  }

  private disputes(count: number): number[] {
    const places = [...this.disputed].flatMap(pair_id => this.assignment.place(pair_id) ?? [])
    return places.sort((a, b) => a - b).slice(0, count)
  }

  private task({ place, kind }: Assigned, who: Annotator): Task {
    const { pair_id } = this.queue.pairs[place]
    const texts = this.queue.texts(place)
    const left = leftFor(pair_id, who.name, this.options.seed, kind)
    const [first, second] = [texts[left], texts[left === 'chosen' ? 'rejected' : 'chosen']]
    const difference = differenceOf(joined(first), joined(second))
    return {
      pair_id,
      kind,
      ticket: this.annotators.ticket(pair_id, who.name, kind, left),
      prompt: texts.prompt.map(({ role, content }) => ({ role, html: htmlOf(content) })),
      left: htmlOf(joined(first)),
      right: htmlOf(joined(second)),
      ...(difference ? { difference } : {}),
      ...(kind === 'adjudication' ? { others: this.othersOn(pair_id, left) } : {}),
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

/** A side of several turns reads as one text. */
const joined = (messages: PairTexts['chosen']): string => messages.map(({ content }) => content).join('\n\n')
