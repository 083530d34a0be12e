/** From a source file to shards of canonical pairs. Odd formats, nulls and unreadable rows end here. */
import { basename } from 'node:path'
import { type Batch, batchOf, utf8Of } from './batch.ts'
import { type BuiltPair, PairBuilder } from './codecs/pair-builder.ts'
import { columnNames, type Recognised, readRows, recognise, type SourceRow } from './codecs/source.ts'
import { UserError } from './errors.ts'
import { factsAt, isObject, scoresAt } from './formats/fields.ts'
import { FieldError, type Format, type KnownFormat, type ReadPair, type Row, type RowFacts, type Turn } from './formats/format.ts'
import { NEEDS, readers, recogniseFormat } from './formats/recognise.ts'
import type { LabelKind, pairFacts, pairTexts } from './pair.ts'

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
  /** Whether recorded scores of the rows are taken. */
  readonly scores: boolean
  readonly pairs: 'all' | 'best'
  readonly min_gap: number
}

export interface ShardSink {
  shard(texts: Batch<typeof pairTexts>, facts: Batch<typeof pairFacts>): Promise<void>
}

export const rejectSchema = { row: 'i32', field: 'utf8', error: 'utf8', excerpt: 'utf8' } as const

export interface IngestResult extends Recognised {
  readonly rows: number
  readonly pairs: number
  readonly rejected: number
  readonly format: KnownFormat
  readonly rejects: Batch<typeof rejectSchema>
  /** Names seen in the column `source`, and models of recorded scores, in order of first appearance. */
  readonly sources: readonly string[]
  readonly recorded: readonly string[]
  readonly notes: readonly string[]
}

export interface ShardLimits {
  readonly shard_bytes: number
  readonly shard_rows: number
}
const LIMITS: ShardLimits = { shard_bytes: 32 * 2 ** 20, shard_rows: 65_536 }

/** Rows looked at to recognise a format. */
const LOOK_ROWS = 100

/** Who judged a row that does not say so: the claim that costs least if it is wrong. */
const DEFAULT_KIND: LabelKind = 'ai'

/** Reads a whole file and hands over its shards one by one; waits for the sink, so that no more than a shard is held. */
export async function ingestFile(file: SourceFile, sink: ShardSink, limits = LIMITS): Promise<IngestResult> {
  const found = await recognise(file.path, file.shown)
  const format = await formatIn(file)
  const reading = new Reading(file, format)
  for await (const chunk of readRows(file.path, file.shown, { limit: file.limit, only: await neededColumns(file, format) })) {
    for (const row of chunk) {
      reading.take(row)
      if (reading.builder.bytes < limits.shard_bytes && reading.builder.rows < limits.shard_rows) continue
      const { texts, facts } = reading.builder.take()
      await sink.shard(texts, facts)
    }
  }
  if (reading.builder.rows > 0) {
    const { texts, facts } = reading.builder.take()
    await sink.shard(texts, facts)
  }
  return { ...found, format, ...reading.result() }
}

/** A look at the first rows: what the file is; refuses one that is missing, damaged at its beginning, or of no known format. */
export async function probe(file: SourceFile): Promise<Recognised & { format: KnownFormat }> {
  const found = await recognise(file.path, file.shown)
  return { ...found, format: await formatIn(file) }
}

async function formatIn(file: SourceFile): Promise<KnownFormat> {
  const rows: Row[] = []
  let seen = 0
  for await (const chunk of readRows(file.path, file.shown, { limit: LOOK_ROWS })) {
    seen += chunk.length
    for (const row of chunk) if ('value' in row && isObject(row.value)) rows.push(row.value)
  }
  const [first] = rows
  const columns = (await columnNames(file.path, file.shown)) ?? (first ? Object.keys(first) : [])
  const format = recogniseFormat(rows)
  if (file.format !== 'auto') {
    const missing = await missingColumns(file, file.format)
    if (missing) throw new UserError(`${file.shown}: ${missing}`)
    return file.format
  }
  if (format) return format
  const keys = columns.length > 0 ? `columns ${columns.slice(0, 20).join(', ')}` : `${seen} rows, none of them an object`
  throw new UserError(`${file.shown}: no known format fits its first rows: found ${keys}; expected one of ${NEEDS}`)
}

const SIDES: Readonly<Record<KnownFormat, readonly string[]>> = {
  pair: ['prompt', 'chosen', 'rejected'],
  hh: ['chosen', 'rejected'],
  dpo: ['chosen', 'rejected'],
  chat: ['chosen', 'rejected'],
  scored: [],
  arena: [],
}

