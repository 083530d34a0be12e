/** What everybody has said so far: of somebody's answers to a pair the last one counts, and one that is taken back does not. */
import { type Answer, counts, type FlagCheck, verdictOf } from '../judgement.ts'
import { isCheck } from '../judgements/answer.ts'

export type Said = Answer | FlagCheck
export type Kind = Answer['kind'] | 'flag'

const kindOf = (said: Said): Kind => (isCheck(said) ? 'flag' : said.kind)
const keyOf = (pair_id: string, kind: Kind, annotator: string): string => `${pair_id} ${kind} ${annotator}`
const keyOfSaid = (said: Said): string => keyOf(said.pair_id, kindOf(said), said.annotator)

export class SaidSoFar {
  private readonly known = new Map<string, Said>()
  private readonly effective = new Map<string, Said>()
  private readonly byPair = new Map<string, Answer[]>()
  private readonly history = new Map<string, Said[]>()
  private readonly open = new Set<string>()

  /** Pairs on which answers differ, or that somebody flagged, and that nobody has settled. */
  get disputed(): ReadonlySet<string> {
    return this.open
  }

  /** Also what was changed or taken back. */
  withId(id: string): Said | undefined {
    return this.known.get(id)
  }

  current(pair_id: string, kind: Kind, annotator: string): Said | undefined {
    return this.effective.get(keyOf(pair_id, kind, annotator))
  }

  /** Whether the question that it answers has an answer now, this one or another. */
  isAnswered(said: Said): boolean {
    return this.effective.has(keyOfSaid(said))
  }

  /** By one annotator, in order. */
  by(annotator: string): readonly Said[] {
    return this.history.get(annotator) ?? []
  }

  on(pair_id: string): readonly Answer[] {
    return this.byPair.get(pair_id) ?? []
  }

  /** Returns the answer that this one changes. */
  add(said: Said): Said | undefined {
    const before = this.effective.get(keyOfSaid(said))
    if (before) this.drop(before)
    this.known.set(said.id, said)
    this.effective.set(keyOfSaid(said), said)
    const history = this.history.get(said.annotator)
    if (history) history.push(said)
    else this.history.set(said.annotator, [said])
    if (!isCheck(said) && said.kind !== 'gold') {
      this.byPair.set(said.pair_id, [...this.on(said.pair_id), said])
      this.weigh(said.pair_id)
    }
    return before
  }

  /** Returns what is taken back; undefined where it does not count any more. */
  takeBack(id: string): Said | undefined {
    const said = this.known.get(id)
    if (!said || this.effective.get(keyOfSaid(said))?.id !== id) return undefined
    this.effective.delete(keyOfSaid(said))
    this.drop(said)
    this.weigh(said.pair_id)
    return said
  }

  private drop({ id, pair_id, annotator }: Said): void {
    const others = this.on(pair_id).filter(other => other.id !== id)
    if (others.length > 0) this.byPair.set(pair_id, others)
    else this.byPair.delete(pair_id)
    this.history.set(
      annotator,
      this.by(annotator).filter(other => other.id !== id),
    )
  }

  private weigh(pair_id: string): void {
    const answers = this.on(pair_id).filter(counts)
    const differ = new Set(answers.map(verdictOf)).size > 1 || answers.some(answer => answer.flagged)
    if (differ && !answers.some(answer => answer.kind === 'adjudication')) this.open.add(pair_id)
    else this.open.delete(pair_id)
  }
}
