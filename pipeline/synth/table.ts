/** Rows as batches of columns, for Parquet. */
import { type Batch, batchOf, type List, listOf, turnsOf, type Utf8, utf8Of } from '../batch.ts'
import type { OutBatch, OutColumn } from '../codecs/table-writer.ts'
import { votes } from '../pair.ts'
import { Bytes } from './bytes.ts'
import { sourceOf, sources, type Vote, votesOf } from './facts.ts'
import { idOf } from './json-lines.ts'
import type { Made, RowMaker } from './row-maker.ts'

const votesField = { list: { annotator: 'utf8', vote: { labels: votes } } } as const

/** The columns of the format `pair`; a null side is one that was planted. */
export const pairColumns: readonly OutColumn[] = [
  ...['id', 'source', 'lang', 'license', 'label_kind'].map(name => ({ name, field: 'utf8' as const, required: true })),
  { name: 'prompt', field: turnsOf, required: true },
  { name: 'chosen', field: 'utf8', required: false },
  { name: 'rejected', field: 'utf8', required: false },
  { name: 'tie', field: 'bool', required: true },
  { name: 'votes', field: votesField, required: true },
]

/** A text column that grows by parts of other pieces. */
class TextColumn {
  readonly #bytes = new Bytes(1 << 20)
  readonly #offsets: number[] = [0]
  readonly #valid: number[] = []

  add(source: Bytes, from: number, to: number, isNull = false): void {
    if (!isNull) this.#bytes.copy(source.bytes, from, to)
    this.#offsets.push(this.#bytes.length)
    this.#valid.push(isNull ? 0 : 1)
  }

  column(): Utf8 {
    const valid = this.#valid.includes(0) ? Uint8Array.from(this.#valid) : undefined
    return { bytes: this.#bytes.part(), offsets: Int32Array.from(this.#offsets), valid }
  }
}

/** Gathers rows; `batch` hands them over, after which a new one is begun. */
export class RowTable {
  readonly #seed: number
  readonly #maker: RowMaker
  readonly #facts: string[][] = [[], [], [], [], []]
  readonly #turnCounts: number[] = []
  readonly #turnRoles: number[] = []
  readonly #content = new TextColumn()
  readonly #chosen = new TextColumn()
  readonly #rejected = new TextColumn()
  readonly #ties: number[] = []
  readonly #votes: Vote[][] = []

  constructor(seed: number, maker: RowMaker) {
    this.#seed = seed
    this.#maker = maker
  }

  get rows(): number {
    return this.#ties.length
  }

  add(made: Made): void {
    const { number, row, empty, kind } = made
    const source = sources[sourceOf(this.#seed, number)]
    const facts = [idOf(number), source.name, row.lang, source.license, source.label_kind]
    for (let k = 0; k < facts.length; k++) this.#facts[k].push(facts[k])
    this.#turnCounts.push(row.turns.length)
    for (const turn of row.turns) {
      this.#turnRoles.push(turn.role)
      this.#content.add(row.text, turn.from, turn.to)
    }
    const isNull = (side: 'chosen' | 'rejected'): boolean => empty?.side === side && empty.isNull
    this.#chosen.add(row.text, row.chosen.from, row.chosen.to, isNull('chosen'))
    this.#rejected.add(row.text, row.rejected.from, row.rejected.to, isNull('rejected'))
    this.#ties.push(kind === 'tie' ? 1 : 0)
    this.#votes.push(votesOf(this.#seed, made, (a, b) => this.#maker.winChance(a, b)))
  }

  batch(): OutBatch {
    const [id, source, lang, license, label_kind] = this.#facts.map(utf8Of)
    const turns = batchOf(turnsOf.list, this.#turnRoles.length, {
      role: { values: Uint8Array.from(this.#turnRoles) },
      content: this.#content.column(),
    })
    return {
      rows: this.rows,
      columns: {
        ...{ id, source, lang, license, label_kind },
        prompt: listOf(this.#turnCounts, turns) as List,
        chosen: this.#chosen.column(),
        rejected: this.#rejected.column(),
        tie: { values: Uint8Array.from(this.#ties) },
        votes: listOf(
          this.#votes.map(items => items.length),
          votesBatch(this.#votes.flat()),
        ),
      },
    }
  }
}

const votesBatch = (items: readonly Vote[]): Batch =>
  batchOf(votesField.list, items.length, {
    annotator: utf8Of(items.map(item => item.annotator)),
    vote: { values: Uint8Array.from(items, item => votes.indexOf(item.vote)) },
  }) as unknown as Batch
