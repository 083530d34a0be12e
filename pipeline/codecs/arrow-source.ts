/** Arrow IPC, file and stream: one record batch in memory at a time. */
import { open } from 'node:fs/promises'
import {
  type AsyncRecordBatchFileReader,
  type AsyncRecordBatchStreamReader,
  CompressionType,
  compressionRegistry,
  type DataType,
  RecordBatchReader,
  Type,
} from 'apache-arrow'
import { arrowReader } from './arrow-values.ts'
import { columnRows } from './column-rows.ts'
import { damaged, messageOf, unreadable } from './damage.ts'
import { type FileEnds, fileBytes, startsWith } from './file-bytes.ts'
import { unlz4 } from './lz4.ts'
import type { ColumnName, RowBlock, RowSource } from './row-source.ts'
import { openZstd } from './zstd.ts'

const FILE_MAGIC = [...Buffer.from('ARROW1')]

interface OpenFile {
  readonly reader: AsyncRecordBatchFileReader | AsyncRecordBatchStreamReader
  close(): Promise<unknown>
}

/** Whether the first bytes are those of an Arrow file, or of a stream (a continuation mark and a length). */
export function arrowKind({ head }: FileEnds): 'file' | 'stream' | undefined {
  if (startsWith(head, ...FILE_MAGIC)) return 'file'
  return startsWith(head, 0xff, 0xff, 0xff, 0xff) && head.length >= 8 && head.readInt32LE(4) > 0 ? 'stream' : undefined
}

/** Opens the file far enough to know its columns. */
export async function openArrow(path: string, shown: string, ends: FileEnds): Promise<RowSource> {
  const kind = arrowKind(ends)!
  if (kind === 'file' && !startsWith(ends.tail.subarray(-6), ...FILE_MAGIC))
    throw damaged(shown, `byte ${ends.size}`, 'expected the footer of an Arrow file, got other bytes')
  await registerCodecs()
  const { reader, close } = await openReader(path, shown, kind)
  const columns = reader.schema.fields.map(field => columnName(field.name, field.type))
  await close()
  const all = columns.map(column => column.name)
  return { container: 'arrow', compression: 'none', columns, blocks: (wanted = all) => batches(path, shown, kind, wanted) }
}

function columnName(name: string, type: DataType): ColumnName {
  const values = type.typeId === Type.Dictionary ? (type as { dictionary: DataType }).dictionary : type
  const texts = [Type.Utf8, Type.LargeUtf8, Type.Utf8View, Type.Binary, Type.LargeBinary, Type.BinaryView]
  const plain = ![...texts, Type.Null, Type.List, Type.LargeList, Type.FixedSizeList, Type.Struct, Type.Map].includes(values.typeId)
  return { name, type: String(type), plain }
}

async function* batches(path: string, shown: string, kind: 'file' | 'stream', wanted: readonly string[]): AsyncGenerator<RowBlock> {
  const { reader, close } = await openReader(path, shown, kind)
  let rows = 0
  try {
    for (;;) {
      const { value, done } = await reader.next().catch(error => {
        throw damaged(shown, `Arrow, after row ${rows - 1}`, messageOf(error))
      })
      if (done) return
      const children = reader.schema.fields.map(({ name }, k) => [name, value.data.children[k]] as const)
      const readers = children.filter(([name]) => wanted.includes(name)).map(([name, data]) => [name, arrowReader(data, name)] as const)
      rows += value.numRows
      yield columnRows(value.numRows, Object.fromEntries(readers))
    }
  } finally {
    await close()
  }
}

async function openReader(path: string, shown: string, kind: 'file' | 'stream'): Promise<OpenFile> {
  const bytes = kind === 'stream' ? fileBytes(path, shown, 'none') : undefined
  const handle = bytes
    ? undefined
    : await open(path, 'r').catch(error => {
        throw unreadable(shown, error)
      })
  const close = async () => (bytes ? bytes.return(undefined) : handle!.close())
  try {
    const reader = await (bytes ? RecordBatchReader.from(bytes) : RecordBatchReader.from(handle!))
    await reader.open()
    return { reader: reader as OpenFile['reader'], close }
  } catch (error) {
    await close()
    throw damaged(shown, 'Arrow', messageOf(error))
  }
}

let registered = false

async function registerCodecs(): Promise<void> {
  if (registered) return
  registered = true
  const unzstd = await openZstd()
  compressionRegistry.set(CompressionType.ZSTD, { decode: packed => whole(unzstd(packed, unpackedSize(packed)), 'zstd') })
  compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: packed => whole(unlz4(packed, unpackedSize(packed)), 'lz4') })
}

/** Arrow writes the unpacked size in 8 bytes before each packed buffer. */
const unpackedSize = (packed: Uint8Array): number => Number(new DataView(packed.buffer, packed.byteOffset - 8, 8).getBigInt64(0, true))

function whole(bytes: Uint8Array | undefined, codec: string): Uint8Array {
  if (bytes) return bytes
  throw new Error(`a ${codec} buffer does not unpack`)
}
