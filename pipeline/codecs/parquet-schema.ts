/** How written columns are spelled in Parquet: the schema's elements and its leaves, with the levels of their nesting. */
import type { Field, Schema } from '../batch.ts'
import type { OutColumn, OutField } from './out-columns.ts'
import type { ThriftStruct } from './thrift-writer.ts'

// Numbers of enums: parquet.thrift of the Parquet format.
export const physical = { BOOLEAN: 0, INT32: 1, INT64: 2, FLOAT: 4, DOUBLE: 5, BYTE_ARRAY: 6 } as const
export type Physical = keyof typeof physical
const REPETITION = { required: 0, optional: 1, repeated: 2 } as const
type Repetition = keyof typeof REPETITION

/** A column of values; `path` from the root. */
export interface Leaf {
  readonly path: readonly string[]
  readonly physical: Physical
  readonly field: Exclude<OutField, object> | { readonly labels: readonly string[] }
  readonly max_definition: number
  readonly max_repetition: number
}

interface Scalar {
  readonly physical: Physical
  readonly annotation?: { readonly converted: number; readonly logical: ThriftStruct }
}

const TEXT: Scalar = { physical: 'BYTE_ARRAY', annotation: { converted: 0, logical: { struct: { 1: { struct: {} } } } } }
const integer = (converted: number, signed: boolean): Scalar => ({
  physical: 'INT32',
  annotation: { converted, logical: { struct: { 10: { struct: { 1: { i8: 8 }, 2: { bool: signed } } } } } },
})
const SCALARS: Readonly<Record<string, Scalar>> = {
  utf8: TEXT,
  id: TEXT,
  u8: integer(11, false),
  i8: integer(15, true),
  i32: { physical: 'INT32' },
  i64: { physical: 'INT64' },
  f32: { physical: 'FLOAT' },
  f64: { physical: 'DOUBLE' },
  bool: { physical: 'BOOLEAN' },
}
const LIST = { converted: 3, logical: { struct: { 3: { struct: {} } } } } as const

export interface ParquetSchema {
  readonly elements: readonly ThriftStruct[]
  /** The leaves of each written column. */
  readonly leaves: readonly (readonly Leaf[])[]
}

interface Place {
  readonly path: readonly string[]
  readonly definition: number
  readonly repetition: number
}

/** Text is plain UTF-8 and never null below a list; a list is `NAME.list.element`. */
export function parquetSchema(columns: readonly OutColumn[]): ParquetSchema {
  const elements: ThriftStruct[] = [element('schema', undefined, { children: columns.length })]
  const leaves = columns.map(({ name, field, required }) => {
    const found: Leaf[] = []
    describe(name, field, required, { path: [], definition: 0, repetition: 0 }, elements, found)
    return found
  })
  return { elements, leaves }
}

function describe(name: string, field: OutField, required: boolean, at: Place, elements: ThriftStruct[], leaves: Leaf[]): void {
  const repetition: Repetition = required ? 'required' : 'optional'
  const path = [...at.path, name]
  const here: Place = { ...at, path, definition: at.definition + (required ? 0 : 1) }
  if (typeof field === 'object' && 'list' in field) {
    elements.push(element(name, repetition, { children: 1, annotation: LIST }))
    elements.push(element('list', 'repeated', { children: 1 }))
    const inner = { path: [...path, 'list'], definition: here.definition + 1, repetition: at.repetition + 1 }
    describeStruct('element', field.list, true, inner, elements, leaves)
  } else if (typeof field === 'object' && 'struct' in field) describeStruct(name, field.struct, required, at, elements, leaves)
  else {
    const scalar = scalarOf(field)
    elements.push(element(name, repetition, scalar))
    leaves.push({
      path,
      physical: scalar.physical,
      field: field as Leaf['field'],
      max_definition: here.definition,
      max_repetition: here.repetition,
    })
  }
}

function describeStruct(name: string, schema: Schema, required: boolean, at: Place, elements: ThriftStruct[], leaves: Leaf[]): void {
  const children = Object.entries(schema)
  elements.push(element(name, required ? 'required' : 'optional', { children: children.length }))
  const inner = { ...at, path: [...at.path, name], definition: at.definition + (required ? 0 : 1) }
  for (const [child, field] of children) describe(child, field, required, inner, elements, leaves)
}

function scalarOf(field: OutField): Scalar {
  if (typeof field === 'string') return SCALARS[field]
  if ('labels' in field) return TEXT
  throw new Error(`${JSON.stringify(field satisfies Field | object)} columns are not written`)
}

interface Kind {
  readonly physical?: Physical
  readonly children?: number
  readonly annotation?: Scalar['annotation']
}

const element = (name: string, repetition: Repetition | undefined, { physical: type, children, annotation }: Kind): ThriftStruct => ({
  struct: {
    1: type && { i32: physical[type] },
    3: repetition && { i32: REPETITION[repetition] },
    4: { text: name },
    5: children === undefined ? undefined : { i32: children },
    6: annotation && { i32: annotation.converted },
    10: annotation?.logical,
  },
})
