/** Counts what a corpus came to while it is written. */
import type { Made } from './row-maker.ts'

/** The corpus in numbers; `longer_wins` and `markdown_wins` are shares of the plain pairs that differ so, by the labels as written. */
export interface Figures {
  readonly pairs: number
  readonly text_bytes_per_pair: number
  readonly kinds: Readonly<Record<string, number>>
  readonly longer_wins: number | null
  readonly markdown_wins: number | null
}

/** What is counted, as plain values that cross threads. */
export interface Counts {
  pairs: number
  textBytes: number
  readonly kinds: Record<string, number>
  readonly longer: { won: number; of: number }
  readonly markdown: { won: number; of: number }
}

export class Tally {
  readonly counts: Counts = { pairs: 0, textBytes: 0, kinds: {}, longer: { won: 0, of: 0 }, markdown: { won: 0, of: 0 } }

  add({ kind, row }: Made): void {
    this.counts.pairs++
    this.counts.textBytes += row.text.length
    this.#count(kind)
    if (row.flipped) this.#count('flipped_label')
    if (kind !== 'plain') return
    const { winner, loser } = row
    if (winner.bytes !== loser.bytes) count(this.counts.longer, winner.bytes > loser.bytes)
    if (winner.markdown !== loser.markdown) count(this.counts.markdown, winner.markdown)
  }

  /** Adds what was counted of other rows. */
  addAll({ pairs, textBytes, kinds, longer, markdown }: Counts): void {
    this.counts.pairs += pairs
    this.counts.textBytes += textBytes
    for (const [kind, n] of Object.entries(kinds)) this.#count(kind, n)
    for (const [name, { won, of }] of Object.entries({ longer, markdown }) as ['longer' | 'markdown', { won: number; of: number }][]) {
      this.counts[name].won += won
      this.counts[name].of += of
    }
  }

  #count(kind: string, n = 1): void {
    this.counts.kinds[kind] = (this.counts.kinds[kind] ?? 0) + n
  }

  figures(): Figures {
    const { pairs, textBytes, kinds, longer, markdown } = this.counts
    return {
      pairs,
      text_bytes_per_pair: Math.round(textBytes / pairs),
      kinds: Object.fromEntries(Object.entries(kinds).sort()),
      longer_wins: share(longer),
      markdown_wins: share(markdown),
    }
  }
}

function count(tally: { won: number; of: number }, won: boolean): void {
  tally.of++
  if (won) tally.won++
}

const share = ({ won, of }: { won: number; of: number }): number | null => (of === 0 ? null : Math.round((won / of) * 1000) / 1000)
