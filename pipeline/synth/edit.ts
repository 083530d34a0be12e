/** The small edits that make near duplicates, as they happen between copies of a text in the wild. */
import type { Draws } from '../kernels/random.ts'
import type { Bytes } from './bytes.ts'
import type { Composer } from './compose.ts'
import { type FieldName, fieldNames, type Row, type Span } from './row.ts'

/** An edit; `amount` is the share of the words of a field that it touches. */
export interface Edit {
  readonly name: EditName
  readonly amount?: number
}
export interface DrawnEdit extends Edit {
  readonly fields: readonly FieldName[]
}

/** Where words lie in the bytes of a row. */
interface Words {
  readonly begins: Int32Array
  readonly ends: Int32Array
}

/** Where an edit writes, what it edits, and the words of that. */
interface Work {
  readonly source: Uint8Array
  readonly span: Span
  readonly words: Words
  readonly out: Bytes
  readonly composer: Composer
  readonly draws: Draws
  readonly amount: number
}

/** A part of the source to be replaced by what `write` writes. */
interface Cut {
  readonly from: number
  readonly to: number
  write(): void
}

const writers = {
  prepend: work => {
    work.composer.aside()
    work.out.push(SPACE)
    copyOf(work)
  },
  append: work => {
    copyOf(work)
    work.out.push(SPACE)
    work.composer.aside()
  },
  replace: work =>
    splice(
      work,
      wordsToTouch(work).map(word => ({ ...wordSpan(work, word), write: () => work.composer.anyWord() })),
    ),
  delete: work =>
    splice(
      work,
      wordsToTouch(work).map(word => ({ ...wordSpan(work, word), to: wordEnd(work, word), write: () => {} })),
    ),
  swap: work => {
    const n = work.words.begins.length
    if (n < 2) return copyOf(work)
    const a = work.draws.below(n - 1)
    const b = a + 1 + work.draws.below(n - 1 - a)
    const [first, second] = [wordSpan(work, a), wordSpan(work, b)]
    const copy = (span: Span) => () => work.out.copy(work.source, span.from, span.to)
    splice(work, [
      { ...first, write: copy(second) },
      { ...second, write: copy(first) },
    ])
  },
  case: work => {
    for (let i = work.span.from, isUpper = false; i < work.span.to; i++) {
      const byte = work.source[i]
      if (byte === SPACE) isUpper = work.draws.chance(0.5)
      work.out.push(isUpper && byte >= 0x61 && byte <= 0x7a ? byte - 32 : byte)
    }
  },
  punctuation: work => splice(work, marks(work)),
  whitespace: work => {
    for (let i = work.span.from; i < work.span.to; i++) {
      const byte = work.source[i]
      work.out.push(byte)
      if (byte === SPACE && work.draws.chance(0.3)) work.out.push(SPACE)
    }
    work.out.push(NEWLINE)
  },
  number: work => splice(work, numberChanged(work)),
} satisfies Record<string, (work: Work) => void>
export type EditName = keyof typeof writers

const SPACE = 32
const NEWLINE = 10

const choices: readonly Edit[] = [
  { name: 'prepend' },
  { name: 'append' },
  ...[0.01, 0.02, 0.05, 0.1].map(amount => ({ name: 'replace' as const, amount })),
  { name: 'delete', amount: 0.02 },
  { name: 'swap' },
  { name: 'case' },
  { name: 'punctuation' },
  { name: 'whitespace' },
  { name: 'number' },
]
const targets: readonly (readonly FieldName[])[] = [['chosen'], ['rejected'], ['chosen', 'rejected'], fieldNames]

export const drawEdit = (draws: Draws): DrawnEdit => ({
  ...choices[draws.below(choices.length)],
  fields: targets[draws.below(targets.length)],
})

/** Writes `base` with the edit into `edited`; where the edit would leave a field as it was, all fields get a sentence appended instead. */
export function editFields(drawn: DrawnEdit, base: Row, edited: Row, composer: Composer, draws: Draws): Edit {
  const { name, amount } = drawn
  if (rewrite(drawn, base, edited, composer, draws)) return amount === undefined ? { name } : { name, amount }
  rewrite({ name: 'append', fields: drawn.fields }, base, edited, composer, draws)
  return { name: 'append' }
}

