/**
 * Rows of the common kinds of Parquet files: texts and plain numbers, structs and lists of such, in the usual encodings. They are read without
 * DuckDB, which is slower and has to be tried in another process first; what is not known here is left to it. Nesting by Dremel's levels
 * (Melnik et al. 2010).
 */
import { isUtf8 } from 'node:buffer'
import { setImmediate } from 'node:timers/promises'
import { columnRows } from './column-rows.ts'
import { damaged } from './damage.ts'
import { BYTE_ARRAY } from './parquet-decodings.ts'
import { closeFile, openFile, type ParquetFile } from './parquet-file.ts'
import type { ParquetFooter } from './parquet-footer.ts'
import { type Leaf, LeafCursor } from './parquet-leaf.ts'
import type { OwnColumn, Shape } from './parquet-shapes.ts'
import { type RowBlock, RowFault } from './row-source.ts'

const BLOCK_ROWS = 2048

/** The rows of a file, of these columns, from row group `from` to before `to`; `rows`: not more than the first so many. */
export async function* records(
  path: string,
  shown: string,
  footer: ParquetFooter,
  columns: readonly OwnColumn[],
  { rows = footer.rows, from = 0, to = footer.groups.length }: { rows?: number; from?: number; to?: number } = {},
): AsyncGenerator<RowBlock> {
  const file = await openFile(path, shown, footer)
  try {
    let left = rows
    for (let group = from; group < to && left > 0; group++) {
      for (const block of groupRecords(file, footer, columns, group, left)) {
        yield block
        // pages that native code unpacked are given back between turns of the event loop only
        await setImmediate()
      }
      left -= footer.groups[group].rows
    }
  } finally {
    closeFile(file)
  }
}

/** The rows of one row group, or the first `most` of them. */
export function* groupRecords(
  file: ParquetFile,
  { groups }: ParquetFooter,
  columns: readonly OwnColumn[],
  group: number,
  most = Number.POSITIVE_INFINITY,
): Generator<RowBlock> {
  const { rows, chunks } = groups[group]
  const readers = columns.map(column => new ColumnReader(file, column, chunks, group))
  for (let at = 0; at < Math.min(rows, most); at += BLOCK_ROWS) {
    const count = Math.min(BLOCK_ROWS, rows - at, most - at)
    yield columnRows(count, Object.fromEntries(readers.map((reader, k) => [columns[k].name, reader.rows(count)])))
  }
  if (most >= rows) for (const reader of readers) reader.end()
}

/** One column of one row group, read row by row. */
class ColumnReader {
  readonly #cursors: readonly LeafCursor[]
  readonly #read: () => unknown
  readonly #repeats: boolean
  readonly #misplaced: () => Error
  #fault: RowFault | undefined

  constructor(file: ParquetFile, { shape, first, name }: OwnColumn, chunks: ParquetFooter['groups'][number]['chunks'], group: number) {
    const cursors: LeafCursor[] = []
    const open = (leaf: Leaf): LeafCursor => {
      const cursor = new LeafCursor(file, leaf, chunks[first + cursors.length], group)
      cursors.push(cursor)
      return cursor
    }
    this.#read = this.#reader(shape, open, () => cursors.length, cursors)
    this.#cursors = cursors
    this.#repeats = shape.kind !== 'value'
    this.#misplaced = () => damaged(file.shown, `row group ${group}, column ${name}`, 'its leaves do not have the same rows')
  }

  /** The next rows of the column; what a row's value holds that is not UTF-8 is thrown as a RowFault when it is asked for. */
  rows(count: number): (i: number) => unknown {
    const values = new Array<unknown>(count)
    const faults = new Map<number, RowFault>()
    for (let i = 0; i < count; i++) {
      if (this.#repeats) for (const cursor of this.#cursors) if (cursor.repetition() !== 0) throw this.#misplaced()
      values[i] = this.#read()
      if (!this.#fault) continue
      faults.set(i, this.#fault)
      this.#fault = undefined
    }
    return i => {
      const fault = faults.get(i)
      if (fault) throw fault
      return values[i]
    }
  }

  end(): void {
    for (const cursor of this.#cursors) cursor.end()
  }

  #reader(shape: Shape, open: (leaf: Leaf) => LeafCursor, opened: () => number, cursors: readonly LeafCursor[]): () => unknown {
    if (shape.kind === 'value') return this.#valueReader(open(shape.leaf), shape)
    const from = opened()
    const parts = (shape.kind === 'struct' ? shape.shapes : [shape.item]).map(part => this.#reader(part, open, opened, cursors))
    const own = cursors.slice(from)
    const skip = (): void => {
      for (const cursor of own) cursor.take()
    }
    return shape.kind === 'struct' ? structReader(shape, own[0], parts, skip) : listReader(shape, own[0], parts[0], skip)
  }

  #valueReader(cursor: LeafCursor, { leaf, field }: Shape & { kind: 'value' }): () => unknown {
    if (leaf.physical !== BYTE_ARRAY) return () => cursor.take()
    return () => {
      const text = cursor.take() as Uint8Array | null
      if (text !== null && !isText(text)) this.#fault ??= new RowFault(field, 'expected UTF-8, got other bytes')
      return text
    }
  }
}

function structReader(
  { definition, names }: Shape & { kind: 'struct' },
  first: LeafCursor,
  parts: readonly (() => unknown)[],
  skip: () => void,
) {
  return () => {
    if (first.definition() < definition) return skip() ?? null
    const object: Record<string, unknown> = {}
    for (let k = 0; k < parts.length; k++) object[names[k]] = parts[k]()
    return object
  }
}

function listReader(
  { definition, filled, repetition }: Shape & { kind: 'list' },
  first: LeafCursor,
  item: () => unknown,
  skip: () => void,
) {
  return () => {
    const level = first.definition()
    if (level < filled) {
      skip()
      return level < definition ? null : []
    }
    const items: unknown[] = []
    do items.push(item())
    while (first.repetition() === repetition)
    return items
  }
}

/** Of a text this short, a loop over the bytes costs less than a call. */
const SHORT = 16

function isText(text: Uint8Array): boolean {
  if (text.length > SHORT) return isUtf8(text)
  let bits = 0
  for (let k = 0; k < text.length; k++) bits |= text[k]
  return bits < 128 || isUtf8(text)
}
