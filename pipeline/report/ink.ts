/** Colours for a terminal, and none elsewhere. */

export interface Ink {
  strong(text: string): string
  soft(text: string): string
  good(text: string): string
  bad(text: string): string
}

interface Stream {
  readonly isTTY?: boolean
  readonly columns?: number
}

const painted =
  (open: number, close: number) =>
  (text: string): string =>
    `\u001b[${open}m${text}\u001b[${close}m`
const plain = (text: string): string => text

export const NO_INK: Ink = { strong: plain, soft: plain, good: plain, bad: plain }

/** By https://no-color.org: any NO_COLOR that is not empty turns colours off. */
export function inkFor({ isTTY }: Stream, { NO_COLOR = '', TERM }: NodeJS.ProcessEnv = process.env): Ink {
  if (!isTTY || NO_COLOR !== '' || TERM === 'dumb') return NO_INK
  return { strong: painted(1, 22), soft: painted(2, 22), good: painted(32, 39), bad: painted(31, 39) }
}

/** How a stream shows text: its width, if it is a terminal, and its colours. */
export interface Look {
  readonly width?: number
  readonly ink: Ink
}
export const lookOf = (stream: Stream): Look => ({ ...(stream.isTTY ? { width: stream.columns } : {}), ink: inkFor(stream) })
export const PLAIN: Look = { ink: NO_INK }

/** A table with a soft header line. */
export const headed = ({ ink }: Look, text: string): string => {
  const [header, ...rows] = text.split('\n')
  return [ink.soft(header), ...rows].join('\n')
}
