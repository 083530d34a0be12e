/** The footer of a Parquet file: its schema, and where the pages of each column lie. Numbers of fields: parquet.thrift of the Parquet format. */
import { UserError } from '../errors.ts'
import { damaged, messageOf } from './damage.ts'
import { type FileEnds, readAt, startsWith, withFile } from './file-bytes.ts'
import { ThriftReader } from './thrift.ts'

/** The pages of one leaf of the schema in one row group. */
export interface Chunk {
  /** The top-level column. */
  readonly column: string
  readonly start: number
  readonly end: number
  /** Number of `CompressionCodec`. */
  readonly codec: number
  /** Numbers of `Encoding`. */
  readonly encodings: readonly number[]
  /** Values and nulls of all its pages. */
  readonly entries: number
}

/** An element of the schema, by the numbers of `Type`, `FieldRepetitionType`, `ConvertedType` and the members of `LogicalType`. */
export interface Element {
  readonly name: string
  /** Of leaves. */
  readonly physical?: number
  readonly repetition: number
  readonly converted?: number
  readonly logical?: number
  readonly children: Element[]
}

export interface ParquetFooter {
  readonly rows: number
  /** The top-level columns. */
  readonly columns: readonly Element[]
  readonly groups: readonly { readonly rows: number; readonly chunks: readonly Chunk[] }[]
}

const MAGIC = [...Buffer.from('PAR1')]
const ENCRYPTED = [...Buffer.from('PARE')]

export const isParquet = ({ head }: FileEnds): boolean => startsWith(head, ...MAGIC) || startsWith(head, ...ENCRYPTED)

/** Reads the footer; refuses a file that is cut off, encrypted, or whose footer names bytes outside of it. */
export async function readFooter(path: string, shown: string, { head, tail, size }: FileEnds): Promise<ParquetFooter> {
  const end = tail.subarray(-8)
  if (startsWith(head, ...ENCRYPTED) || startsWith(end.subarray(4), ...ENCRYPTED)) throw encrypted(shown)
  if (size < 12 || !startsWith(end.subarray(4), ...MAGIC))
    throw damaged(shown, `byte ${size}`, 'expected the footer of a Parquet file, got other bytes')
  const length = end.readUInt32LE(0)
  if (length > size - 12) throw damaged(shown, `byte ${size - 8}`, `expected a footer of at most ${size - 12} bytes, got ${length}`)
  const bytes = await withFile(path, shown, handle => readAt(handle, size - 8 - length, length))
  const footer = parsed(shown, size - 8 - length, () => footerOf(bytes, shown))
  for (const [g, { chunks }] of filled(footer))
    for (const { column, start, end } of chunks)
      if (!(start >= 4 && start <= end && end <= size))
        throw damaged(shown, `row group ${g}, column ${column}`, `the footer places it at bytes ${start} to ${end} of ${size}`)
  return footer
}

/** Row groups with rows, and their places; those without may name no bytes at all. */
export const filled = ({ groups }: ParquetFooter) => [...groups.entries()].filter(([, { rows }]) => rows > 0)

const encrypted = (shown: string): UserError =>
  new UserError(`${shown}: an encrypted Parquet file, which goldpan cannot read; decrypt it first`)

function parsed<T>(shown: string, at: number, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof UserError) throw error
    throw damaged(shown, `Parquet, byte ${at}`, messageOf(error))
  }
}

function footerOf(bytes: Buffer, shown: string): ParquetFooter {
  const thrift = new ThriftReader(bytes)
  const groups: ParquetFooter['groups'][number][] = []
  let rows = -1
  let columns: readonly Element[] = []
  thrift.struct(id => {
    if (id === 8) throw encrypted(shown)
    if (id === 3) rows = thrift.signed()
    else if (id === 2) columns = columnsOf(thrift, shown)
    else if (id === 4) thrift.list(() => groups.push(groupOf(thrift, shown)))
    else return false
    return true
  })
  if (thrift.at !== bytes.length) throw new RangeError(`the footer has ${bytes.length} bytes, what it says takes ${thrift.at}`)
  const sum = groups.reduce((total, group) => total + group.rows, 0)
  if (sum !== rows) throw new RangeError(`the footer counts ${rows} rows, its row groups ${sum}`)
  return { rows, columns, groups }
}

/** Levels of the schema, a list takes two. The reader's time doubles with each: 100 lists in each other would never be opened. */
const MOST_LEVELS = 24

function columnsOf(thrift: ThriftReader, shown: string): readonly Element[] {
  /** Elements whose children still come, with how many. */
  const open: { element: Element; left: number }[] = []
  let root: Element | undefined
  thrift.list(() => {
    const { element, children } = elementOf(thrift)
    root ??= element
    const parent = open.at(-1)
    if (parent) {
      parent.element.children.push(element)
      parent.left--
    }
    if (children > 0) open.push({ element, left: children })
    while (open.length > 0 && open[open.length - 1].left <= 0) open.pop()
    if (open.length > MOST_LEVELS)
      throw new UserError(
        `${shown}: columns nested more than ${MOST_LEVELS} levels deep, which goldpan does not read; write the file without them`,
      )
  })
  return root?.children ?? []
}

function elementOf(thrift: ThriftReader): { element: Element; children: number } {
  const numbers: Record<number, number> = {}
  let name = ''
  let logical: number | undefined
  thrift.struct(id => {
    if (id === 4) name = thrift.text()
    else if (id === 10) logical = memberOf(thrift)
    else if ([1, 3, 5, 6].includes(id)) numbers[id] = thrift.signed()
    else return false
    return true
  })
  const { 1: physical, 3: repetition = 0, 5: children = 0, 6: converted } = numbers
  return { element: { name, physical: children > 0 ? undefined : physical, repetition, converted, logical, children: [] }, children }
}

/** Which member of a union is set. */
function memberOf(thrift: ThriftReader): number | undefined {
  let member: number | undefined
  thrift.struct(id => {
    member = id
    return false
  })
  return member
}

function groupOf(thrift: ThriftReader, shown: string): ParquetFooter['groups'][number] {
  const chunks: Chunk[] = []
  let rows = 0
  thrift.struct(id => {
    if (id === 1) thrift.list(() => chunks.push(chunkOf(thrift, shown)))
    else if (id === 3) rows = thrift.signed()
    else return false
    return true
  })
  return { rows, chunks }
}

function chunkOf(thrift: ThriftReader, shown: string): Chunk {
  let chunk: Chunk = { column: '', start: 4, end: 4, codec: -1, encodings: [], entries: 0 }
  thrift.struct(id => {
    if (id === 8) throw encrypted(shown)
    if (id !== 3) return false
    chunk = metadataOf(thrift)
    return true
  })
  return chunk
}

function metadataOf(thrift: ThriftReader): Chunk {
  const path: string[] = []
  const encodings: number[] = []
  const numbers: Record<number, number> = {}
  thrift.struct(id => {
    if (id === 2) thrift.list(() => encodings.push(thrift.signed()))
    else if (id === 3) thrift.list(() => path.push(thrift.text()))
    else if ([4, 5, 7, 9, 11].includes(id)) numbers[id] = thrift.signed()
    else return false
    return true
  })
  const { 4: codec = -1, 5: entries = 0, 7: packed = 0, 9: data = 0, 11: dictionary = 0 } = numbers
  const start = dictionary > 0 ? Math.min(dictionary, data) : data
  return { column: path[0], start, end: start + packed, codec, encodings, entries }
}
