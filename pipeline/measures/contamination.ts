/** What prompts, or responses, have in common with benchmark items, before it is judged. */
import { type Batch, batchOf, type Columns, columnsOf, listOf, roles, type Schema, type Turns, type Utf8, utf8Of } from '../batch.ts'
import { excerpt } from '../kernels/excerpt.ts'
import type { NgramIndex } from '../kernels/ngram-index.ts'
import { NgramMatcher } from '../kernels/ngram-matches.ts'
import { plainWords } from '../kernels/plain-words.ts'
import type { Tokens } from '../kernels/tokens.ts'
import { weightOfWords } from '../kernels/word-weight.ts'
import { pairTexts } from '../pair.ts'
import { defineMeasure } from '../stage.ts'
import { type BenchmarkIndex, type ContaminationParams, OTHER, openBenchmarks, RESPONSE, SYSTEM, USER } from './benchmark-index.ts'

export const hitFields = ['prompt', 'chosen', 'rejected'] as const

/** One run of shared words. Counts are of words, `begin` and `end` bytes of the turn's content; `span` is the text, cut where long. */
const hit = {
  text: 'i32',
  from: 'i32',
  words: 'i32',
  field: { labels: hitFields },
  turn: 'i32',
  at: 'i32',
  turn_words: 'i32',
  begin: 'i32',
  end: 'i32',
  span: 'utf8',
} as const
export const hitColumns = { hits: { list: hit } } as const

/** `ngram`: words, which in scripts without spaces are characters. */
export const contamination = defineMeasure<ContaminationParams>({
  name: 'contamination',
  version: 3,
  reads: pairTexts,
  adds: () => hitColumns,
  files: ({ benchmarks }) => benchmarks,
  open: async (params, context) => {
    const index = await openBenchmarks(params, context)
    const finder = new HitFinder(index)
    return batch => finder.find(columnsOf(batch, pairTexts), batch.rows)
  },
})

type Hit = { -readonly [K in keyof typeof hit]: K extends 'span' ? string : number }

/** Looks through one batch at a time. */
class HitFinder {
  readonly #index: BenchmarkIndex
  readonly #matcher: NgramMatcher
  readonly #places: Uint8Array
  readonly #searched: number

  constructor(index: BenchmarkIndex) {
    this.#index = index
    this.#matcher = new NgramMatcher(index.ngrams)
    this.#places = Uint8Array.from(index.items, (_, text) => placeOf(index.ngrams, text))
    this.#searched = index.searched.reduce((all, bits) => all | bits, 0)
  }

  find(texts: Columns<typeof pairTexts>, rows: number): Columns<Schema> {
    const byRow = new Map<number, Hit[]>()
    for (const [field, name] of hitFields.entries()) this.#findIn(texts[name], field, rows, byRow)
    const order = [...byRow.keys()].sort((a, b) => a - b)
    const counts = new Int32Array(rows)
    for (const row of order) counts[row] = byRow.get(row)!.length
    return { hits: listOf(counts, hitBatch(order.flatMap(row => byRow.get(row)!))) }
  }

