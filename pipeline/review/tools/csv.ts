/** A table for any spreadsheet: one row an item; whoever answers fills the last columns, and may repeat a row for another annotator. */
import { UserError } from '../../errors.ts'
import { inert, restored } from '../../spreadsheet.ts'
import { choiceOf, type Imported, strengthOf, type Tool, textOf, timeOf } from './tool.ts'

const SHOWN = ['item', 'prompt', 'left', 'right'] as const
const FILLED = ['annotator', 'outcome', 'strength', 'reason', 'seconds', 'at'] as const

export const csv: Tool = {
  files: items => ({
    'items.csv': [[...SHOWN, ...FILLED], ...items.map(item => [...SHOWN.map(name => inert(item[name])), ...FILLED.map(() => '')])]
      .map(row => `${row.map(quoted).join(',')}\r\n`)
      .join(''),
  }),
  read: (text, where) => {
    const [header = [], ...rows] = cellsOf(text.replace(/^\ufeff/, ''), where)
    for (const name of ['item', 'annotator', 'outcome'])
      if (!header.includes(name)) throw new UserError(`${where}: no column ${name}; it has ${header.join(', ') || 'none'}`)
    return rows.flatMap((row, i) => imported(name => restored(row[header.indexOf(name)]?.trim() ?? ''), `${where}: row ${i + 2}`))
  },
}

function imported(cell: (name: string) => string, where: string): Imported[] {
  if (cell('outcome') === '') return []
  if (cell('annotator') === '') throw new UserError(`${where}: annotator: is empty; say who answered`)
  const seconds = Number(cell('seconds'))
  return [
    {
      item: cell('item'),
      annotator: cell('annotator'),
      outcome: choiceOf(cell('outcome'), where),
      strength: strengthOf(cell('strength'), where),
      reason: textOf(cell('reason')),
      seconds: cell('seconds') !== '' && seconds >= 0 ? seconds : null,
      at: timeOf(cell('at')),
    },
  ]
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** RFC 4180; separated by commas or, as some spreadsheets write it, semicolons. */
function cellsOf(text: string, where: string): string[][] {
  const separator = /^[^\n,]*;/.test(text) ? ';' : ','
  const rows: string[][] = []
  let row: string[] = []
  for (let at = 0; at < text.length; ) {
    const [cell, end] = text[at] === '"' ? quotedCell(text, at, where) : plainCell(text, at, separator)
    row.push(cell)
    at = end
    if (text[at] === separator && at + 1 < text.length) {
      at++
      continue
    }
    if (text[at] === separator) row.push('')
    at += text[at] === '\r' ? 2 : 1
    rows.push(row)
    row = []
  }
  return rows.filter(cells => cells.some(cell => cell !== ''))
}

function quotedCell(text: string, from: number, where: string): [string, number] {
  for (let at = from + 1; ; at++) {
    at = text.indexOf('"', at)
    if (at < 0) throw new UserError(`${where}: a quoted cell does not end`)
    if (text[at + 1] !== '"') return [text.slice(from + 1, at).replaceAll('""', '"'), at + 1]
    at++
  }
}

function plainCell(text: string, from: number, separator: string): [string, number] {
  let end = from
  while (end < text.length && text[end] !== separator && text[end] !== '\r' && text[end] !== '\n') end++
  return [text.slice(from, end), end]
}
