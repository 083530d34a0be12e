/** Refuses Arrow data whose offsets, indices or lengths reach beyond their buffers: a flipped byte must not read other rows' text or loop for hours. */
import { type Data, type FixedSizeList, Type } from 'apache-arrow'

/** Throws an Error that says what is wrong with which column; the children of a column are checked with it. */
export function checkLayout(data: Data, field: string): void {
  if (!(Number.isSafeInteger(data.length) && data.length >= 0)) throw new Error(`column ${field} has a length of ${data.length}`)
  if (data.nullCount > 0 && data.nullBitmap.length * 8 < data.length) throw short(field)
  checkValues(data, field)
  for (const [k, child] of data.children.entries()) checkLayout(child, `${field}.${data.type.children[k].name}`)
}

const short = (field: string): Error => new Error(`column ${field} holds fewer values than rows`)

function checkValues(data: Data, field: string): void {
  const { length, children } = data
  switch (data.typeId) {
    case Type.Null:
      break
    case Type.Struct:
      for (const child of children) holds(child.length, length, field)
      break
    case Type.FixedSizeList:
      holds(children[0].length, length * (data.type as FixedSizeList).listSize, field)
      break
    case Type.List:
    case Type.LargeList:
    case Type.Map:
      checkOffsets(data, field, children[0].length)
      break
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Binary:
    case Type.LargeBinary:
      checkOffsets(data, field, data.values.length)
      break
    case Type.Utf8View:
    case Type.BinaryView:
      checkViews(data, field)
      break
    case Type.Dictionary:
      checkIndices(data, field)
      break
    case Type.Bool:
      holds(data.values.length * 8, length, field)
      break
    default:
      holds(data.values.length, length * data.stride, field)
  }
}

function holds(room: number, needed: number, field: string): void {
  if (!(room >= needed)) throw short(field)
}

/** Offsets never fall and stay within what they cut. */
function checkOffsets({ length, valueOffsets }: Data, field: string, end: number): void {
  if (length === 0) return
  holds(valueOffsets.length, length + 1, field)
  let before = 0
  for (let i = 0; i <= length; i++) {
    const offset = Number(valueOffsets[i])
    if (offset < before || offset > end)
      throw new Error(`column ${field} has an offset of ${offset} at row ${i}, expected ${before} to ${end}`)
    before = offset
  }
}

function checkViews(data: Data, field: string): void {
  const { values, variadicBuffers } = data as unknown as { values: Uint8Array; variadicBuffers: readonly Uint8Array[] }
  holds(values.length, data.length * 16, field)
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength)
  for (let i = 0; i < data.length; i++) {
    const length = view.getInt32(i * 16, true)
    if (length >= 0 && length <= 12) continue
    if (!data.getValid(i)) continue
    const start = view.getInt32(i * 16 + 12, true)
    const room = variadicBuffers[view.getInt32(i * 16 + 8, true)]?.length ?? -1
    if (length < 0 || start < 0 || start + length > room)
      throw new Error(`column ${field} has a text that lies outside of its buffers at row ${i}`)
  }
}

function checkIndices(data: Data, field: string): void {
  const total = data.dictionary!.length
  holds(data.values.length, data.length, field)
  for (let i = 0; i < data.length; i++) {
    if (!data.getValid(i)) continue
    const index = Number(data.values[i])
    if (!(index >= 0 && index < total)) throw new Error(`column ${field} has the index ${index} at row ${i}, expected 0 to ${total - 1}`)
  }
}
