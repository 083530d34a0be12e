/** Rows of one source file, read one by one into pairs; what cannot be read is a reject. */
import { basename } from 'node:path'
import { type BuiltPair, PairBuilder } from './codecs/pair-builder.ts'
import { stringOf } from './codecs/row-source.ts'
import type { SourceRow } from './codecs/source.ts'
import { factsAt, hasOddScores, isObject, scoresAt, shownAt } from './formats/fields.ts'
import { FieldError, type KnownFormat, MOST_NAMED, type ReadPair, type RowFacts, type Turn } from './formats/format.ts'
import { readers } from './formats/recognise.ts'
import { scoreColumn } from './formats/scored.ts'
import type { SourceFile } from './ingest.ts'
import type { LabelKind } from './pair.ts'
import { Rejects } from './rejects.ts'

/** Who judged a row that does not say so: the claim that costs least if it is wrong. */
const DEFAULT_KIND: LabelKind = 'ai'

/** The file name without the extensions of containers, compressions and formats. */
export const nameOf = (path: string): string =>
  basename(path).replace(/(\.(jsonl|ndjson|json|parquet|arrow|arrows|feather|ipc|gz|zst|pair|hh|dpo|chat|scored|arena))+$/i, '')

/** UTF-8 bytes have no lone surrogates. */
const isWellFormed = ({ content }: Turn): boolean => typeof content !== 'string' || content.isWellFormed()

/** One file being read: rows in, pairs and rejects out, and what is told of them. */
export class Reading {
  readonly builder = new PairBuilder()
  private readonly file: SourceFile
  private readonly format: KnownFormat
  private readonly name: string
  private readonly rejects = new Rejects()
  private readonly sources = new Set<string>()
  private readonly recorded = new Set<string>()
  private rows = 0
  private pairs = 0
  private surrogates = 0
  private odd_scores = 0
  private readonly ranked_by = new Set<string>()

  constructor(file: SourceFile, format: KnownFormat) {
    this.file = file
    this.format = format
    this.name = nameOf(file.path)
  }

  /** The pairs of a row; none if it cannot be read, which is noted. */
  read(row: SourceRow): BuiltPair[] {
    this.rows++
    try {
      if ('error' in row) throw new FieldError(row.error.field, row.error.error)
      const { value } = row
      if (!isObject(value)) throw new FieldError('', 'expected an object {...}')
      const facts = factsAt(value)
      const first = shownAt(value, this.file.shown_first)
      const scores = this.file.scores ? scoresAt(value) : []
      if (this.file.scores && this.format !== 'scored' && hasOddScores(value)) this.odd_scores++
      if (this.format === 'scored' && this.ranked_by.size < MOST_NAMED) for (const column of scoreColumn(value)) this.ranked_by.add(column)
      return readers[this.format](value, this.file).map(pair =>
        this.built({ shown_first: first, ...pair }, facts, this.scoresOf(pair, scores), row.row),
      )
    } catch (error) {
      if (!(error instanceof FieldError)) throw error
      this.reject(row, error.field, error.message)
      return []
    }
  }

  /** Scores of an arena row are of its first and its second side, whichever won. */
  private scoresOf({ shown_first }: ReadPair, scores: BuiltPair['scores']): BuiltPair['scores'] {
    if (this.format !== 'arena' || shown_first !== 'rejected') return scores
    return scores.map(([model, first, second]) => [model, second, first])
  }

  private built(pair: ReadPair, facts: RowFacts, scores: BuiltPair['scores'], row: number): BuiltPair {
    const source = this.file.source ?? facts.source ?? this.name
    this.sources.add(source)
    for (const [model] of scores) this.recorded.add(model)
    this.pairs++
    return {
      prompt: this.wellFormed(pair.prompt),
      chosen: this.wellFormed(pair.chosen),
      rejected: this.wellFormed(pair.rejected),
      source,
      source_id: pair.suffix ? `${facts.source_id === undefined ? row : stringOf(facts.source_id)}${pair.suffix}` : facts.source_id,
      license: facts.license ?? this.file.license,
      lang: facts.lang,
      label_kind: facts.label_kind ?? this.file.label_kind ?? DEFAULT_KIND,
      priority: this.file.priority,
      tie: pair.tie === true,
      shown_first: pair.shown_first ?? 'unknown',
      row,
      votes: pair.votes ?? [],
      scores,
    }
  }

  /** A lone surrogate has no UTF-8 form: it becomes U+FFFD, counted and told. */
  private wellFormed(turns: readonly Turn[]): readonly Turn[] {
    if (turns.every(isWellFormed)) return turns
    return turns.map(turn => {
      if (isWellFormed(turn)) return turn
      this.surrogates++
      return { ...turn, content: stringOf(turn.content).toWellFormed() }
    })
  }

  private reject({ row, raw }: SourceRow, field: string, error: string): void {
    this.rejects.add({ row, field, error, excerpt: raw().slice(0, 200).toWellFormed() })
  }

  result() {
    return {
      rows: this.rows,
      pairs: this.pairs,
      rejected: this.rejects.rows,
      rejects: this.rejects.all(),
      sources: [...this.sources],
      recorded: [...this.recorded],
      surrogates: this.surrogates,
      odd_scores: this.odd_scores,
      ranked_by: [...this.ranked_by],
    }
  }
}
