/** What every container gives: blocks of rows that are read one at a time, each row a plain object or the reason why it is none. */

export type Container = 'jsonl' | 'json' | 'parquet' | 'arrow'
export type Compression = 'none' | 'gzip' | 'zstd'

/** A text as its container holds it: a string from JSON, UTF-8 bytes (valid until the next block) from columns. */
export type Text = string | Uint8Array
export type Row = Readonly<Record<string, unknown>>

/** A row that cannot be read: `field` is where ('' for the whole row), the message is `expected ..., got ...`. */
export class RowFault extends Error {
  override readonly name = 'RowFault'
  readonly field: string

  constructor(field: string, message: string) {
    super(message)
    this.field = field
  }
}

export interface RowBlock {
  readonly rows: number
  /** Throws RowFault. */
  row(i: number): Row
  /** The first characters of the row as it stands in the file. */
  excerpt(i: number): string
}

/** A column of a columnar file; `plain` = numbers, booleans, dates and the like, which hold no text. */
export interface ColumnName {
  readonly name: string
  readonly type: string
  readonly plain: boolean
}

/** A part of a file: whole rows, from row group or byte `from` to before `to`. */
export interface Part {
  readonly from: number
  readonly to: number
  /** How many rows of the file lie before it. */
  readonly first_row: number
}

export interface RowSource {
  readonly container: Container
  readonly compression: Compression
  /** Of columnar files. */
  readonly columns?: readonly ColumnName[]
  /** `columns` are all that is needed of a columnar file, `rows` how many rows will be asked for; all rows, or those of a part. */
  blocks(columns?: readonly string[], rows?: number, part?: Part): AsyncIterable<RowBlock>
  /** Cuts the file into parts of about so many bytes; not there where it can be read from the start only. */
  readonly parts?: (bytes: number) => Promise<Part[]>
}

/** Characters of a bad row that are shown. */
export const EXCERPT = 200
/** Longest line, element or text that is read; bytes. */
export const MAX_TEXT = 256 * 2 ** 20

export const isText = (value: unknown): value is Text => typeof value === 'string' || value instanceof Uint8Array

/** A text as a string; a leading U+FEFF is kept. */
export const stringOf = (text: Text): string => (typeof text === 'string' ? text : asBuffer(text).toString('utf8'))

/** Texts are remembered by a hash of their bytes; longer ones are no names. */
const SLOTS = 512
const LONGEST_NAME = 64
const remembered: ({ readonly bytes: Uint8Array; readonly name: string } | undefined)[] = new Array(SLOTS).fill(undefined)

/** As stringOf, for texts of which few differ (roles, sources): to find the string is cheaper than to make it again. */
export function nameOf(text: Text): string {
  if (typeof text === 'string') return text
  if (text.length > LONGEST_NAME) return stringOf(text)
  let hash = text.length
  for (let k = 0; k < text.length; k++) hash = Math.imul(hash ^ text[k], 0x01000193)
  const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1)
  const known = remembered[slot]
  if (known && sameBytes(known.bytes, text)) return known.name
  const name = stringOf(text)
  remembered[slot] = { bytes: text.slice(), name }
  return name
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return false
  return true
}

export const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export const isEmptyText = (value: Text): boolean => value.length === 0

/** Whether two texts of one row are the same. */
export function sameText(a: Text, b: Text): boolean {
  if (typeof a === 'string' || typeof b === 'string') return stringOf(a) === stringOf(b)
  return a.length === b.length && a[0] === b[0] && Buffer.compare(a, b) === 0
}

/** A value in a message: short, and the same on every machine. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (isText(value)) return `text ${JSON.stringify(cut(stringOf(value.slice(0, 160)), 40))}`
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object') return 'an object'
  return `${value}`
}

/** The first characters of a text, never half of a surrogate pair. */
export function cut(text: string, characters: number): string {
  if (text.length <= characters) return text
  const last = text.charCodeAt(characters - 1)
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? characters - 1 : characters)
}

/** The value with its texts, which columns hold as bytes, as strings; a leading U+FEFF is kept. */
export function withStrings(value: unknown): unknown {
  if (value instanceof Uint8Array) return asBuffer(value).toString('utf8')
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withStrings)
  const object = value as Record<string, unknown>
  for (const name of Object.keys(object)) object[name] = withStrings(object[name])
  return object
}