  #findIn(turns: Turns, field: number, rows: number, byRow: Map<number, Hit[]>): void {
    const { role, content } = turns.items.columns
    const bits = roles.map((_, r) => bitOf(field, r))
    const searched = Uint8Array.from(bits, bit => (bit & this.#searched ? 1 : 0))
    if (!role.values.some(r => searched[r] === 1)) return
    const words = plainWords(content)
    this.#matcher.restart()
    for (let row = 0; row < rows; row++)
      for (let turn = turns.starts[row]; turn < turns.starts[row + 1]; turn++) {
        if (searched[role.values[turn]] === 0) continue
        this.#matcher.find(words.hashes, words.starts[turn], words.starts[turn + 1])
        if (this.#matcher.count === 0) continue
        const hits = this.#hits(content, words, turn, bits[role.values[turn]]).map(h => ({ ...h, field, turn: turn - turns.starts[row] }))
        if (hits.length > 0) byRow.set(row, [...(byRow.get(row) ?? []), ...hits])
      }
  }

  /** The matcher's runs in one turn that may count. */
  #hits(content: Utf8, words: Tokens, turn: number, bit: number): Omit<Hit, 'field' | 'turn'>[] {
    const { text: texts, from, words: sizes, at, count } = this.#matcher
    const [first, end] = [words.starts[turn], words.starts[turn + 1]]
    const base = content.offsets[turn]
    const hits = []
    for (let k = 0; k < count; k++) {
      const text = texts[k]
      if (!(this.#index.searched[text] & bit)) continue
      if (!fits(this.#places[text], content, words, at[k], at[k] + sizes[k], first, end)) continue
      const begin = words.begins[at[k]] - base
      const stop = words.ends[at[k] + sizes[k] - 1] - base
      const span = excerpt(content.bytes.subarray(base + begin, base + stop), SPAN_BYTES)
      hits.push({ text, from: from[k], words: sizes[k], at: at[k] - first, turn_words: end - first, begin, end: stop, span })
    }
    return hits
  }
}

const bitOf = (field: number, role: number): number => {
  if (field > 0) return roles[role] === 'assistant' ? RESPONSE : OTHER
  return roles[role] === 'user' ? USER : roles[role] === 'system' ? SYSTEM : OTHER
}

const ANYWHERE = 0
const OWN_SENTENCE = 1
const OWN_TURN = 2
/** Five words, or eight Chinese characters. */
const WORDS_ANYWHERE = 4.8
const WORDS_OF_SENTENCE = 2.9
const BYTES_OF_SENTENCE = 14

/**
 * Where a text that is shorter than its n-gram counts: "Yes" or "What is it?" only where a turn says nothing else, "Prove the Pythagorean
 * theorem." as a sentence of its own too, five words or more anywhere.
 */
function placeOf({ starts, ngram, words, texts }: NgramIndex, text: number): number {
  if (starts[text + 1] - starts[text] >= ngram[text]) return ANYWHERE
  const { begins, ends } = words
  const size = weightOfWords(texts.bytes, begins, ends, starts[text], starts[text + 1])
  let bytes = 0
  for (let w = starts[text]; w < starts[text + 1]; w++) bytes += ends[w] - begins[w]
  if (size >= WORDS_ANYWHERE) return ANYWHERE
  return size >= WORDS_OF_SENTENCE && bytes >= BYTES_OF_SENTENCE ? OWN_SENTENCE : OWN_TURN
}

/** Whether words from .. to), of a turn of words first .. end), stand where the text counts. */
function fits(place: number, content: Utf8, words: Tokens, from: number, to: number, first: number, end: number): boolean {
  if (place === ANYWHERE || (from === first && to === end)) return true
  if (place === OWN_TURN) return false
  const borders = (left: number, right: number): boolean => BORDER.test(decoder.decode(content.bytes.subarray(left, right)))
  return (
    (from === first || borders(words.ends[from - 1], words.begins[from])) && (to === end || borders(words.ends[to - 1], words.begins[to]))
  )
}

const BORDER = /[.!?;:"“”«»\n…。！？；：؟।]/
const decoder = new TextDecoder()
const SPAN_BYTES = 300

function hitBatch(hits: readonly Hit[]): Batch<typeof hit> {
  const ints = (name: Exclude<keyof Hit, 'span'>) => ({ values: Int32Array.from(hits, h => h[name]) })
  return batchOf(hit, hits.length, {
    text: ints('text'),
    from: ints('from'),
    words: ints('words'),
    field: { values: Uint8Array.from(hits, h => h.field) },
    turn: ints('turn'),
    at: ints('at'),
    turn_words: ints('turn_words'),
    begin: ints('begin'),
    end: ints('end'),
    span: utf8Of(hits.map(h => h.span)),
  })
}
