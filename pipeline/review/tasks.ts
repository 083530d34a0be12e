/** What the page shows: texts rendered, the sides of a pair placed by a hash. Nothing in it tells model, label or score. */
import type { Answer } from '../judgement.ts'
import type { Annotator, Annotators } from './annotators.ts'
import type { GoldPair } from './gold.ts'
import type { FlagTexts, PairTexts, Queue, QueuedFlag } from './queue.ts'
import { type Compared, differenceOf, htmlOf } from './render.ts'
import { leftFor } from './sides.ts'

/** What the page is told: hidden repeats and checks are `first` there. `flag`: is a flag of contamination true? The left side is the flagged text, the right one the benchmark item. */
export const taskKinds = ['first', 'adjudication', 'flag'] as const
export type TaskKind = (typeof taskKinds)[number]

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

export class Tasks {
  private readonly queue: Queue
  private readonly golden: readonly GoldPair[]
  private readonly annotators: Annotators
  private readonly seed: number

  constructor(queue: Queue, golden: readonly GoldPair[], annotators: Annotators, seed: number) {
    this.queue = queue
    this.golden = golden
    this.annotators = annotators
    this.seed = seed
  }

  async pair(place: number, kind: Answer['kind'], { name }: Annotator): Promise<Task> {
    return this.taskWith(this.queue.pairs[place].pair_id, await this.queue.texts(place), kind, name)
  }

  /** `given` are the answers of others. */
  async adjudication(place: number, { name }: Annotator, given: readonly Answer[]): Promise<Task> {
    const { pair_id } = this.queue.pairs[place]
    const task = this.taskWith(pair_id, await this.queue.texts(place), 'adjudication', name)
    const left = leftFor(pair_id, name, this.seed, 'adjudication')
    return { ...task, others: given.filter(({ kind }) => kind === 'first').map(answer => seenWith(left, answer)) }
  }

  /** On the page a check is a pair like any other. */
  async gold(place: number, { name }: Annotator): Promise<Task> {
    const { pair_id, texts } = this.golden[place]
    return this.taskWith(pair_id, texts, 'gold', name)
  }

  async flag(place: number): Promise<Task> {
    const flag = this.queue.flags[place]
    const texts = await this.queue.flagTexts(place)
    const found = foundIn(texts, flag)
    const difference = differenceOf(found, texts.flag_item)
    return {
      pair_id: flag.pair_id,
      kind: 'flag',
      ticket: '',
      prompt: shown(texts.prompt.filter(({ content }) => content !== found)),
      left: htmlOf(found),
      right: htmlOf(texts.flag_item),
      names: [`In the ${flag.field === 'prompt' ? 'prompt' : `${flag.field} response`}`, `Benchmark ${flag.benchmark}, item ${flag.item}`],
      ...(difference ? { difference } : {}),
    }
  }

  /** The id under which the page knows a repeat: another than the pair's, or it would tell. */
  mask(pair_id: string, name: string): string {
    return this.annotators.ticket('repeat', pair_id, name).slice(0, pair_id.length)
  }

  private taskWith(pair_id: string, texts: PairTexts, kind: Answer['kind'], name: string): Task {
    const left = leftFor(pair_id, name, this.seed, kind)
    const [first, second] = [texts[left], texts[left === 'chosen' ? 'rejected' : 'chosen']].map(joined)
    const difference = differenceOf(first, second)
    return {
      pair_id: kind === 'repeat' ? this.mask(pair_id, name) : pair_id,
      kind: kind === 'adjudication' ? kind : 'first',
      ticket: this.annotators.ticket(pair_id, name, kind, left),
      prompt: shown(texts.prompt),
      left: htmlOf(first),
      right: htmlOf(second),
      ...(difference ? { difference } : {}),
    }
  }
}

/** An answer as somebody reads it who has that side left. */
function seenWith(left: Answer['left'], { outcome, left: was, strength, reason, flagged }: Answer): NonNullable<Task['others']>[number] {
  const turned = outcome === 'left' ? 'right' : outcome === 'right' ? 'left' : outcome
  return { outcome: left === was ? outcome : turned, strength, reason, flagged }
}

const shown = (messages: PairTexts['prompt']): Task['prompt'] => messages.map(({ role, content }) => ({ role, html: htmlOf(content) }))

/** The flagged turn; where the build did not keep it, the whole field. */
const foundIn = (texts: FlagTexts, { field, turn }: QueuedFlag): string => texts[field][turn]?.content ?? joined(texts[field])

/** A side of several turns reads as one text. */
const joined = (messages: PairTexts['chosen']): string => messages.map(({ content }) => content).join('\n\n')
