/** Counts what can be said of a response's quality, one response at a time. */
import type { Turns, Utf8 } from '../batch.ts'
import { mix32 } from './mix.ts'
import { countPhrases, phrasesOf } from './phrases.ts'
import { COUNTS, count, PROMPT_SCRIPTS } from './quality-counts.ts'
import { newSurface, readScripts, readSurface, SCRIPTS } from './surface.ts'
import { rowStarts, type Tokens, tokensOf } from './tokens.ts'
import { WordMarks } from './word-marks.ts'

export const refusals = phrasesOf([
  ...[
    'I cannot',
    "I can't",
    "I'm sorry",
    'I am sorry',
    "I won't",
    'I will not',
    "I'm unable",
    'I am unable',
    "I'm not able",
    'I am not able',
  ],
  ...[
    'as an AI',
    'as a language model',
    'I apologize',
    'I must decline',
    "I don't have access",
    'not appropriate',
    "I'm not sure",
    "I don't know",
  ],
  ...[
    '抱歉',
    '对不起',
    '很遗憾',
    '我无法',
    '我不能',
    '作为一个人工智能',
    '作为一个语言模型',
    'lo siento',
    'no puedo',
    'es tut mir leid',
    'je suis désolé',
  ],
])
/** Words in which a refusal opens the response. */
export const OPENING_WORDS = 40
/** Of the prompt's last turn, to tell its scripts by. */
export const SCRIPT_BYTES = 4096
/** Bytes from which on a word is long. */
const LONG = 9

const PROMPT = 1
const LAST_TURN = 2
const MET = 4
const OWN = 8

/** The words of one column of turns, by row. */
export interface Side {
  readonly text: Utf8
  readonly tokens: Tokens
  readonly starts: Int32Array
  readonly turns: Int32Array
}

export const sideOf = (turns: Turns): Side => {
  const text = turns.items.columns.content
  const tokens = tokensOf(text)
  return { text, tokens, starts: rowStarts(turns, tokens), turns: turns.starts }
}

export class QualityReader {
  readonly #words = new WordMarks()
  readonly #pairs = new WordMarks()
  readonly #surface = newSurface()
  readonly #scripts = new Float64Array(SCRIPTS)
  readonly #counts = new Int32Array(COUNTS)

  /** The counts of the response of a row, in an array that the next call overwrites. */
  count(prompt: Side, response: Side, row: number): Int32Array {
    this.#counts.fill(0)
    this.#readPrompt(prompt, row, response.starts[row + 1] - response.starts[row])
    this.#readWords(response, row)
    this.#readWordPairs(response, row)
    this.#readSurface(response, row)
    return this.#counts
  }

  /** Marks the prompt's words; `room` is for the words of a response after it. */
  #readPrompt(prompt: Side, row: number, room: number): void {
    const [from, to] = [prompt.starts[row], prompt.starts[row + 1]]
    const turn = prompt.turns[row + 1] - 1
    const answered = turn >= prompt.turns[row]
    const last = answered ? prompt.tokens.starts[turn] : to
    const { hashes, begins } = prompt.tokens
    const { bytes, offsets } = prompt.text
    this.#words.clear(to - from + room)
    this.#pairs.clear(to - from + room)
    for (let k = from; k < to; k++) {
      const before = this.#words.mark(hashes[k], k >= last ? PROMPT | LAST_TURN : PROMPT)
      if (before === 0) this.#counts[count.prompt_words]++
      if (before === 0 && isDigit(bytes[begins[k]])) this.#counts[count.prompt_numbers]++
      if (k >= last && !(before & LAST_TURN)) this.#counts[count.last_words]++
      if (k > from) this.#pairs.mark(pairHash(hashes[k - 1], hashes[k]), PROMPT)
    }
    if (answered) readScripts(this.#scripts, bytes, offsets[turn], Math.min(offsets[turn + 1], offsets[turn] + SCRIPT_BYTES))
    else this.#scripts.fill(0)
    this.#counts.set(this.#scripts, PROMPT_SCRIPTS)
  }

  #readWords({ tokens: { hashes, begins, ends }, starts, text }: Side, row: number): void {
    const counts = this.#counts
    const [from, to] = [starts[row], starts[row + 1]]
    counts[count.words] = to - from
    for (let k = from; k < to; k++) {
      const marks = this.#words.mark(hashes[k], MET)
      const size = ends[k] - begins[k]
      const number = isDigit(text.bytes[begins[k]])
      const known = (marks & PROMPT) !== 0
      counts[count.word_bytes] += size
      if (size >= LONG) counts[count.long_words]++
      if (number) counts[count.numbers]++
      if (number && known) counts[count.known_numbers]++
      if (k > from && isName(text.bytes, begins[k])) {
        counts[count.names]++
        if (known) counts[count.known_names]++
      }
      if (marks & MET) continue
      counts[count.distinct]++
      if (known) counts[count.met]++
      if (known && number) counts[count.met_numbers]++
      if (marks & LAST_TURN) counts[count.last_met]++
    }
    const opening = Math.min(to, from + OPENING_WORDS)
    counts[count.opening_refusals] = countPhrases(refusals, hashes, from, opening, to)
    counts[count.later_refusals] = countPhrases(refusals, hashes, opening, to)
  }

  #readWordPairs({ tokens: { hashes }, starts }: Side, row: number): void {
    const counts = this.#counts
    const [from, to] = [starts[row], starts[row + 1]]
    for (let k = from + 1; k < to; k++) {
      const marks = this.#pairs.mark(pairHash(hashes[k - 1], hashes[k]), OWN)
      if (marks & PROMPT) counts[count.pairs_from_prompt]++
      if (!(marks & OWN)) counts[count.distinct_pairs]++
    }
    this.#words.clear(to - from)
    for (let k = from + 2; k < to; k++) {
      const triple = pairHash(pairHash(hashes[k - 2], hashes[k - 1]), hashes[k])
      if (this.#words.mark(triple, OWN) === 0) counts[count.distinct_triples]++
    }
  }

  #readSurface({ text: { bytes, offsets }, turns }: Side, row: number): void {
    const surface = this.#surface
    readSurface(surface, bytes, offsets[turns[row]], offsets[turns[row + 1]])
    const { scripts, ...others } = surface
    this.#counts.set(scripts)
    for (const name of Object.keys(others) as (keyof typeof others)[]) this.#counts[count[name]] = others[name]
  }
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39
const pairHash = (first: number, second: number): number => mix32(Math.imul(first, 0x9e3779b1) ^ second)

/** A word that starts with a Latin capital, follows a space, and does not open a sentence. */
function isName(bytes: Uint8Array, begin: number): boolean {
  if (bytes[begin] < 0x41 || bytes[begin] > 0x5a || bytes[begin - 1] !== 0x20) return false
  const before = bytes[begin - 2]
  return (before >= 0x61 && before <= 0x7a) || before === 0x2c || before >= 0x80
}
