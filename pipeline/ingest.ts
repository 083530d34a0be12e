/** From a source file to shards of canonical pairs. Odd formats, nulls and unreadable rows end here. */
import { basename } from 'node:path'
import type { Batch } from './batch.ts'
import { openRows } from './codecs/open-rows.ts'
import { type BuiltPair, PairBuilder } from './codecs/pair-builder.ts'
import { type ColumnName, type Part, stringOf } from './codecs/row-source.ts'
import { type Recognised, readRows, type SourceRow } from './codecs/source.ts'
import { UserError } from './errors.ts'
import { columnProblem, isList, knownFormats, wanted } from './formats/columns.ts'
import { factsAt, hasOddScores, isObject, scoresAt, shownAt } from './formats/fields.ts'
import { FieldError, type Format, type KnownFormat, type ReadPair, type Row, type RowFacts, type Turn } from './formats/format.ts'
import { CONVERT, NEEDS, readers, recogniseFormat } from './formats/recognise.ts'
import { scoreColumn } from './formats/scored.ts'
import type { LabelKind, pairFacts, pairTexts } from './pair.ts'
import { Rejects, type rejectSchema } from './rejects.ts'

export interface SourceFile {
  /** To open. */
  readonly path: string
  /** As the config names it, for messages. */
  readonly shown: string
  readonly format: Format
  /** Name in every table; else the row's own `source`, else the file name without its extensions. */
  readonly source?: string
  readonly license?: string
  readonly label_kind?: LabelKind
  readonly priority: number
  readonly limit?: number
  /** Its rows alone are read. */
  readonly part?: Part
  /** Whether recorded scores of the rows are taken. */
  readonly scores: boolean
  readonly pairs: 'all' | 'best'
  readonly min_gap: number
  /** Field of the rows that says which response the judge saw first. */
  readonly shown_first: string
}

export interface ShardSink {
  /** The batches are valid until the promise is kept. */
  shard(texts: Batch<typeof pairTexts>, facts: Batch<typeof pairFacts>): Promise<void>
}

export interface IngestResult extends Recognised {
  readonly rows: number
  readonly pairs: number
  readonly rejected: number
  readonly format: KnownFormat
  /** In the order of the file, at most REJECTS rows each; one empty batch for none. */
  readonly rejects: readonly Batch<typeof rejectSchema>[]
  /** Names seen in the column `source`, and models of recorded scores, in order of first appearance. */
  readonly sources: readonly string[]
  readonly recorded: readonly string[]
  /** Texts in which lone surrogates were replaced. */
  readonly surrogates: number
  /** Rows with `scores` that are left out, for something else than [of chosen, of rejected] of a model or too far apart. */
  readonly odd_scores: number
  /** Columns of unusual names that responses were ranked by, the first few. */
  readonly ranked_by: readonly string[]
}

export interface ShardLimits {
  readonly shard_bytes: number
  readonly shard_rows: number
}
const LIMITS: ShardLimits = { shard_bytes: 32 * 2 ** 20, shard_rows: 65_536 }

/** Rows looked at to recognise a format. */
const LOOK_ROWS = 100

/** So many columns are told by name, where every row may have one of its own. */
export const MOST_NAMED = 5

/** Who judged a row that does not say so: the claim that costs least if it is wrong. */
const DEFAULT_KIND: LabelKind = 'ai'

/** Reads a file, or a part of it, and hands over its shards one by one; waits for the sink, so that no more than a shard is held. */
export async function ingestFile(file: SourceFile, sink: ShardSink, limits = LIMITS): Promise<IngestResult> {
  const { container, compression, columns, format } = await lookAt(file)
  const reading = new Reading(file, format)
  const { builder } = reading
  const handOver = async (): Promise<void> => {
    const { texts, facts } = builder.take()
    await sink.shard(texts, facts)
  }
  const only = columns && wanted(columns, format, file.shown_first).map(column => column.name)
  for await (const chunk of readRows(file.path, file.shown, { limit: file.limit, only, part: file.part, bytes: true }))
    for (const row of chunk)
      for (const pair of reading.read(row)) {
        builder.add(pair)
        if (builder.bytes >= limits.shard_bytes || builder.rows >= limits.shard_rows) await handOver()
      }
  if (builder.rows > 0) await handOver()
  return { container, compression, format, ...reading.result() }
}

