/**
 * The messages of Arrow IPC, looked at before the library reads them: it trusts every length, and one flipped byte makes it loop for ever or
 * take a batch for a schema. Arrow has no checksums: what is checked is that nothing is missing and nothing reaches beyond its bounds.
 */
import type { FileHandle } from 'node:fs/promises'
import { Cursor } from './cursor.ts'
import { damaged, messageOf } from './damage.ts'
import { type FileEnds, readAt, startsWith, withFile } from './file-bytes.ts'
import { FlatTable } from './flat-table.ts'

/** Begins and ends a file. */
const FILE_MAGIC = [...Buffer.from('ARROW1')]

/** Whether the first bytes are those of an Arrow file, or of a stream (a continuation mark and a length). */
export function arrowKind({ head }: FileEnds): 'file' | 'stream' | undefined {
  if (startsWith(head, ...FILE_MAGIC)) return 'file'
  return startsWith(head, 0xff, 0xff, 0xff, 0xff) && head.length >= 8 && head.readInt32LE(4) > 0 ? 'stream' : undefined
}
const CONTINUATION = 0xffffffff
const END = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])
// Kinds of messages; the footer's lists of dictionaries and batches have the same numbers.
const SCHEMA = 1
const DICTIONARY = 2
const BATCH = 3
/** Metadata is a few bytes a column and buffer. */
const MAX_METADATA = 1 << 28

/** The messages of a stream, one a chunk; one without the end mark, which every current writer writes, is taken to be cut off. */
export async function* checkedStream(bytes: AsyncIterable<Buffer>, shown: string): AsyncGenerator<Buffer> {
  const cursor = new Cursor(bytes)
  let batches = 0
  const fault = (what: string): Error => damaged(shown, `Arrow, byte ${cursor.position}`, what)
  const take = async (length: number): Promise<Buffer> => {
    if ((await cursor.fill(length)) < length) throw fault(`the file ends inside the stream, after ${batches} record batches`)
    return cursor.take(length)
  }
  try {
    for (let first = true; ; first = false) {
      const head = await take(8)
      const length = lengthAfter(head, fault)
      if (length === 0) break
      const metadata = await take(length)
      const { kind, body } = checked(metadata, fault)
      if ((kind === SCHEMA) !== first) throw fault(`expected a ${first ? 'schema' : 'record batch'}, got another message`)
      yield Buffer.concat([head, metadata, await take(body)])
      if (kind === BATCH) batches++
    }
    yield END
  } finally {
    await cursor.close()
  }
}

/** Looks at the footer of a file and at the metadata of each message that it names. */
export function checkFile(path: string, shown: string, { tail, size }: FileEnds): Promise<void> {
  return withFile(path, shown, async handle => {
    const end = tail.subarray(-10)
    if (size < 18 || !startsWith(end.subarray(4), ...FILE_MAGIC))
      throw damaged(shown, `byte ${size}`, 'expected the footer of an Arrow file, got other bytes')
    const length = end.readInt32LE(0)
    if (length <= 0 || length > size - 18) throw damaged(shown, `byte ${size - 10}`, `a footer of ${length} bytes in a file of ${size}`)
    const blocks = blocksOf(await readAt(handle, size - 10 - length, length), shown)
    for (const block of blocks) await checkBlock(handle, shown, block, size)
    const first = blocks.some(({ at }) => at === 8) ? 8 : await endOfSchema(handle, shown)
    checkGaps(blocks, first, size - 10 - length, shown)
  })
}

/** A file begins with its schema, which stands in the footer too: apache-arrow for JavaScript leaves it out here. */
async function endOfSchema(handle: FileHandle, shown: string): Promise<number> {
  const fault = (what: string): Error => damaged(shown, 'Arrow, byte 8', what)
  const length = lengthAfter(await readAt(handle, 8, 8), fault)
  const bytes = await readAt(handle, 16, length)
  if (bytes.length < length || checked(bytes, fault).kind !== SCHEMA) throw fault('the footer does not name the message here')
  return 16 + length
}

/** Bytes between two messages that only fill up to a multiple. */
const PADDING = 64

/** The messages lie end to end: one that the footer does not name would be lost without a word, one that it names twice be read twice. */
function checkGaps(blocks: readonly Block[], first: number, footer: number, shown: string): void {
  let end = first
  for (const { at, metadata, body } of [...blocks].sort((a, b) => a.at - b.at)) {
    if (at < end || at - end > PADDING) throw damaged(shown, `Arrow, byte ${end}`, 'the footer does not name the message here once')
    end = at + metadata + body
  }
  if (footer - end > PADDING + END.length) throw damaged(shown, `Arrow, byte ${end}`, 'the footer does not name the message here')
}

/** Where a message lies in a file, as its footer says. */
interface Block {
  readonly kind: number
  readonly at: number
  readonly metadata: number
  readonly body: number
}

const BLOCK = 24

function blocksOf(footer: Buffer, shown: string): Block[] {
  try {
    const table = FlatTable.root(footer)
    const schema = table.table(1)
    if (!schema) throw new RangeError('there is no schema')
    checkSchema(schema)
    return [DICTIONARY, BATCH].flatMap(kind => {
      const { at: first, length } = table.vector(kind, BLOCK)
      return Array.from({ length }, (_, k) => {
        const at = first + k * BLOCK
        return { kind, at: table.longAt(at), metadata: footer.readInt32LE(at + 8), body: table.longAt(at + 16) }
      })
    })
  } catch (error) {
    throw damaged(shown, 'Arrow footer', messageOf(error))
  }
}

async function checkBlock(handle: FileHandle, shown: string, { kind, at, metadata, body }: Block, size: number): Promise<void> {
  const fault = (what: string): Error => damaged(shown, `Arrow, byte ${at}`, what)
  if (!(at >= 8 && metadata > 8 && metadata <= MAX_METADATA && body >= 0 && at + metadata + body <= size))
    throw fault('the footer places a message outside of the file')
  const bytes = await readAt(handle, at, metadata)
  const length = lengthAfter(bytes, fault)
  if (length + 8 > metadata) throw fault('a message is longer than the footer says')
  const found = checked(bytes.subarray(8, 8 + length), fault)
  if (found.kind !== kind || found.body !== body) throw fault('the message is not what the footer says')
}

/** Length of the metadata, after the continuation mark; 0 is the end mark. */
function lengthAfter(head: Buffer, fault: (what: string) => Error): number {
  const length = head.readInt32LE(4)
  if (head.readUInt32LE(0) === CONTINUATION && length >= 0 && length <= MAX_METADATA) return length
  throw fault('expected an Arrow message, got other bytes')
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
  const nodes = batch.vector(1, STRUCT)
  if (nodes.length > 0 && batch.longAt(nodes.at) !== batch.long(0))
    throw new RangeError(`a batch of ${batch.long(0)} rows, its first column has ${batch.longAt(nodes.at)}`)
  const { at, length } = batch.vector(2, STRUCT)
  const views = batch.vector(4, 8)
  for (let k = 0; k < views.length; k++) {
    const buffers = batch.longAt(views.at + k * 8)
    if (!(buffers >= 0 && buffers <= length)) throw new RangeError(`a column of ${buffers} buffers, its message has ${length}`)
  }
  for (let k = 0; k < length; k++) {
    const start = batch.longAt(at + k * STRUCT)
    const size = batch.longAt(at + k * STRUCT + 8)
    if (!(start >= 0 && size >= 0 && start + size <= body))
      throw new RangeError(`a buffer of ${size} bytes at ${start}, its message has ${body}`)
  }
}
