/** Hidden gold checks: pairs of which it is known which response is better, mixed among the others so that nobody can tell them apart. */
import { hexAt, roles, stringAt, type Turns } from '../batch.ts'
import { UserError } from '../errors.ts'
import type { Message } from '../explain.ts'
import { ingestFile } from '../ingest.ts'
import { chosenFor, type PairTexts, share } from './queue.ts'

/** A pair whose chosen response is known to be better. */
export interface GoldPair {
  readonly pair_id: string
  readonly texts: PairTexts
}

/** Reads pairs of any format that a build reads. A row that cannot be read, or that is a tie, is refused: a check must be beyond doubt. */
export async function readGold(path: string): Promise<GoldPair[]> {
  const pairs = new Map<string, GoldPair>()
  const options = { format: 'auto', priority: 0, scores: false, pairs: 'best', min_gap: 0, shown_first: 'shown_first' } as const
  const { rejects, rejected } = await ingestFile(
    { path, shown: path, ...options },
    {
      shard: async (texts, { columns: { pair_id, tie, row } }) => {
        const { prompt, chosen, rejected } = texts.columns
        for (let i = 0; i < texts.rows; i++) {
          if (tie.values[i] === 1) throw new UserError(`${path}: row ${row.values[i]}: is a tie; a gold check needs a better side`)
          const said = { prompt: messagesOf(prompt, i), chosen: messagesOf(chosen, i), rejected: messagesOf(rejected, i) }
          pairs.set(hexAt(pair_id, i), { pair_id: hexAt(pair_id, i), texts: said })
        }
      },
    },
  )
  const { row, field, error } = rejects[0].columns
  if (rejected > 0) throw new UserError(`${path}: row ${row.values[0]}: ${stringAt(field, 0)}: ${stringAt(error, 0)}`)
  if (pairs.size === 0)
    throw new UserError(`${path}: holds no pair; expected rows {prompt, chosen, rejected} whose chosen is better for sure`)
  return [...pairs.values()]
}

function messagesOf({ starts, items }: Turns, row: number): Message[] {
  const { role, content } = items.columns
  return Array.from({ length: starts[row + 1] - starts[row] }, (_, t) => ({
    role: roles[role.values[starts[row] + t]],
    content: stringAt(content, starts[row] + t),
  }))
}

interface Checked {
  /** Checks to come, each once so many pairs are answered; `after` is the pair whose answer planned it. */
  planned: { place: number; due: number; after: string }[]
  readonly answered: Set<string>
  pairs: number
  /** By place in the queue: 1 where an answer will plan a check; made when first asked for. */
  planning?: Uint8Array
}

/** A check comes at most so many answers after the one that plans it. */
const WITHIN = 10

/** Which annotator gets which gold pair when. After a share of the pairs, as a hash says, a check that this one has not seen is planned. */
export class GoldChecks {
  private readonly pairs: readonly Pick<GoldPair, 'pair_id'>[]
  private readonly placeOf: ReadonlyMap<string, number>
  private readonly options: { readonly seed: number; readonly gold_share: number }
  private readonly annotators = new Map<string, Checked>()

  constructor(pairs: readonly Pick<GoldPair, 'pair_id'>[], options: { readonly seed: number; readonly gold_share: number }) {
    this.pairs = pairs
    this.options = options
    this.placeOf = new Map(pairs.map(({ pair_id }, place) => [pair_id, place]))
  }

  place(pair_id: string): number | undefined {
    return this.placeOf.get(pair_id)
  }

  private of(name: string): Checked {
    let checked = this.annotators.get(name)
    if (!checked) this.annotators.set(name, (checked = { planned: [], answered: new Set(), pairs: 0 }))
    return checked
  }

  /** Counts an answer to a pair that is no check. */
  after(name: string, pair_id: string): void {
    const checked = this.of(name)
    checked.pairs++
    const { seed, gold_share } = this.options
    if (this.pairs.length === 0 || share('gold', seed, name, pair_id) >= gold_share) return
    const place = this.unseen(name, checked)
    const wait = Math.floor(WITHIN * share('gold due', seed, name, pair_id))
    if (place !== undefined) checked.planned.push({ place, due: checked.pairs + wait, after: pair_id })
  }

  /** That answer is taken back, and the check that it planned with it. */
  withdrawn(name: string, pair_id: string): void {
    const checked = this.of(name)
    checked.pairs--
    checked.planned = checked.planned.filter(({ after }) => after !== pair_id)
  }

  /** Each annotator goes through the checks from a place of their own. */
  private unseen(name: string, { planned, answered }: Checked): number | undefined {
    const n = this.pairs.length
    const first = Math.floor(n * share('gold order', this.options.seed, name))
    for (let k = 0; k < n; k++) {
      const place = (first + k) % n
      if (!answered.has(this.pairs[place].pair_id) && !planned.some(one => one.place === place)) return place
    }
    return undefined
  }

  /** At most `count` places: those on the annotator's page, then those that are due, or all that are planned where nothing else is left. */
  next(name: string, count: number, held: readonly { readonly pair_id: string }[], all = false): number[] {
    const { planned, pairs } = this.of(name)
    const onPage = planned.filter(({ place }) => held.some(({ pair_id }) => pair_id === this.pairs[place].pair_id))
    const due = planned.filter(one => !onPage.includes(one) && (all || one.due <= pairs))
    return [...onPage, ...due].map(({ place }) => place).slice(0, count)
  }

  answered(name: string, pair_id: string): void {
    const checked = this.of(name)
    checked.answered.add(pair_id)
    checked.planned = checked.planned.filter(({ place }) => this.pairs[place].pair_id !== pair_id)
  }

  undone(name: string, pair_id: string): void {
    const checked = this.of(name)
    const place = this.placeOf.get(pair_id)
    if (checked.answered.delete(pair_id) && place !== undefined) checked.planned.unshift({ place, due: 0, after: '' })
  }

  /** `left` has the checks that answers to the `queue`'s open pairs will plan: a check that is planned leaves it as it is. */
  progress(
    name: string,
    queue: readonly { readonly pair_id: string }[],
    isOpen: (place: number) => boolean,
  ): { answered: number; left: number } {
    const checked = this.of(name)
    const { planned, answered } = checked
    const unseen = this.pairs.length - answered.size - planned.length
    if (unseen <= 0) return { answered: answered.size, left: planned.length }
    const { seed, gold_share } = this.options
    const planning = (checked.planning ??= chosenFor('gold', seed, name, queue, gold_share))
    let coming = 0
    for (let place = 0; place < queue.length && coming < unseen; place++) if (planning[place] === 1 && isOpen(place)) coming++
    return { answered: answered.size, left: planned.length + coming }
  }
}
