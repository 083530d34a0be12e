/** Values of Arrow columns as plain JS: text as bytes, structs as objects, lists as arrays. */
import { isUtf8 } from 'node:buffer'
import { type Data, type FixedSizeList, Type, Vector } from 'apache-arrow'
import { plainValue, textIn, utf8In } from './plain-value.ts'

type At = (i: number) => unknown

/** A reader of one column of a record batch; what it gives is valid as long as the batch. */
export function arrowReader(data: Data, field: string): At {
  const at = readerOf(data, field)
  if (data.nullCount === 0) return at
  return i => (data.getValid(i) ? at(i) : null)
}

function readerOf(data: Data, field: string): At {
  switch (data.typeId) {
    case Type.Null:
      return () => null
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Binary:
    case Type.LargeBinary:
      return textReader(data, field)
    case Type.Utf8View:
    case Type.BinaryView:
      return viewReader(data, field)
    case Type.Dictionary:
      return dictionaryReader(data, field)
    case Type.List:
    case Type.LargeList:
      return listReader(data, field, i => Number(data.valueOffsets[i]))
    case Type.FixedSizeList:
      return listReader(data, field, i => i * (data.type as FixedSizeList).listSize)
    case Type.Map:
      return mapReader(data, field)
    case Type.Struct:
      return structReader(data, field)
    default:
      return scalarReader(data)
  }
}

function textReader(data: Data, field: string): At {
  const values = data.values as Uint8Array
  const offsets = data.valueOffsets as Int32Array | BigInt64Array
  const clean = isUtf8(values.subarray(0, Number(offsets[data.length])))
  return i => textIn(values, Number(offsets[i]), Number(offsets[i + 1]), clean, field)
}

/** String views: 16 bytes a row, short texts inside, long ones in one of several buffers. */
function viewReader(data: Data, field: string): At {
  const { values, variadicBuffers } = data as unknown as { values: Uint8Array; variadicBuffers: readonly Uint8Array[] }
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength)
  return i => {
    const length = view.getInt32(i * 16, true)
    if (length <= 12) return utf8In(values.subarray(i * 16 + 4, i * 16 + 4 + length), field)
    const start = view.getInt32(i * 16 + 12, true)
    return utf8In(variadicBuffers[view.getInt32(i * 16 + 8, true)].subarray(start, start + length), field)
  }
}

function dictionaryReader(data: Data, field: string): At {
  const chunks = data.dictionary!.data as readonly Data[]
  const readers = chunks.map(chunk => arrowReader(chunk, field))
  const indices = data.values as Int32Array
  return row => {
    let i = Number(indices[row])
    let chunk = 0
    while (i >= chunks[chunk].length) i -= chunks[chunk++].length
    return readers[chunk](i)
  }
}

function listReader(data: Data, field: string, start: (i: number) => number): At {
  const at = arrowReader(data.children[0], field)
  return i => {
    const items: unknown[] = []
    const end = start(i + 1)
    for (let k = start(i); k < end; k++) items.push(at(k))
    return items
  }
}

function structReader(data: Data, field: string): At {
  const names = (data.type.children as readonly { name: string }[]).map(child => child.name)
  const readers = data.children.map((child, k) => arrowReader(child, `${field}.${names[k]}`))
  return i => {
    const object: Record<string, unknown> = {}
    for (let k = 0; k < readers.length; k++) object[names[k]] = readers[k](i)
    return object
  }
}

function mapReader(data: Data, field: string): At {
  const [keys, values] = data.children[0].children.map(child => arrowReader(child, field))
  return i => {
    const object: Record<string, unknown> = {}
    for (let k = data.valueOffsets[i]; k < data.valueOffsets[i + 1]; k++) object[keyOf(keys(k))] = values(k)
    return object
  }
}

const keyOf = (key: unknown): string => (key instanceof Uint8Array ? Buffer.from(key).toString('utf8') : String(key))

function scalarReader(data: Data): At {
  const vector = new Vector([data])
  return i => plainValue(vector.get(i))
}
