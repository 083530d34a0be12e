/** The columns of Parquet and Arrow files that formats need and may use. */
import type { ColumnName } from '../codecs/row-source.ts'
import { ANNOTATOR, SIDES as ARENA_SIDES } from './arena.ts'
import { CONVERSATIONS } from './chat.ts'
import { QUESTIONS } from './dpo.ts'
import type { KnownFormat } from './format.ts'

/** Whether a type, as DuckDB or Arrow names it, is one of lists. */
export const isList = (type: string): boolean => /\[\]$|^(Large)?List|^FixedSizeList/.test(type)

const SIDES: Readonly<Record<KnownFormat, readonly string[]>> = {
  pair: ['prompt', 'chosen', 'rejected'],
  hh: ['chosen', 'rejected'],
  dpo: ['chosen', 'rejected'],
  chat: ['chosen', 'rejected'],
  scored: [],
  arena: [],
}

/** What is wrong with the columns of a file for its format. Rows of JSON are each their own matter. */
export function columnProblem(columns: readonly ColumnName[], format: KnownFormat): string | undefined {
  const missing = SIDES[format].filter(name => !columns.some(column => column.name === name))
  if (missing.length > 0)
    return `format ${format} needs the column ${missing.join(' and ')}; the file has ${columns
      .slice(0, 20)
      .map(column => column.name)
      .join(', ')}`
  const wrong = columns.find(({ name, plain }) => plain && SIDES[format].includes(name))
  return wrong && `column ${wrong.name}: format ${format} expects text or a list of messages, got ${wrong.type}`
}

export const knownFormats = Object.keys(SIDES) as KnownFormat[]
const COMMON = ['id', 'source', 'source_id', 'license', 'lang', 'language', 'label_kind', 'tie', 'votes', 'scores']
const ASKED = [...QUESTIONS, 'input', 'system']
const NAMED: Readonly<Record<KnownFormat, readonly string[]>> = {
  pair: ['prompt', 'system', 'chosen', 'rejected'],
  hh: ['system', 'chosen', 'rejected'],
  dpo: [...ASKED, 'chosen', 'rejected'],
  chat: [...CONVERSATIONS, 'system', 'chosen', 'rejected'],
  scored: ASKED,
  arena: [...ASKED, ...ARENA_SIDES.flat(), 'winner', 'judge'],
}

/** The columns of a Parquet or Arrow file that a format may use. */
export function wanted(columns: readonly ColumnName[], format: KnownFormat, shown_first: string): readonly ColumnName[] {
  return columns.filter(({ name, type }) => {
    if (COMMON.includes(name) || name === shown_first || NAMED[format].includes(name)) return true
    if (format === 'scored') return isList(type)
    return format === 'arena' && ANNOTATOR.test(name)
  })
}
