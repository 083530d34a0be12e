/** Long lines for terminals. */
import { Help } from 'commander'
import { displayWidth } from './table.ts'

const HANG = 4
const breaker = Object.assign(new Help(), { minWidthToWrap: 1 })

/** Breaks lines of more than `width` columns at spaces; what goes on stands 4 columns further in. Off a terminal (no width) all stays as it is. */
export function wrapped(text: string, width: number | undefined): string {
  if (width === undefined) return text
  return text
    .split('\n')
    .map(line => (displayWidth(line) <= width ? line : hung(line, width)))
    .join('\n')
}

function hung(line: string, width: number): string {
  const indent = line.search(/\S/)
  const more = ' '.repeat(indent + HANG)
  return ' '.repeat(indent) + breaker.boxWrap(line.trimStart(), Math.max(20, width - more.length)).replaceAll('\n', `\n${more}`)
}
