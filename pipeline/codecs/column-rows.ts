/** Blocks of rows over the columns of a record batch or chunk. */
import { asBuffer, cut, EXCERPT, type Row, type RowBlock } from './row-source.ts'

/** Rows whose values `readers` give, by column name. */
export function columnRows(rows: number, readers: Readonly<Record<string, (i: number) => unknown>>): RowBlock {
  const names = Object.keys(readers)
  const row = (i: number): Row => {
    const object: Record<string, unknown> = {}
    for (const name of names) object[name] = readers[name](i)
    return object
  }
  return { rows, row, excerpt: i => excerptOf(() => row(i)) }
}

/** A row as JSON, as far as it can be read. */
function excerptOf(row: () => Row): string {
  try {
    return cut(JSON.stringify(row(), inWords), EXCERPT)
  } catch {
    return ''
  }
}

const inWords = (_: string, value: unknown): unknown => {
  if (value instanceof Uint8Array) return asBuffer(value.subarray(0, EXCERPT * 4)).toString('utf8')
  if (typeof value === 'bigint') return String(value)
  return Array.isArray(value) && value.length > EXCERPT ? value.slice(0, EXCERPT) : value
}