/** A look at the first rows: what the file is; refuses one that is missing, damaged at its beginning, or of no known format. */
export async function probe(file: SourceFile): Promise<Recognised & { format: KnownFormat }> {
  const { container, compression, format } = await lookAt(file)
  return { container, compression, format }
}

/** Models of whose scores the first rows of any of these files tell, sorted. */
export async function recordedAmong(files: readonly SourceFile[]): Promise<string[]> {
  const models = new Set<string>()
  for (const file of files) for (const model of await recordedIn(file)) models.add(model)
  return [...models].sort()
}

async function recordedIn({ path, shown, scores, limit = LOOK_ROWS }: SourceFile): Promise<string[]> {
  const models = new Set<string>()
  if (!scores) return []
  const { columns } = await openRows(path, shown)
  const only = columns?.flatMap(({ name }) => (name === 'scores' ? [name] : []))
  if (only?.length === 0) return []
  for await (const chunk of readRows(path, shown, { limit: Math.min(limit, LOOK_ROWS), only }))
    for (const row of chunk) if ('value' in row && isObject(row.value)) for (const [model] of scoresAt(row.value)) models.add(model)
  return [...models]
}

interface Look extends Recognised {
  readonly columns?: readonly ColumnName[]
  readonly format: KnownFormat
}

async function lookAt(file: SourceFile): Promise<Look> {
  const { container, compression, columns } = await openRows(file.path, file.shown)
  const format = file.format === 'auto' ? await formatIn(file, columns) : file.format
  const problem = columns && columnProblem(columns, format)
  if (problem) throw new UserError(`${file.shown}: ${problem}`)
  return { container, compression, columns, format }
}

async function formatIn(file: SourceFile, columns: readonly ColumnName[] | undefined): Promise<KnownFormat> {
  const rows: Row[] = []
  let seen = 0
  const only = columns
    ?.filter(column => knownFormats.some(format => wanted([column], format, file.shown_first).length > 0))
    .map(column => column.name)
  for await (const chunk of readRows(file.path, file.shown, { limit: LOOK_ROWS, only })) {
    seen += chunk.length
    for (const row of chunk) if ('value' in row && isObject(row.value)) rows.push(row.value)
  }
  if (columns && seen === 0) rows.push(Object.fromEntries(columns.map(({ name, type }) => [name, isList(type) ? [] : null])))
  const format = recogniseFormat(rows)
  if (format) return format
  const keys = columns?.map(column => column.name) ?? Object.keys(rows[0] ?? {})
  const found = keys.length > 0 ? `columns ${keys.slice(0, 20).join(', ')}` : `${seen} rows, none of them an object`
  throw new UserError(`${file.shown}: no known format fits its first rows: found ${found}; expected one of ${NEEDS}. ${CONVERT}`)
}

/** The file name without the extensions of containers, compressions and formats. */
export const nameOf = (path: string): string =>
  basename(path).replace(/(\.(jsonl|ndjson|json|parquet|arrow|arrows|feather|ipc|gz|zst|pair|hh|dpo|chat|scored|arena))+$/i, '')

/** UTF-8 bytes have no lone surrogates. */
const isWellFormed = ({ content }: Turn): boolean => typeof content !== 'string' || content.isWellFormed()

/** One file being read: rows in, pairs and rejects out, and what is told of them. */
class Reading {
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
      return readers[this.format](value, this.file).map(pair => this.built({ shown_first: first, ...pair }, facts, scores, row.row))
    } catch (error) {
      if (!(error instanceof FieldError)) throw error
      this.reject(row, error.field, error.message)
      return []
    }
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
