/** Tables of Markdown. */

/** Texts of the data in a table of ours: nothing of them is markup. */
export const cell = (text: string): string =>
  text
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replace(/[\\|`*_[\]~#]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')

/** Columns from `right` on are numbers. */
export function markdown(header: readonly string[], right: number, rows: readonly (readonly string[])[]): string {
  const rule = header.map((_, i) => (i >= right ? '---:' : '---'))
  return [header, rule, ...rows].map(row => `| ${row.join(' | ')} |`).join('\n')
}
