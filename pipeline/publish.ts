/** Writes the files of a build: every row with its outcome, in the order that `arrange` gave. */

import { setImmediate } from 'node:timers/promises'
import { formatOf, type Published } from './accounts.ts'
import { type Arranged, type Folder, folders, readOrder } from './arrange.ts'
import { type Batch, type Ids, type List, type Numbers, nulls, type Schema, slice } from './batch.ts'
import { arrangedKey, type Build, fileKey, rejectsKey } from './build.ts'
import { GROUP_BYTES, GROUP_ROWS, SMALL_GROUPS } from './codecs/out-columns.ts'
import { type OutBatch, type OutColumn, openTableWriter } from './codecs/table-writer.ts'
import { ioError } from './errors.ts'
import {
  flippedColumns,
  humanOf,
  ledgerColumns,
  ownColumns,
  quarantineBatch,
  quarantineColumns,
  rejectsColumns,
  reviewColumns,
  type TrainOptions,
  trainBatch,
  trainColumns,
} from './layouts.ts'
import { labelKinds, type pairFacts, type pairTexts } from './pair.ts'
import { addedBy, repeated, wordsOf } from './row-facts.ts'
import { RowReader } from './rows.ts'
import { linkSame, noteRows, RowsDigest } from './same-rows.ts'
import { totalSettled } from './settle.ts'
import type { TaskReport } from './task.ts'

/** publish/FOLDER/PART: one file of an output folder, into the store. */
export async function publishPart(build: Build, folder: number, part: number): Promise<TaskReport> {
  const key = fileKey(build, folder, part)
  const asked = askedFor(build, folders[folder], part)
  const published = await (holdsTexts(asked.folder) ? writtenOnce(build, asked, key) : written(build, asked, key)).catch(error => {
    throw ioError(build.store.root, error)
  })
  build.store.writeJson(`${key}.record`, { ...published })
  return { rows: published.rows }
}

/** A part of a folder, and how it is to be written. */
interface Asked {
  readonly folder: Folder
  readonly part: number
  readonly columns: readonly OutColumn[]
  /** Narrow columns that it is made of. */
  readonly names: ReadonlySet<string>
}

function askedFor(build: Build, folder: Folder, part: number): Asked {
  const columns = columnsFor(build, folder)
  const names = new Set([...columns.map(column => column.name), 'votes', 'label_kind', 'flipped', `margin_${build.plan.output.margin}`])
  return { folder, part, columns, names }
}

const holdsTexts = (folder: Folder): boolean => folder !== 'ledger' && folder !== 'rejects'

/** Quarantine and review show a pair as it came. */
const textsOf = (folder: Folder): 'as they are' | 'turned' | undefined =>
  holdsTexts(folder) ? (folder === 'quarantine' || folder === 'review' ? 'as they are' : 'turned') : undefined

/** A file with texts is linked where one of the same rows is there. */
async function writtenOnce(build: Build, asked: Asked, key: string): Promise<Published> {
  const { folder, part, columns, names } = asked
  const judged = names.has('human') ? (build.plan.judgements?.digest ?? '') : ''
  const form = JSON.stringify([folder, part, formatOf(build, folder), columns, judged])
  const digest = new RowsDigest(names)
  const tell = (piece: Int32Array): void => digest.add(reader(build).read(piece, names), reader(build).placesOf(piece))
  const pieces = piecesOf(build, asked)
  tell(pieces.next().value)
  const beginning = digest.key('beginning', form)
  // where no file began with these rows none is the same, and the digest is told of them while they are written
  const isNew = !build.store.has(beginning)
  if (!isNew) for (const piece of pieces) tell(piece)
  const found = isNew ? undefined : await linkSame(build, digest.key('rows', form), key)
  if (found) return found
  const whole = isNew ? new RowsDigest(names) : digest
  const published = await written(build, asked, key, isNew ? whole : undefined)
  noteRows(build, beginning, whole.key('rows', form), key, published)
  return published
}

/** `digest` is told of every row. */
async function written(build: Build, { folder, part, columns, names }: Asked, key: string, digest?: RowsDigest): Promise<Published> {
  const file = build.store.scratch()
  // The review app reads single pairs.
  const writer = await openTableWriter(formatOf(build, folder), columns, file, folder === 'review' ? SMALL_GROUPS : undefined)
  for (const batch of batchesFor(build, { folder, part, columns, names }, digest)) {
    await writer.write(batch)
    // pages that native code packed are given back between turns of the event loop only
    await setImmediate()
  }
  const published = await writer.close()
  build.store.replace(key, file)
  return published
}

const trainOptions = (build: Build): TrainOptions => {
  const { signals, margin } = build.plan.output
  return { signals, margin: margin !== undefined, own: ownColumns(build.plan.steps) }
}

