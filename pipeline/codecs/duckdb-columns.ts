/** Columns of a DuckDB chunk as plain JS: text as bytes, copied out of DuckDB's memory in few large pieces. */
import { isUtf8 } from 'node:buffer'
import {
  type DuckDBDataChunk,
  DuckDBDecimalValue,
  DuckDBListType,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
  DuckDBVector,
} from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { plainValue, textIn, utf8In } from './plain-value.ts'

type At = (i: number) => unknown

/** A vector and the chunk that owns its memory, which would be freed without it. */
interface Vector {
  readonly chunk: DuckDBDataChunk
  readonly raw: duckdb.Vector
  readonly rows: number
  /** A bit a row; null = no nulls. */
  readonly valid: Uint8Array | null
}

function vectorOf(chunk: DuckDBDataChunk, raw: duckdb.Vector, rows: number): Vector {
  return { chunk, raw, rows, valid: duckdb.vector_get_validity(raw, Math.ceil(rows / 64) * 8) }
}

const isValid = ({ valid }: Vector, i: number): boolean => valid === null || (valid[i >> 3] & (1 << (i & 7))) !== 0

/** A reader of column k of a chunk. What it gives stays valid. */
export function duckReader(chunk: DuckDBDataChunk, k: number, type: DuckDBType, field: string): At {
  return readerOf(vectorOf(chunk, duckdb.data_chunk_get_vector(chunk.chunk, k), chunk.rowCount), type, field)
}

function readerOf(vector: Vector, type: DuckDBType, field: string): At {
  const at = valuesOf(vector, type, field)
  return vector.valid ? i => (isValid(vector, i) ? at(i) : null) : at
}

function valuesOf(vector: Vector, type: DuckDBType, field: string): At {
  if (type.typeId === DuckDBTypeId.VARCHAR || type.typeId === DuckDBTypeId.BLOB) return textReader(vector, field)
  if (type instanceof DuckDBListType) return listReader(vector, type, field)
  if (type instanceof DuckDBStructType) return structReader(vector, type, field)
  const held = { ...vector, items: DuckDBVector.create(vector.raw, vector.rows, type) }
  return i => scalarOf(held.items.getItem(i))
}

/** 16 bytes a row: of a text its length, then up to 12 bytes of it, or 4 and a pointer to all; of a list its first item and their number. */
const ENTRY = 16
const INLINE = 12

/** Texts that lie end to end are copied together, up to so many bytes. */
const SPAN = 4 << 20

interface Span {
  readonly bytes: Uint8Array
  readonly clean: boolean
}

/** DuckDB hands over texts one behind the other, in blocks that double in size: a chunk has a dozen spans. */
function textReader(vector: Vector, field: string): At {
  const entries = duckdb.vector_get_data(vector.raw, vector.rows * ENTRY)
  const words = wordsOf(entries)
  const { spanAt, spanOf, starts } = spansOf(vector, entries, words)
  return i => {
    const length = words[i * 4]
    if (length <= INLINE) {
      const from = i * ENTRY + 4
      // What is not used of the 12 bytes is 0.
      const ascii = ((words[i * 4 + 1] | words[i * 4 + 2] | words[i * 4 + 3]) & 0x80808080) === 0
      const text = new Uint8Array(entries.buffer, entries.byteOffset + from, length)
      return ascii ? text : utf8In(text, field)
    }
    const { bytes, clean } = spanAt(spanOf[i])
    return textIn(bytes, starts[i], starts[i] + length, clean, field)
  }
}

const wordsOf = (entries: Uint8Array): Uint32Array => new Uint32Array(entries.buffer, entries.byteOffset, entries.byteLength / 4)

function spansOf(vector: Vector, entries: Uint8Array, words: Uint32Array) {
  const spanOf = new Int32Array(vector.rows)
  const starts = new Int32Array(vector.rows)
  const found: { row: number; size: number }[] = []
  let next = -1
  for (let i = 0; i < vector.rows; i++) {
    const length = words[i * 4]
    // The entry of a null is not written.
    if (length <= INLINE || !isValid(vector, i)) continue
    const pointer = words[i * 4 + 3] * 2 ** 32 + words[i * 4 + 2]
    if (pointer !== next || found[found.length - 1].size + length > SPAN) found.push({ row: i, size: 0 })
    const span = found[found.length - 1]
    spanOf[i] = found.length - 1
    starts[i] = span.size
    span.size += length
    next = pointer + length
  }
  const spanOfRow = ({ row, size }: { row: number; size: number }): Span => {
    const bytes = duckdb.get_data_from_pointer(entries.buffer as ArrayBuffer, entries.byteOffset + row * ENTRY + 8, size)
    return { bytes, clean: isUtf8(bytes) }
  }
  // Rows are read in their order, so one span is held: a page of few bytes may say one long text for every row of the chunk.
  let [held, span] = [-1, undefined as Span | undefined]
  const spanAt = (s: number): Span => {
    if (held !== s) [held, span] = [s, spanOfRow(found[s])]
    return span!
  }
  return { spanAt, spanOf, starts }
}

function listReader({ chunk, raw, rows }: Vector, type: DuckDBListType, field: string): At {
  const words = wordsOf(duckdb.vector_get_data(raw, rows * ENTRY))
  const items = vectorOf(chunk, duckdb.list_vector_get_child(raw), duckdb.list_vector_get_size(raw))
  const at = readerOf(items, type.valueType, field)
  return i => {
    // A chunk has fewer than 2^32 items: the upper words of both numbers are 0.
    const from = words[i * 4]
    const values: unknown[] = new Array(words[i * 4 + 2])
    for (let k = 0; k < values.length; k++) values[k] = at(from + k)
    return values
  }
}

function structReader({ chunk, raw, rows }: Vector, type: DuckDBStructType, field: string): At {
  const names = type.entryNames
  const readers = names.map((name, k) =>
    readerOf(vectorOf(chunk, duckdb.struct_vector_get_child(raw, k), rows), type.entryTypes[k], `${field}.${name}`),
  )
  return i => {
    const object: Record<string, unknown> = {}
    for (let k = 0; k < names.length; k++) object[names[k]] = readers[k](i)
    return object
  }
}

function scalarOf(value: unknown): unknown {
  if (value instanceof DuckDBDecimalValue) return value.toDouble()
  if (value instanceof DuckDBMapValue) return Object.fromEntries(value.entries.map(({ key, value }) => [String(key), scalarOf(value)]))
  if (value instanceof DuckDBListValue) return value.items.map(scalarOf)
  return plainValue(value)
}