/** What a file of columns lacks for its format. Rows of JSON are each their own matter. */
async function missingColumns(file: SourceFile, format: KnownFormat): Promise<string | undefined> {
  const columns = await columnNames(file.path, file.shown)
  if (!columns) return undefined
  const missing = SIDES[format].filter(name => !columns.includes(name))
  if (missing.length === 0) return undefined
  return `format ${format} needs the column ${missing.join(' and ')}; the file has ${columns.slice(0, 20).join(', ')}`
}

const COMMON = ['id', 'source', 'source_id', 'license', 'lang', 'language', 'label_kind', 'tie', 'votes', 'scores']
const NAMED: Partial<Record<KnownFormat, readonly string[]>> = {
  pair: [...COMMON, 'prompt', 'chosen', 'rejected'],
  hh: [...COMMON, 'chosen', 'rejected'],
  dpo: [...COMMON, 'prompt', 'question', 'instruction', 'input', 'system', 'chosen', 'rejected'],
  chat: [...COMMON, 'prompt', 'chosen', 'rejected'],
}

/** The columns that a format may use, of those that a Parquet or Arrow file has; scored and arena look at all. */
async function neededColumns(file: SourceFile, format: KnownFormat): Promise<readonly string[] | undefined> {
  const columns = await columnNames(file.path, file.shown)
  return columns && NAMED[format] ? columns.filter(name => NAMED[format]!.includes(name)) : undefined
}

/** One file being read: rows in, pairs and rejects out, and what is told of them. */
class Reading {
  readonly builder = new PairBuilder()
  private readonly file: SourceFile
  private readonly format: KnownFormat
  private readonly name: string
  private readonly rejects: { row: number; field: string; error: string; excerpt: string }[] = []
  private readonly sources = new Set<string>()
  private readonly recorded = new Set<string>()
  private rows = 0
  private pairs = 0
  private surrogates = 0

  constructor(file: SourceFile, format: KnownFormat) {
    this.file = file
    this.format = format
    this.name = basename(file.path).replace(/\..*$/, '')
  }

  take(row: SourceRow): void {
    this.rows++
    try {
      if ('error' in row) throw new FieldError(row.error.field, row.error.error)
      const { value } = row
      if (!isObject(value)) throw new FieldError('', 'expected an object {...}')
      const facts = factsAt(value)
      const scores = this.file.scores ? scoresAt(value) : []
      const read = readers[this.format](value, this.file)
      for (const pair of read) this.add(pair, facts, scores, row.row)
    } catch (error) {
      if (!(error instanceof FieldError)) throw error
      this.reject(row, error.field, error.message)
    }
  }

  private add(pair: ReadPair, facts: RowFacts, scores: BuiltPair['scores'], row: number): void {
    const source = this.file.source ?? facts.source ?? this.name
    this.sources.add(source)
    for (const [model] of scores) this.recorded.add(model)
    this.builder.add({
      prompt: this.wellFormed(pair.prompt),
      chosen: this.wellFormed(pair.chosen),
      rejected: this.wellFormed(pair.rejected),
      source,
      source_id: pair.suffix ? `${facts.source_id ?? row}${pair.suffix}` : facts.source_id,
      license: facts.license ?? this.file.license,
      lang: facts.lang,
      label_kind: facts.label_kind ?? this.file.label_kind ?? DEFAULT_KIND,
      priority: this.file.priority,
      tie: pair.tie === true,
      row,
      votes: pair.votes ?? [],
      scores,
    })
    this.pairs++
  }

  /** A lone surrogate has no UTF-8 form: it becomes U+FFFD, counted and told. */
  private wellFormed(turns: readonly Turn[]): readonly Turn[] {
    if (turns.every(turn => turn.content.isWellFormed())) return turns
    return turns.map(turn => {
      if (turn.content.isWellFormed()) return turn
      this.surrogates++
      return { ...turn, content: turn.content.toWellFormed() }
    })
  }

  private reject({ row, raw }: SourceRow, field: string, error: string): void {
    this.rejects.push({ row, field, error, excerpt: raw().slice(0, 200).toWellFormed() })
  }

  result() {
    const { rejects } = this
    return {
      rows: this.rows,
      pairs: this.pairs,
      rejected: rejects.length,
      rejects: batchOf(rejectSchema, rejects.length, {
        row: { values: Int32Array.from(rejects, r => r.row) },
        field: utf8Of(rejects.map(r => r.field)),
        error: utf8Of(rejects.map(r => r.error)),
        excerpt: utf8Of(rejects.map(r => r.excerpt)),
      }),
      sources: [...this.sources],
      recorded: [...this.recorded],
      notes: this.surrogates > 0 ? [`${this.surrogates} texts held lone surrogates; each was replaced by U+FFFD`] : [],
    }
  }
}
