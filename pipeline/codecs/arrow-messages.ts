/**
 * The messages of Arrow IPC, looked at before the library reads them: it trusts every length, and one flipped byte makes it loop for ever or
 * take a batch for a schema. Arrow has no checksums: what is checked is that nothing is missing and nothing reaches beyond its bounds.
 */
import { Cursor } from './cursor.ts'
import { damaged, messageOf } from './damage.ts'
import { FlatTable } from './flat-table.ts'

const CONTINUATION = 0xffffffff
const END = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])
const SCHEMA = 1
const DICTIONARY = 2
const BATCH = 3
/** Metadata is a few bytes a column and buffer. */
const MAX_METADATA = 1 << 28

/** Where the footer of a file says that its record batches begin. */
export type BatchPlaces = readonly number[]

/** The messages of a stream, or of a file whose footer names `places`; ends with the end mark, which every current writer writes. */
export async function* checkedMessages(bytes: AsyncIterable<Buffer>, shown: string, places?: BatchPlaces): AsyncGenerator<Buffer> {
  const cursor = new Cursor(bytes)
  let batches = 0
  const fault = (what: string): Error => damaged(shown, `Arrow, byte ${cursor.position}`, what)
  const take = async (length: number): Promise<Buffer> => {
    if ((await cursor.fill(length)) < length) throw fault(`the file ends inside a message, after ${batches} record batches`)
    return cursor.take(length)
  }
  try {
    if (places) await take(8)
    for (let first = true; ; first = false) {
      const at = cursor.position
      const head = await take(8)
      const length = head.readInt32LE(4)
      if (head.readUInt32LE(0) !== CONTINUATION || length < 0 || length > MAX_METADATA)
        throw fault('expected an Arrow message, got other bytes')
      if (length === 0) break
      const metadata = await take(length)
      const { kind, body } = checked(metadata, fault)
      if ((kind === SCHEMA) !== first)
        throw fault(first ? 'expected a schema, got another message' : 'expected a record batch, got a schema')
      if (kind === BATCH && places && places[batches] !== at)
        throw fault(`record batch ${batches} lies at byte ${at}, the footer has it at ${places[batches]}`)
      yield Buffer.concat([head, metadata, await take(body)])
      if (kind === BATCH) batches++
    }
    if (places && batches !== places.length) throw fault(`expected ${places.length} record batches, got ${batches}`)
    yield END
  } finally {
    await cursor.close()
  }
}

interface Message {
  readonly kind: number
  /** Bytes that follow the metadata. */
  readonly body: number
}

function checked(metadata: Buffer, fault: (what: string) => Error): Message {
  try {
    return messageIn(metadata)
  } catch (error) {
    throw fault(messageOf(error))
  }
}

// Numbers of fields: Message.fbs and Schema.fbs of the Arrow format.
function messageIn(metadata: Buffer): Message {
  const message = FlatTable.root(metadata)
  const kind = message.byte(1)
  const body = message.long(3)
  const header = message.table(2)
  if (!header || !(body >= 0)) throw new RangeError('a message without a header')
  message.tables(4).forEach(checkText)
  if (kind === SCHEMA) checkSchema(header)
  else if (kind === BATCH) checkBatch(header, body)
  else if (kind === DICTIONARY) checkBatch(header.table(1), body)
  else throw new RangeError(`a message of the unknown kind ${kind}`)
  return { kind, body }
}

function checkSchema(schema: FlatTable): void {
  schema.tables(1).forEach(checkField)
  schema.tables(2).forEach(checkText)
}

function checkField(field: FlatTable): void {
  field.vector(0, 1)
  field.tables(5).forEach(checkField)
  field.tables(6).forEach(checkText)
}

/** A key and its value. */
function checkText(entry: FlatTable): void {
  entry.vector(0, 1)
  entry.vector(1, 1)
}

const STRUCT = 16

function checkBatch(batch: FlatTable | undefined, body: number): void {
  if (!batch) throw new RangeError('a dictionary without values')
  batch.vector(1, STRUCT)
  batch.vector(4, 8)
  const { at, length } = batch.vector(2, STRUCT)
  for (let k = 0; k < length; k++) {
    const start = batch.longAt(at + k * STRUCT)
    const size = batch.longAt(at + k * STRUCT + 8)
    if (!(start >= 0 && size >= 0 && start + size <= body))
      throw new RangeError(`a buffer of ${size} bytes at ${start}, its message has ${body}`)
  }
}

/** Reads where record batches lie from the footer of a file, the bytes between the last message and the 10 last of the file. */
export function batchPlaces(footer: Buffer, shown: string): BatchPlaces {
  try {
    const table = FlatTable.root(footer)
    const { at, length } = table.vector(3, 24)
    return Array.from({ length }, (_, k) => table.longAt(at + k * 24))
  } catch (error) {
    throw damaged(shown, 'Arrow footer', messageOf(error))
  }
}
