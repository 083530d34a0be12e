/** Which columns of a Parquet file our own reader knows, and how each is put together from its leaves. */
import { BOOLEAN, BYTE_ARRAY, WIDTHS } from './parquet-decodings.ts'
import type { Element, ParquetFooter } from './parquet-footer.ts'
import { ENCODINGS, type Leaf } from './parquet-leaf.ts'
import { CODECS } from './parquet-unpack.ts'
import type { ColumnName } from './row-source.ts'

/** How a column is put together from its leaves. `definition` = the level from which on it is there. */
export type Shape =
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
