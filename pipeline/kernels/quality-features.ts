/** What can be said of a response's quality by counting and without looking at its style: how it meets its prompt, repeats itself, ends. */
import type { Turns, Utf8 } from '../batch.ts'
import { mix32 } from './mix.ts'
import { countPhrases, phrasesOf } from './phrases.ts'
import { newSurface, readScripts, readSurface, SCRIPTS } from './surface.ts'
import { rowStarts, type Tokens, tokensOf } from './tokens.ts'
import { WordMarks } from './word-marks.ts'

/** The features, in the order in which they stand in the vector; shares of 0 to 1 unless said otherwise. */
export const qualityFeatures = [
  'prompt_words_met', // distinct words of the prompt that the response has
  'last_turn_words_met', // the same of the prompt's last turn
  'words_from_prompt', // distinct words of the response that the prompt has
  'word_pairs_from_prompt',
  'echo', // 1 where nearly all word pairs are the prompt's
  'word_pairs_repeated', // 1 - distinct / all
  'word_triples_repeated',
  'lines_repeated',
  'windows_distinct', // distinct windows of four bytes: how well the text would compress
  'numbers_from_prompt', // numbers of the response that the prompt has
  'prompt_numbers_met',
  'new_numbers', // numbers that the prompt lacks, over words
  'names_from_prompt', // capitalised words inside sentences that the prompt has
  'other_script', // how far the shares of scripts differ from the prompt's last turn
  'refusal_opens', // 1 where the first 40 words refuse
  'refusals', // refusing phrases over words
  'cut_off', // 1 where it ends without a mark that ends something
  'asks_back', // 1 where it ends with a question
  'unbalanced_brackets', // 1 where brackets do not match
  'open_fence', // 1 where a code block is not closed
  'starts_small', // 1 where it starts with a small letter
  'speaks_for_others', // 1 where it goes on with another speaker's turn
  'broken_characters', // U+FFFD over bytes
  'word_bytes', // mean bytes of a word, over 10
  'long_words', // words of nine bytes or more
  'symbols', // ASCII characters that are no letters, digits or white space, over bytes
  'digits',
  'few_words', // 1 where there are fewer than three
] as const

const at = Object.fromEntries(qualityFeatures.map((name, i) => [name, i])) as Record<(typeof qualityFeatures)[number], number>