/** Writes all fields; gives whether every edited one came out changed. */
function rewrite(drawn: DrawnEdit, base: Row, edited: Row, composer: Composer, draws: Draws): boolean {
  const source = base.text.bytes
  const { text: out } = edited
  let changed = true
  const write = (field: FieldName, i: number, isEdited: boolean): Span => {
    const span = base.spans(field)[i]
    const from = out.length
    if (!isEdited) out.copy(source, span.from, span.to)
    else {
      writers[drawn.name]({ source, span, words: wordsOf(base, field, i), out, composer, draws, amount: drawn.amount ?? 0 })
      if (Buffer.compare(out.part(from), base.text.part(span.from, span.to)) === 0) changed = false
    }
    return { from, to: out.length }
  }
  edited.clear()
  const last = base.turns.length - 1
  base.turns.forEach(({ role }, i) => {
    edited.turns.push({ role, ...write('prompt', i, i === last && drawn.fields.includes('prompt')) })
  })
  Object.assign(edited.chosen, write('chosen', 0, drawn.fields.includes('chosen')))
  Object.assign(edited.rejected, write('rejected', 0, drawn.fields.includes('rejected')))
  const { winner, loser, prompt, lang, flipped } = base
  Object.assign(edited, { winner, loser, prompt, lang, flipped })
  return changed
}

function wordsOf(row: Row, field: FieldName, i: number): Words {
  const { starts, begins, ends } = row.words(field)
  return { begins: begins.subarray(starts[i], starts[i + 1]), ends: ends.subarray(starts[i], starts[i + 1]) }
}

const copyOf = ({ out, source, span }: Work): void => out.copy(source, span.from, span.to)

/** Copies the span with the cuts, which are sorted, replaced. */
function splice({ out, source, span }: Work, cuts: readonly Cut[]): void {
  let at = span.from
  for (const cut of cuts) {
    out.copy(source, at, cut.from)
    cut.write()
    at = cut.to
  }
  out.copy(source, at, span.to)
}

const wordSpan = ({ words }: Work, word: number): Span => ({ from: words.begins[word], to: words.ends[word] })
/** Up to the next word, so that no double space is left. */
const wordEnd = ({ words, span }: Work, word: number): number => (word + 1 < words.begins.length ? words.begins[word + 1] : span.to)

/** One word of each of as many equal stretches as words are to be touched: sorted, and never the same word twice. */
function wordsToTouch({ words, amount, draws }: Work): number[] {
  const n = words.begins.length
  const count = Math.min(n, Math.max(1, Math.round(n * amount)))
  return Array.from({ length: count }, (_, i) => {
    const from = Math.floor((i * n) / count)
    return from + draws.below(Math.floor(((i + 1) * n) / count) - from)
  })
}

const MARKS: ReadonlyMap<string, string> = new Map([
  ['.', '!'],
  [',', ';'],
  ['!', '.'],
  ['?', '??'],
  ['。', '！'],
  ['，', '；'],
  ['？', '！？'],
])

const MARK_LEADS: ReadonlySet<number> = new Set([...MARKS.keys()].map(mark => Buffer.from(mark)[0]))

/** Every second mark, by chance, that no letter or digit follows (so no decimal point) becomes another. Copies of one row draw apart, or they would be exact copies of each other. */
function marks({ source, span, out, draws }: Work): Cut[] {
  const cuts: Cut[] = []
  for (let i = span.from; i < span.to; i++) {
    if (!MARK_LEADS.has(source[i])) continue
    const size = source[i] >= 0xe0 ? 3 : 1
    const mark = MARKS.get(Buffer.from(source.subarray(i, i + size)).toString())
    const next = i + size < span.to ? source[i + size] : SPACE
    if (mark === undefined || (size === 1 && next > SPACE) || draws.chance(0.5)) continue
    cuts.push({ from: i, to: i + size, write: () => out.all(Buffer.from(mark)) })
  }
  return cuts
}

function numberChanged(work: Work): Cut[] {
  const { words, draws, out } = work
  const numbers = Array.from(words.begins, (_, word) => word).filter(word => /^\d{1,9}$/.test(textAt(work, word)))
  if (numbers.length === 0) return []
  const word = numbers[draws.below(numbers.length)]
  const changed = Number(textAt(work, word)) + 1 + draws.below(9)
  return [{ ...wordSpan(work, word), write: () => out.ascii(String(changed)) }]
}

const textAt = ({ source, words }: Work, word: number): string =>
  Buffer.from(source.subarray(words.begins[word], words.ends[word])).toString('latin1')
