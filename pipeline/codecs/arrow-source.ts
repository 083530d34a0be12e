/** Arrow IPC, file and stream: one record batch in memory at a time. */
import { type FileHandle, open } from 'node:fs/promises'
import {
  type AsyncRecordBatchFileReader,
  type AsyncRecordBatchStreamReader,
  CompressionType,
  compressionRegistry,
  type DataType,
  type Dictionary,
  type RecordBatch,
  RecordBatchReader,
  type Schema,
  Type,
} from 'apache-arrow'
import { UserError } from '../errors.ts'
import { checkLayout } from './arrow-layout.ts'
import { arrowKind, checkedStream, checkFile } from './arrow-messages.ts'
import { arrowReader } from './arrow-values.ts'
import { columnRows } from './column-rows.ts'
import { damaged, messageOf, unreadable } from './damage.ts'
import { type FileEnds, fileBytes } from './file-bytes.ts'
import { unlz4 } from './lz4.ts'
import { type ColumnName, type Row, type RowBlock, RowFault, type RowSource } from './row-source.ts'
import { openZstd } from './zstd-buffers.ts'

interface OpenFile {
  readonly reader: AsyncRecordBatchFileReader | AsyncRecordBatchStreamReader
  close(): Promise<unknown>
}

/** Opens the file far enough to know its columns. */
export async function openArrow(path: string, shown: string, ends: FileEnds): Promise<RowSource> {
  const kind = arrowKind(ends)!
  if (kind === 'file') await checkFile(path, shown, ends)
  await registerCodecs()
  const { reader, close } = await openReader(path, shown, kind)
  const columns = columnsOf(reader.schema, shown)
  await close()
  const all = columns.map(column => column.name)
  return { container: 'arrow', compression: 'none', columns, blocks: (wanted = all) => batches(path, shown, kind, wanted) }
}

function columnsOf(schema: Schema, shown: string): ColumnName[] {
  try {
    return schema.fields.map(field => columnName(field.name, field.type))
  } catch (error) {
    throw faultOf(shown, 'Arrow schema', error)
  }
}

function columnName(name: string, type: DataType): ColumnName {
  const values = type.typeId === Type.Dictionary ? (type as Dictionary).dictionary : type
  const texts = [Type.Utf8, Type.LargeUtf8, Type.Utf8View, Type.Binary, Type.LargeBinary, Type.BinaryView]
  const plain = ![...texts, Type.Null, Type.List, Type.LargeList, Type.FixedSizeList, Type.Struct, Type.Map].includes(values.typeId)
  return { name, type: String(type), plain }
}

async function* batches(path: string, shown: string, kind: 'file' | 'stream', wanted: readonly string[]): AsyncGenerator<RowBlock> {
  const { reader, close } = await openReader(path, shown, kind)
  let rows = 0
  try {
    for (;;) {
      const { value, done } = await reader.next()
      if (done) return
      yield guarded(rowsOf(value, wanted), shown, rows)
      rows += value.numRows
    }
  } catch (error) {
    throw faultOf(shown, `Arrow, from row ${rows}`, error)
  } finally {
    await close()
  }
}

function rowsOf(batch: RecordBatch, wanted: readonly string[]): RowBlock {
  const { fields } = batch.schema
  const columns = batch.data.children.map((data, k) => ({ name: fields[k].name, data })).filter(({ name }) => wanted.includes(name))
  const other = columns.find(({ data }) => data.length !== batch.numRows)
  if (other) throw new RangeError(`column ${other.name} has other rows than its batch`)
  for (const { name, data } of columns) checkLayout(data, name)
  return columnRows(batch.numRows, Object.fromEntries(columns.map(({ name, data }) => [name, arrowReader(data, name)])))
}

/** What a damaged batch makes of its values shows only when they are read. */
function guarded(block: RowBlock, shown: string, first: number): RowBlock {
  const row = (i: number): Row => {
    try {
      return block.row(i)
    } catch (error) {
      if (error instanceof RowFault) throw error
      throw damaged(shown, `Arrow, row ${first + i}`, messageOf(error))
    }
  }
  return { ...block, row }
}

async function openReader(path: string, shown: string, kind: 'file' | 'stream'): Promise<OpenFile> {
  const input = kind === 'file' ? await openHandle(path, shown) : checkedStream(fileBytes(path, shown, 'none'), shown)
  const close = async () => ('close' in input ? input.close() : input.return(undefined))
  try {
    const reader = await ('close' in input ? RecordBatchReader.from(input) : RecordBatchReader.from(input))
    await reader.open()
    if (!reader.schema) throw new Error('there is no schema')
    return { reader: reader as OpenFile['reader'], close }
  } catch (error) {
    await close()
    throw faultOf(shown, 'Arrow', error)
  }
}

const openHandle = (path: string, shown: string): Promise<FileHandle> =>
  open(path, 'r').catch(error => {
    throw unreadable(shown, error)
  })

function faultOf(shown: string, place: string, error: unknown): UserError {
  if (error instanceof UserError) return error
  const message = messageOf(error)
  if (!/^Unrecognized type/.test(message)) return damaged(shown, place, message)
  return new UserError(`${shown}: Arrow: ${message}, which goldpan cannot read; write such columns as lists or utf8`)
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
