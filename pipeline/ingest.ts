/** From a source file to shards of canonical pairs. Odd formats, nulls and unreadable rows end here. */
import { type Batch, stringAt } from './batch.ts'
import { openRows } from './codecs/open-rows.ts'
import type { ColumnName, Part } from './codecs/row-source.ts'
import { type Recognised, readRows } from './codecs/source.ts'
import { UserError } from './errors.ts'
import { columnProblem, isList, knownFormats, wanted } from './formats/columns.ts'
import { isObject, scoresAt } from './formats/fields.ts'
import type { Format, KnownFormat, Row } from './formats/format.ts'
import { CONVERT, NEEDS, recogniseFormat } from './formats/recognise.ts'
import type { LabelKind, pairFacts, pairTexts } from './pair.ts'
import { Reading } from './reading.ts'
import type { rejectSchema } from './rejects.ts'

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

/** A look at the first rows: what the file is; refuses one that is missing, damaged at its beginning, of no known format or of another than the config says. */
export async function probe(file: SourceFile): Promise<Recognised & { format: KnownFormat }> {
  const { container, compression, columns, format } = await lookAt(file)
  if (file.format !== 'auto') await refuseMisfit(file, format, columns)
  return { container, compression, format }
}

/** Of so many rows at the beginning one must fit the format that the config names: else not the rows are wrong, but the format. */
const MISFITS = 20

async function refuseMisfit(file: SourceFile, format: KnownFormat, columns?: readonly ColumnName[]): Promise<void> {
  const reading = new Reading(file, format)
  const only = columns && wanted(columns, format, file.shown_first).map(column => column.name)
  const limit = Math.min(file.limit ?? MISFITS, MISFITS)
  for await (const chunk of readRows(file.path, file.shown, { limit, only, bytes: true })) for (const row of chunk) reading.read(row)
  const { rows, rejected, rejects } = reading.result()
  if (rows < MISFITS || rejected < rows) return
  const [field, error] = (['field', 'error'] as const).map(name => stringAt(rejects[0].columns[name], 0))
  throw new UserError(
    `${file.shown}: none of its first ${rows} rows is a row of format ${format} (the first: ${field === '' ? '' : `${field} `}${error}); format: auto finds out which it is. ${CONVERT}`,
  )
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
