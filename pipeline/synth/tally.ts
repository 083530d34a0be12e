/** Counts what a corpus came to while it is written. */
import type { Kind } from './layout.ts'
import type { Made } from './row-maker.ts'

/** The corpus in numbers; `longer_wins` and `markdown_wins` are shares of the plain pairs that differ so, by the labels as written. */
export interface Figures {
  readonly pairs: number
  readonly text_bytes_per_pair: number
  readonly kinds: Readonly<Record<string, number>>
  readonly longer_wins: number | null
  readonly markdown_wins: number | null
}

export class Tally {
  readonly #counts = new Map<string, number>()
  #pairs = 0
  #textBytes = 0
  readonly #longer = { won: 0, of: 0 }
  readonly #markdown = { won: 0, of: 0 }

  add({ kind, row }: Made): void {
    this.#pairs++
    this.#textBytes += row.text.length
    this.#count(kind)
    if (row.flipped) this.#count('flipped_label')
    if (kind !== 'plain') return
    const { winner, loser } = row
    if (winner.bytes !== loser.bytes) count(this.#longer, winner.bytes > loser.bytes)
    if (winner.markdown !== loser.markdown) count(this.#markdown, winner.markdown)
  }

  #count(kind: Kind | 'flipped_label'): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
  }

  figures(): Figures {
    return {
      pairs: this.#pairs,
      text_bytes_per_pair: Math.round(this.#textBytes / this.#pairs),
      kinds: Object.fromEntries([...this.#counts].sort()),
      longer_wins: share(this.#longer),
      markdown_wins: share(this.#markdown),
    }
  }
}

function count(tally: { won: number; of: number }, won: boolean): void {
  tally.of++
  if (won) tally.won++
}

const share = ({ won, of }: { won: number; of: number }): number | null => (of === 0 ? null : Math.round((won / of) * 1000) / 1000)