const refusals = phrasesOf([
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
/** What ends a sentence, a block or a list. */
const ENDS = new Set([...'.!?:;)]}"\'`*>|$…。！？；：）】」』”’»।॥؟'].map(character => character.codePointAt(0)!))
const QUESTIONS = new Set([...'?？؟'].map(character => character.codePointAt(0)!))

const OPENING_WORDS = 40
const SCRIPT_BYTES = 4096
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

/** Reads one response at a time against the prompt last given. */
export class QualityReader {
  readonly #words = new WordMarks()
  readonly #pairs = new WordMarks()
  readonly #surface = newSurface()
  readonly #scripts = new Float64Array(SCRIPTS)
  #row = -1
  #counts = { words: 0, last: 0, numbers: 0 }

  /** Marks the prompt's words; `room` is for the words of a response after it. */
  #prompt(prompt: Side, row: number, room: number): void {
    const from = prompt.starts[row]
    const to = prompt.starts[row + 1]
    const last = prompt.turns[row + 1] > prompt.turns[row] ? prompt.tokens.starts[prompt.turns[row + 1] - 1] : to
    const { hashes } = prompt.tokens
    this.#words.clear(to - from + room)
    this.#pairs.clear(to - from + 2 * room)
    this.#counts = { words: 0, last: 0, numbers: 0 }
    for (let k = from; k < to; k++) {
      const marks = k >= last ? PROMPT | LAST_TURN : PROMPT
      const before = this.#words.mark(hashes[k], marks)
      if (before === 0) this.#counts.words++
      if (before === 0 && isDigit(prompt.text.bytes[prompt.tokens.begins[k]])) this.#counts.numbers++
      if (k >= last && !(before & LAST_TURN)) this.#counts.last++
      if (k > from) this.#pairs.mark(pairHash(hashes[k - 1], hashes[k]), PROMPT)
    }
    if (this.#row !== row) this.#readScripts(prompt, row)
    this.#row = row
  }

  #readScripts(prompt: Side, row: number): void {
    const turn = prompt.turns[row + 1] - 1
    const { offsets, bytes } = prompt.text
    if (turn < prompt.turns[row]) this.#scripts.fill(0)
    else readScripts(this.#scripts, bytes, offsets[turn], Math.min(offsets[turn + 1], offsets[turn] + SCRIPT_BYTES))
  }

  /** Forgets which row the scripts are of: before another batch. */
  reset(): void {
    this.#row = -1
  }

  /** Writes the features of the response to `values`. */
  read(prompt: Side, response: Side, row: number, values: Float64Array): void {
    const words = response.starts[row + 1] - response.starts[row]
    this.#prompt(prompt, row, words)
    const begin = response.text.offsets[response.turns[row]]
    const end = response.text.offsets[response.turns[row + 1]]
    readSurface(this.#surface, response.text.bytes, begin, end)
    this.#readWords(values, response, row)
    this.#readWordPairs(values, response, row)
    this.#readSurface(values, response, begin, end)
  }

  #readWords(values: Float64Array, { tokens, starts, text }: Side, row: number): void {
    const { hashes, begins, ends } = tokens
    const words = starts[row + 1] - starts[row]
    const counts = {
      distinct: 0,
      met: 0,
      last: 0,
      numbers: 0,
      known_numbers: 0,
      met_numbers: 0,
      names: 0,
      known_names: 0,
      bytes: 0,
      long: 0,
    }
    for (let k = starts[row]; k < starts[row + 1]; k++) {
      const marks = this.#words.mark(hashes[k], MET)
      const size = ends[k] - begins[k]
      const lead = text.bytes[begins[k]]
      const number = isDigit(lead)
      const known = (marks & PROMPT) !== 0
      counts.bytes += size
      if (size >= 9) counts.long++
      if (number) counts.numbers++
      if (number && known) counts.known_numbers++
      if (isName(text.bytes, begins[k], starts[row] === k)) {
        counts.names++
        if (known) counts.known_names++
      }
      if (marks & MET) continue
      counts.distinct++
      if (known) counts.met++
      if (known && number) counts.met_numbers++
      if (marks & LAST_TURN) counts.last++
    }
    values[at.prompt_words_met] = share(counts.met, this.#counts.words)
    values[at.last_turn_words_met] = share(counts.last, this.#counts.last)
    values[at.words_from_prompt] = share(counts.met, counts.distinct)
    values[at.numbers_from_prompt] = share(counts.known_numbers, counts.numbers)
    values[at.prompt_numbers_met] = share(counts.met_numbers, this.#counts.numbers)
    values[at.new_numbers] = share(counts.numbers - counts.known_numbers, words)
    values[at.names_from_prompt] = share(counts.known_names, counts.names)
    values[at.word_bytes] = share(counts.bytes, words) / 10
    values[at.long_words] = share(counts.long, words)
    values[at.few_words] = words < 3 ? 1 : 0
    const opening = Math.min(starts[row + 1], starts[row] + OPENING_WORDS)
    const refusing = countPhrases(refusals, hashes, starts[row], opening, starts[row + 1])
    values[at.refusal_opens] = refusing > 0 ? 1 : 0
    values[at.refusals] = share(refusing + countPhrases(refusals, hashes, opening, starts[row + 1]), words)
  }

  #readWordPairs(values: Float64Array, { tokens: { hashes }, starts }: Side, row: number): void {
    let copied = 0
    let distinct = 0
    for (let k = starts[row] + 1; k < starts[row + 1]; k++) {
      const marks = this.#pairs.mark(pairHash(hashes[k - 1], hashes[k]), OWN)
      if (marks & PROMPT) copied++
      if (!(marks & OWN)) distinct++
    }
    const pairs = Math.max(0, starts[row + 1] - starts[row] - 1)
    this.#words.clear(pairs)
    let triples = 0
    for (let k = starts[row] + 2; k < starts[row + 1]; k++)
      if (this.#words.mark(pairHash(pairHash(hashes[k - 2], hashes[k - 1]), hashes[k]), OWN) === 0) triples++
    values[at.word_pairs_from_prompt] = share(copied, pairs)
    values[at.echo] = pairs > 2 && copied >= 0.95 * pairs ? 1 : 0
    values[at.word_pairs_repeated] = pairs > 0 ? 1 - distinct / pairs : 0
    values[at.word_triples_repeated] = pairs > 1 ? 1 - triples / (pairs - 1) : 0
  }

  #readSurface(values: Float64Array, { text: { bytes } }: Side, begin: number, end: number): void {
    const surface = this.#surface
    values[at.lines_repeated] = share(surface.repeated_lines, surface.lines)
    values[at.windows_distinct] = surface.distinct_windows
    values[at.other_script] = distance(this.#scripts, surface.scripts)
    values[at.cut_off] = surface.last !== 0 && !ENDS.has(surface.last) ? 1 : 0
    values[at.asks_back] = QUESTIONS.has(surface.last) ? 1 : 0
    values[at.unbalanced_brackets] = surface.unbalanced === 0 ? 0 : 1
    values[at.open_fence] = surface.open_fences
    values[at.starts_small] = surface.first >= 0x61 && surface.first <= 0x7a ? 1 : 0
    values[at.speaks_for_others] = surface.speaker_lines > 0 || textOf(bytes, begin, end).includes('<|') ? 1 : 0
    values[at.broken_characters] = share(surface.replacements, end - begin)
    values[at.symbols] = share(surface.symbols, end - begin)
    values[at.digits] = share(surface.digits, end - begin)
  }
}

const textOf = (bytes: Uint8Array, begin: number, end: number): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset + begin, end - begin)
const share = (part: number, whole: number): number => (whole > 0 ? part / whole : 0)
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39
const pairHash = (first: number, second: number): number => mix32(Math.imul(first, 0x9e3779b1) ^ second)

/** A word that starts with a Latin capital, follows a space, and opens neither the text nor a sentence. */
function isName(bytes: Uint8Array, begin: number, opens: boolean): boolean {
  if (opens || bytes[begin] < 0x41 || bytes[begin] > 0x5a || bytes[begin - 1] !== 0x20) return false
  const before = bytes[begin - 2]
  return (before >= 0x61 && before <= 0x7a) || before === 0x2c || before >= 0x80
}

/** Half the sum of differences of two distributions of letters; 0 where either has none. */
function distance(a: Float64Array, b: Float64Array): number {
  const sums = [a, b].map(counts => counts.reduce((n, count) => n + count, 0))
  if (sums[0] === 0 || sums[1] === 0) return 0
  let difference = 0
  for (let k = 0; k < a.length; k++) difference += Math.abs(a[k] / sums[0] - b[k] / sums[1])
  return difference / 2
}
