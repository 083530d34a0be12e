/**
 * Rows of the common kinds of Parquet files: texts and plain numbers, structs and lists of such, in the usual encodings. They are read without
 * DuckDB, which is slower and has to be tried in another process first; what is not known here is left to it. Nesting by Dremel's levels
 * (Melnik et al. 2010).
 */
import { isUtf8 } from 'node:buffer'
import { closeSync, openSync } from 'node:fs'
import { columnRows } from './column-rows.ts'
import { damaged, unreadable } from './damage.ts'
import { BOOLEAN, BYTE_ARRAY, WIDTHS } from './parquet-decodings.ts'
import type { Element, ParquetFooter } from './parquet-footer.ts'
import { CODECS, ENCODINGS, type Leaf, LeafCursor, openUnpackers, type ParquetFile } from './parquet-leaf.ts'
import { type ColumnName, type RowBlock, RowFault } from './row-source.ts'

/** How a column is put together from its leaves. `definition` = the level from which on it is there. */
type Shape =
  | { readonly kind: 'value'; readonly leaf: Leaf; readonly type: string; readonly field: string }
  | { readonly kind: 'struct'; readonly definition: number; readonly names: readonly string[]; readonly shapes: readonly Shape[] }
  | { readonly kind: 'list'; readonly definition: number; readonly filled: number; readonly repetition: number; readonly item: Shape }

/** A column that is read here, and the place of its first leaf among those of a row group. */
export interface OwnColumn extends ColumnName {
  readonly shape: Shape
  readonly first: number
}

const [OPTIONAL, REPEATED] = [1, 2]
/** ConvertedType: UTF8, LIST, and whole numbers that are what they look like. */
const UTF8 = 0
const LIST = 3
const WHOLE = [11, 12, 15, 16, 17, 18]
const LOGICAL_STRING = 1
const LOGICAL_LIST = 3
const LOGICAL_INTEGER = 10

/** The columns that are read here; others, and all columns where the file does not say them plainly, are left out. */
export function ownColumns({ columns, groups }: ParquetFooter): OwnColumn[] {
  const names = new Set(columns.map(({ name }) => name.toLowerCase()))
  const leaves = columns.reduce((sum, element) => sum + leavesOf(element), 0)
  if (names.size < columns.length || groups.some(({ chunks }) => chunks.length !== leaves)) return []
  let first = 0
  return columns.flatMap(element => {
    const from = first
    first += leavesOf(element)
    const shape = shapeOf(element, element.name, 0, 0)
    const readable = groups.every(({ chunks }) =>
      chunks
        .slice(from, first)
        .every(
          ({ column, codec, encodings }) =>
            column === element.name && CODECS.includes(codec) && encodings.every(e => ENCODINGS.includes(e)),
        ),
    )
    return shape && readable ? [{ name: element.name, type: typeOf(shape), plain: isPlain(shape), shape, first: from }] : []
  })
}

const leavesOf = ({ physical, children }: Element): number =>
  physical === undefined ? children.reduce((sum, child) => sum + leavesOf(child), 0) : 1

function shapeOf(element: Element, field: string, definition: number, repetition: number): Shape | undefined {
  const { repetition: repeats, children, physical, converted, logical } = element
  if (repeats === REPEATED) return undefined
  const level = definition + (repeats === OPTIONAL ? 1 : 0)
  if (physical !== undefined) {
    const type = scalarType(element)
    return type === undefined ? undefined : { kind: 'value', leaf: { physical, definition: level, repetition }, type, field }
  }
  if (converted === LIST || logical === LOGICAL_LIST) return listShape(element, field, level, repetition)
  if (converted !== undefined || logical !== undefined || children.length === 0) return undefined
  const shapes = children.flatMap(child => shapeOf(child, `${field}.${child.name}`, level, repetition) ?? [])
  return shapes.length < children.length
    ? undefined
    : { kind: 'struct', definition: level, names: children.map(({ name }) => name), shapes }
}

/** A list has a repeated group of one element; older writers leave out one of the two, or name the group after what it holds. */
function listShape({ name, children }: Element, field: string, definition: number, repetition: number): Shape | undefined {
  const [group] = children
  if (children.length !== 1 || group.repetition !== REPEATED || group.children.length !== 1) return undefined
  if (group.name === 'array' || group.name === `${name}_tuple`) return undefined
  const item = shapeOf(group.children[0], field, definition + 1, repetition + 1)
  return item && { kind: 'list', definition, filled: definition + 1, repetition: repetition + 1, item }
}

const NUMBERS: Readonly<Record<number, string>> = { 1: 'INTEGER', 2: 'BIGINT', 4: 'FLOAT', 5: 'DOUBLE' }

/** The name that DuckDB gives the type; undefined for types that are not plain numbers or texts. */
function scalarType({ physical = -1, converted, logical }: Element): string | undefined {
  const bare = converted === undefined && logical === undefined
  if (physical === BYTE_ARRAY) {
    if (bare) return 'BLOB'
    return (converted === UTF8 || converted === undefined) && (logical === LOGICAL_STRING || logical === undefined) ? 'VARCHAR' : undefined
  }
  if (physical === BOOLEAN) return bare ? 'BOOLEAN' : undefined
  if (!(physical in WIDTHS)) return undefined
  const whole = converted !== undefined && WHOLE.includes(converted) && (logical === undefined || logical === LOGICAL_INTEGER)
  return bare || whole ? NUMBERS[physical] : undefined
}

const isPlain = (shape: Shape): boolean => shape.kind === 'value' && shape.leaf.physical !== BYTE_ARRAY

function typeOf(shape: Shape): string {
  if (shape.kind === 'value') return shape.type
  if (shape.kind === 'list') return `${typeOf(shape.item)}[]`
  return `STRUCT(${shape.names.map((name, k) => `${name} ${typeOf(shape.shapes[k])}`).join(', ')})`
}

const BLOCK_ROWS = 2048

/** The rows of a file, of these columns; `rows`: not more than the first so many. */
export async function* records(
  path: string,
  shown: string,
  footer: ParquetFooter,
  columns: readonly OwnColumn[],
  rows = footer.rows,
): AsyncGenerator<RowBlock> {
  const file = await openFile(path, shown)
  try {
    let left = rows
    for (let group = 0; group < footer.groups.length && left > 0; group++) {
      yield* groupRecords(file, footer, columns, group, left)
      left -= footer.groups[group].rows
    }
  } finally {
    closeSync(file.fd)
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

/** The caller closes its `fd`. */
export async function openFile(path: string, shown: string): Promise<ParquetFile> {
  const unpackers = await openUnpackers()
  try {
    return { fd: openSync(path, 'r'), shown, unpackers }
  } catch (error) {
    throw unreadable(shown, error)
  }
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
