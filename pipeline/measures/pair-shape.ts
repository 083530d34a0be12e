/** A pair's outline: what can be told from turns and lengths without reading. */
import { type Columns, columnsOf, isValid, roles, type Schema, type Turns, type Utf8 } from '../batch.ts'
import { pairTexts } from '../pair.ts'
import { defineMeasure } from '../stage.ts'

/** `last_role` is that of the prompt's last turn; `one_reply` 1 where a side is exactly one assistant turn; bytes are of UTF-8 text. */
export const shapeColumns = {
  last_role: { labels: [...roles, 'none'] },
  chosen_one_reply: 'u8',
  rejected_one_reply: 'u8',
  chosen_empty: 'u8',
  rejected_empty: 'u8',
  prompt_empty: 'u8',
  longest_text_bytes: 'i32',
} as const

const NO_TURN = roles.length
const ASSISTANT = roles.indexOf('assistant')

export const pairShape = defineMeasure<Record<string, never>>({
  name: 'pair-shape',
  version: 1,
  reads: pairTexts,
  adds: () => shapeColumns,
  open: () => batch => shapesOf(columnsOf(batch, pairTexts), batch.rows) as Columns<Schema>,
})

function shapesOf({ prompt, chosen, rejected }: Columns<typeof pairTexts>, rows: number): Columns<typeof shapeColumns> {
  return {
    last_role: { values: lastRoles(prompt, rows) },
    chosen_one_reply: { values: oneReplies(chosen, rows) },
    rejected_one_reply: { values: oneReplies(rejected, rows) },
    chosen_empty: { values: empties(chosen, rows) },
    rejected_empty: { values: empties(rejected, rows) },
    prompt_empty: { values: empties(prompt, rows) },
    longest_text_bytes: { values: longestOf([prompt, chosen, rejected], rows) },
  }
}

function lastRoles({ starts, items }: Turns, rows: number): Uint8Array {
  const role = items.columns.role.values
  const last = new Uint8Array(rows)
  for (let i = 0; i < rows; i++) last[i] = starts[i + 1] > starts[i] ? role[starts[i + 1] - 1] : NO_TURN
  return last
}

function oneReplies({ starts, items }: Turns, rows: number): Uint8Array {
  const role = items.columns.role.values
  const one = new Uint8Array(rows)
  for (let i = 0; i < rows; i++) one[i] = starts[i + 1] - starts[i] === 1 && role[starts[i]] === ASSISTANT ? 1 : 0
  return one
}

/** Bytes of the longest of each row's texts. */
function longestOf(texts: readonly Turns[], rows: number): Int32Array {
  const longest = new Int32Array(rows)
  for (const { starts, items } of texts) {
    const { offsets } = items.columns.content
    for (let i = 0; i < rows; i++) longest[i] = Math.max(longest[i], offsets[starts[i + 1]] - offsets[starts[i]])
  }
  return longest
}

/** 1 where no turn holds anything but white space. */
function empties(turns: Turns, rows: number): Uint8Array {
  const { content } = turns.items.columns
  const empty = new Uint8Array(rows).fill(1)
  for (let i = 0; i < rows; i++)
    for (let turn = turns.starts[i]; turn < turns.starts[i + 1] && empty[i] === 1; turn++)
      if (isValid(content, turn) && !isBlank(content, turn)) empty[i] = 0
  return empty
}

/** Code points of white space, the ideographic and the zero-width ones among them. */
const BLANKS = new Set([0x200b, 0x200c, 0x200d, 0x2060, 0xfeff, ...Array.from({ length: 0x3001 }, (_, point) => point).filter(isSpace)])

function isSpace(point: number): boolean {
  return /\s/u.test(String.fromCodePoint(point))
}

function isBlank({ bytes, offsets }: Utf8, turn: number): boolean {
  for (let at = offsets[turn]; at < offsets[turn + 1]; ) {
    const lead = bytes[at]
    const size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    if (size === 4) return false
    let point = size === 1 ? lead : lead & (0x7f >> size)
    for (let k = 1; k < size; k++) point = (point << 6) | (bytes[at + k] & 0x3f)
    if (!BLANKS.has(point)) return false
    at += size
  }
  return true
}