function columnsFor(build: Build, folder: Folder): OutColumn[] {
  const { layout } = build.plan.output
  const added = addedBy(build)
  const columns: Record<Folder, () => OutColumn[]> = {
    train: () => trainColumns(layout, trainOptions(build)),
    validation: () => trainColumns(layout, trainOptions(build)),
    flipped: () => flippedColumns(layout, trainOptions(build), Object.keys(added)),
    quarantine: () => quarantineColumns(layout, trainOptions(build)),
    review: () => reviewColumns(Object.keys(added)),
    ledger: () => ledgerColumns(Object.keys(added), ownColumns(build.plan.steps)),
    rejects: rejectsColumns,
  }
  return columns[folder]().map(column => typed(column, { ...added, ...wordsOf(build) }))
}

/** A column is written under the type in which the build holds it, where the folder's own list leaves that open. */
function typed(column: OutColumn, held: Schema): OutColumn {
  const { name, field } = column
  const fixed = field === 'bool' || field === 'i8' || field === 'i64' || (typeof field === 'object' && 'struct' in field)
  return fixed || !(name in held) ? column : { ...column, field: held[name] }
}

const readers = new WeakMap<Build, RowReader>()

/** One reader a worker, so that files which follow one another share what is loaded. */
function reader(build: Build): RowReader {
  let made = readers.get(build)
  if (!made) readers.set(build, (made = new RowReader(build, scaleOf(build))))
  return made
}

/** By what the weights of each source are multiplied, so that their mean over its kept pairs is 1. */
function scaleOf(build: Build): Record<string, number> {
  const scale = Object.entries(totalSettled(build).sources).map(([source, { train, validation, weight }]) => [
    source,
    weight > 0 ? (train + validation) / weight : 1,
  ])
  return Object.fromEntries(scale)
}

function* batchesFor(build: Build, asked: Asked, digest?: RowsDigest): Generator<OutBatch> {
  const { folder, columns, names } = asked
  if (folder === 'rejects') {
    yield* rejectBatches(build, ...placesOf(build, asked))
    return
  }
  for (const piece of piecesOf(build, asked)) {
    const rows = reader(build).read(piece, names, textsOf(folder))
    digest?.add(rows, reader(build).placesOf(piece))
    yield outBatch(build, folder, rows, columns)
  }
}

const placesOf = (build: Build, { folder, part }: Asked): readonly [number, number] =>
  build.store.readJson<Arranged>(arrangedKey(build)).parts[folder][part]

/** The pairs of a part, row group by row group. */
function piecesOf(build: Build, asked: Asked): Generator<Int32Array> {
  const [from, to] = placesOf(build, asked)
  const { folder, part } = asked
  const order = folder === 'ledger' ? Int32Array.from({ length: to - from }, (_, i) => from + i) : readOrder(build, folder, part)
  return reader(build).cut(order, GROUP_ROWS, holdsTexts(folder) ? GROUP_BYTES : Number.POSITIVE_INFINITY)
}

function outBatch(build: Build, folder: Folder, rows: Batch, columns: readonly OutColumn[]): OutBatch {
  const { layout, margin } = build.plan.output
  const all: Record<string, OutBatch['columns'][string]> = { ...rows.columns, human: humanRows(build, rows) }
  if (margin !== undefined) all.margin = rows.columns[`margin_${margin}`]
  for (const { name, field } of columns) if (!all[name]) all[name] = nullColumn(field, rows.rows)
  const texts = rows as Batch as Batch<typeof pairTexts>
  if (folder === 'quarantine') return quarantineBatch(layout, texts, all)
  if (folder === 'ledger' || folder === 'review') return { rows: rows.rows, columns: all }
  return trainBatch(layout, texts, (rows.columns.flipped as Numbers<Uint8Array>).values, all)
}

function nullColumn(field: OutColumn['field'], rows: number): OutBatch['columns'][string] {
  if (typeof field === 'object' && 'struct' in field) throw new Error('a struct column has no null form here')
  return nulls(field === 'bool' || field === 'i8' ? 'u8' : field === 'i64' ? 'i32' : field, rows)
}

/** The votes of people that came with the rows, those of models being no human judgement, and what the judgement log holds. */
function humanRows(build: Build, rows: Batch): OutBatch['columns'][string] {
  const kinds = (rows.columns.label_kind as Numbers<Uint8Array>).values
  const byPeople = kinds.map(kind => (kind <= labelKinds.indexOf('human_derived') ? 1 : 0))
  const cast = rows.columns.votes as List as List<(typeof pairFacts)['votes']['list']>
  return humanOf(cast, rows.rows, byPeople, i => build.judged.of(rows.columns.pair_id as Ids, i))
}

/** Rejects of all inputs laid end to end, those from `from` to `to`. */
function* rejectBatches(build: Build, from: number, to: number): Generator<OutBatch> {
  let first = 0
  for (const piece of build.pieces())
    for (const [i, rows] of build.store.batchRows(rejectsKey(piece)).entries()) {
      const begin = Math.max(0, from - first)
      const end = Math.min(rows, to - first)
      first += rows
      if (begin >= end) continue
      const { columns } = slice(build.store.readBatch(rejectsKey(piece), i), begin, end)
      yield { rows: end - begin, columns: { ...columns, file: repeated(piece.path, end - begin) } }
    }
}
