/** Plain aligned tables for terminals and logs. */

export interface TableOptions {
  /** Which columns are numbers, set to the right; all others to the left. */
  readonly right?: readonly boolean[]
  /** Columns of the terminal: the widest cells are cut so that lines fit. */
  readonly width?: number
}

/** Columns between cells, and the narrowest that a text is cut to (a number never is); the second where a line would not fit else. */
const SPACINGS = [
  { gap: 2, least: 8 },
  { gap: 1, least: 6 },
] as const

/** A header, and under it the rows; cells are one line each, whatever they hold. */
export function tableOf(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  { right = [], width = Number.POSITIVE_INFINITY }: TableOptions = {},
): string {
  const cells = [header, ...rows].map(row => row.map(visible))
  const widest = (of: readonly string[][]): number[] =>
    header.map((_, c) => of.reduce((most, row) => Math.max(most, displayWidth(row[c])), 0))
  const numbers = widest(cells.slice(1))
  const tries = SPACINGS.map(({ gap, least }) => ({
    gap,
    ...fitted(
      widest(cells),
      numbers.map((n, c) => (right[c] ? n : least)),
      width - gap * (header.length - 1),
    ),
  }))
  const { gap, widths } = tries.find(({ fits }) => fits) ?? tries[0]
  const lines = cells.map(row => row.map((cell, c) => padded(cut(cell, widths[c]), widths[c], right[c] === true)).join(' '.repeat(gap)))
  return lines.map(line => line.trimEnd()).join('\n')
}

/** Takes from the widest columns until they fit into `room`, or none may be narrower. */
function fitted(natural: readonly number[], least: readonly number[], room: number): { widths: number[]; fits: boolean } {
  const widths = natural.map((w, c) => Math.min(w, Math.max(least[c], room)))
  for (let over = widths.reduce((a, b) => a + b, 0) - room; over > 0; over--) {
    const wide = widths.map((w, c) => (w > least[c] ? w : 0))
    const most = Math.max(...wide)
    if (most === 0) return { widths, fits: false }
    widths[wide.lastIndexOf(most)]--
  }
  return { widths, fits: true }
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
