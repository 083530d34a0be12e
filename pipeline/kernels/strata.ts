/** Strata of pairs: rows alike in every one of some columns. */
import { type Batch, type Column, type Field, isValid, type Numbers, type Schema, stringAt, type Utf8 } from '../batch.ts'
import { textGroups } from './text-groups.ts'

/** The stratum of each row by number, and the names of the strata. */
export function strataOf(strata: readonly string[], batch: Batch, schema: Schema): { of: Int32Array; texts: string[] } {
  let of = new Int32Array(batch.rows)
  let firsts: readonly number[] = batch.rows > 0 ? [0] : []
  for (const name of strata) {
    const column = valuesOf(batch.columns[name], schema[name], batch.rows)
    const both = new Float64Array(batch.rows)
    for (let i = 0; i < batch.rows; i++) both[i] = column[i] * firsts.length + of[i]
    ;({ of, firsts } = numbered(both))
  }
  return { of, texts: firsts.map(i => strata.map(name => textAt(batch.columns[name], schema[name], i)).join(' / ')) }
}

/** Numbers that are the same where the values of a column are. */
function valuesOf(column: Column, field: Field, rows: number): ArrayLike<number> {
  if (field === 'utf8') return textGroups(column as Utf8, rows).of
  const { of, firsts } = numbered((column as Numbers).values)
  return column.valid ? of.map((value, i) => (isValid(column, i) ? value : firsts.length)) : of
}

/** Numbers values in the order in which they first appear. */
function numbered(values: ArrayLike<number>): { of: Int32Array<ArrayBuffer>; firsts: number[] } {
  const of = new Int32Array(values.length)
  const firsts: number[] = []
  const known = new Map<number, number>()
  for (let i = 0; i < values.length; i++) {
    let number = known.get(values[i])
    if (number === undefined) {
      number = firsts.push(i) - 1
      known.set(values[i], number)
    }
    of[i] = number
  }
  return { of, firsts }
}

function textAt(column: Column, field: Field, i: number): string {
  if (!isValid(column, i)) return 'none'
  if (field === 'utf8') return stringAt(column as Utf8, i)
  const value = (column as Numbers).values[i]
  return typeof field === 'object' && 'labels' in field ? field.labels[value] : String(value)
}

/** A stratum of candidates, and how many pairs it has. */
export interface Stratum {
  readonly name: string
  /** Rows of candidates. */
  readonly members: Int32Array
  readonly pairs: number
}

/**
 * Where there are more strata than audited pairs, most would have none, and nothing would be known of them: the smaller ones are one stratum
 * then, beside half as many of their own as there are places.
 */
export function pooled(strata: readonly Stratum[], places: number): readonly Stratum[] {
  if (places === 0 || strata.length <= places) return strata
  const bySize = strata.toSorted((a, b) => b.pairs - a.pairs || (a.name < b.name ? -1 : 1))
  const own = bySize.slice(0, places >> 1)
  const rest = bySize.slice(own.length)
  const members = Int32Array.from(rest.flatMap(stratum => [...stratum.members])).sort()
  return [...own, { name: `${rest.length} small strata`, members, pairs: rest.reduce((sum, { pairs }) => sum + pairs, 0) }]
}

/** The name of the stratum of each row. */
export function nameOf(strata: readonly Stratum[], rows: number): (row: number) => string {
  const of = new Int32Array(rows)
  for (const [s, { members }] of strata.entries()) for (const row of members) of[row] = s
  return row => strata[of[row]].name
}
