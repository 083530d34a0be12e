/** Plain aligned tables for terminals and logs. */

export interface TableOptions {
  /** Which columns are numbers, set to the right; all others to the left. */
  readonly right?: readonly boolean[]
  /** Columns of the terminal: the widest cells are cut so that lines fit. */
  readonly width?: number
}

const GAP = 2
const LEAST = 8

/** A header, and under it the rows; cells are one line each, whatever they hold. */
export function tableOf(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  { right = [], width = Number.POSITIVE_INFINITY }: TableOptions = {},
): string {
  const cells = [header, ...rows].map(row => row.map(visible))
  const widths = fitted(
    header.map((_, c) => cells.reduce((widest, row) => Math.max(widest, displayWidth(row[c])), 0)),
    width,
  )
  const lines = cells.map(row => row.map((cell, c) => padded(cut(cell, widths[c]), widths[c], right[c] === true)).join(' '.repeat(GAP)))
  return lines.map(line => line.trimEnd()).join('\n')
}

/** Takes from the widest columns until a line fits, or all are narrow. */
function fitted(widths: readonly number[], width: number): number[] {
  const out = [...widths]
  const total = (): number => out.reduce((n, w) => n + w + GAP, -GAP)
  for (let over = total() - width; over > 0; over = total() - width) {
    const widest = Math.max(...out)
    if (widest <= LEAST) break
    const next = Math.max(LEAST, ...out.filter(w => w < widest))
    const shared = out.filter(w => w === widest).length
    const target = Math.max(next, widest - Math.ceil(over / shared))
    for (let c = 0; c < out.length; c++) if (out[c] === widest) out[c] = target
  }
  return out
}

/** Control characters (a terminal would obey them) as escapes. */
export const visible = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, c => ESCAPED[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

const ESCAPED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u

/** Columns that a text takes on a terminal: 2 for wide characters, 0 for combining ones. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const c of text) width += /^(?:\p{M}|\u200b|\u200c|\u200d)$/u.test(c) ? 0 : WIDE.test(c) ? 2 : 1
  return width
}

/** The text in at most `width` columns, with an ellipsis where something is missing. */
export function cut(text: string, width: number): string {
  if (text.length <= width / 2 || displayWidth(text) <= width) return text
  let out = ''
  let used = 0
  for (const c of text) {
    used += displayWidth(c)
    if (used > width - 1) break
    out += c
  }
  return `${out}…`
}

function padded(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return right ? space + text : text + space
}

/** 1234567 as 1,234,567. */
export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',')

/** Bytes in the largest binary unit that leaves at least 1. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const unit = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10))
  return unit === 0 ? `${bytes} B` : `${(bytes / 2 ** (10 * unit)).toFixed(1)} ${units[unit]}`
}
