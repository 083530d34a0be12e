/** A group of rows as Parquet sees it: for each leaf its levels, and its values without the nulls (Melnik et al. 2010, "Dremel", section 4.1). */
import { type Column, type Field, type Ids, type List, type Numbers, slice, type Utf8, type Valid } from '../batch.ts'
import { gatherColumn } from '../gather.ts'
import { childName, type Group, type OutColumn } from './out-columns.ts'
import { dictionaryOfLabels, type TextDictionary } from './parquet-encodings.ts'
import type { Leaf } from './parquet-schema.ts'
import { hexOf, labelsOf } from './written-text.ts'

/** The levels are absent where the leaf has none; `values` = how many values are there, laid end to end in `column`. */
export interface Entries {
  readonly levels: number
  readonly definition?: Uint8Array
  readonly repetition?: Uint8Array
  readonly values: number
  readonly column: Utf8 | Numbers
  /** Of labels: what `column` then holds is the labels themselves. */
  readonly dictionary?: TextDictionary
}

/** The entries of a written column's leaves, in the order of the schema. */
export function entriesOf({ name, field, required }: OutColumn, leaves: readonly Leaf[], group: Group): Entries[] {
  const column = group.columns[name] as Column
  const { rows } = group
  if (typeof field === 'object' && 'list' in field) return listEntries(column as List, !required, leaves, rows)
  if (typeof field === 'object' && 'struct' in field) {
    const present = required ? undefined : (column as Numbers<Uint8Array>).values
    return leaves.map(leaf => structEntries(group.columns[childName(name, leaf.path.at(-1)!)] as Column, present, leaf, rows))
  }
  return [required ? dense(column, leaves[0], rows) : nullable(column, validOf(column, rows), leaves[0], rows)]
}

const validOf = ({ valid }: Column, rows: number): Uint8Array => valid?.subarray(0, rows) ?? new Uint8Array(rows).fill(1)

const dense = (column: Column, { field }: Leaf, rows: number): Entries => ({
  levels: rows,
  values: rows,
  ...asWritten(column, field, rows),
})

/** `valid` is the definition level of a column that is optional by itself. */
function nullable(column: Column, valid: Uint8Array, leaf: Leaf, rows: number, definition = valid): Entries {
  const index = indexOf(valid)
  if (index.length === rows) return { ...dense(column, leaf, rows), definition }
  const kept = gatherColumn({ ...column, valid: undefined }, storedAs(leaf.field), index)
  return { levels: rows, definition, values: index.length, ...asWritten(kept, leaf.field, index.length) }
}

function indexOf(valid: Uint8Array): Int32Array {
  const index = new Int32Array(valid.length)
  let count = 0
  for (let i = 0; i < valid.length; i++) if (valid[i] === 1) index[count++] = i
  return index.subarray(0, count)
}

/** A child of an optional struct: 0 = no struct, 1 = a null in it, 2 = a value. */
function structEntries(child: Column, present: Valid, leaf: Leaf, rows: number): Entries {
  if (!present) return dense(child, leaf, rows)
  const valid = new Uint8Array(rows)
  const definition = new Uint8Array(rows)
  for (let i = 0; i < rows; i++) {
    valid[i] = present[i] & (child.valid ? child.valid[i] : 1)
    definition[i] = present[i] + valid[i]
  }
  return nullable(child, valid, leaf, rows, definition)
}

function listEntries(list: List, optional: boolean, leaves: readonly Leaf[], rows: number): Entries[] {
  const { starts, valid } = list
  const empty = optional ? 1 : 0
  let levels = 0
  for (let i = 0; i < rows; i++) levels += Math.max(1, lengthAt(list, i))
  const definition = new Uint8Array(levels)
  const repetition = new Uint8Array(levels)
  let at = 0
  for (let i = 0; i < rows; i++) {
    const length = lengthAt(list, i)
    if (length === 0) definition[at++] = valid && !valid[i] ? 0 : empty
    for (let k = 0; k < length; k++) {
      repetition[at] = k === 0 ? 0 : 1
      definition[at++] = empty + 1
    }
  }
  const items = valid?.includes(0) ? gathered(list, rows) : slice(list.items, starts[0], starts[rows])
  return leaves.map(leaf => ({ ...dense(items.columns[leaf.path.at(-1)!] as Column, leaf, items.rows), levels, definition, repetition }))
}

const lengthAt = ({ starts, valid }: List, i: number): number => (valid && !valid[i] ? 0 : starts[i + 1] - starts[i])

/** The items of the rows that are not null. */
function gathered({ starts, items, valid }: List, rows: number): List['items'] {
  const index = indexOf(valid!.subarray(0, rows))
  return (gatherColumn({ starts, items }, { list: items.schema }, index) as List).items
}

function storedAs(field: Leaf['field']): Field {
  if (field === 'bool' || field === 'i8') return 'u8'
  return field === 'i64' ? 'i32' : field
}

function asWritten(column: Column, field: Leaf['field'], values: number): Pick<Entries, 'column' | 'dictionary'> {
  if (field === 'id') return { column: hexOf(column as Ids, undefined, values) }
  if (typeof field !== 'object') return { column: column as Utf8 | Numbers }
  const labels = column as Numbers<Uint8Array>
  const found = dictionaryOfLabels(labels.values, field.labels, values)
  return found ? { column: found.texts, dictionary: found.dictionary } : { column: labelsOf(labels, field.labels, undefined, values) }
}
