/** Style of a response, counted without reading its content: length, Markdown, signs, openers and hedges. */
import type { Utf8 } from '../batch.ts'
import {
  BOLD,
  CHARACTERS,
  CODE_BLOCKS,
  CODE_CHARACTERS,
  DIFFERENT,
  HEADERS,
  HEDGES,
  LINES,
  OPENER,
  ORDERED,
  PARAGRAPHS,
  SENTENCES,
  UNORDERED,
  WORDS,
} from './style-counts.ts'
import { hedges, isPhraseAt, mayHedge, openers } from './style-phrases.ts'
import { StyleScan } from './style-scan.ts'
import { BAR, BRACKET, CAPITAL, COLON, COMMA, DIGIT, EMOJI, EXCLAMATION, QUESTION, QUOTE, REGIONAL } from './style-signs.ts'
import type { Tokens } from './tokens.ts'
import { WordMarks } from './word-marks.ts'

/** Features that style control fits, of the text outside fenced code but for the last two. */
export const controlled = [
  'words',
  'characters',
  'headers', // ^#{1,6}\s
  'ordered_items',
  'unordered_items',
  'bold_spans', // **x**, __x__
  'sentences',
  'exclamations',
  'emoji',
  'lines', // not blank
  'paragraphs',
  'commas',
  'colons',
  'digits',
  'capitals',
  'hedges', // perhaps, it depends, ...
  'type_token_ratio',
  'opener', // 1 where it begins with "Sure!", "As an AI" or the like
  'code_blocks',
  'code_characters',
] as const

/** Features that only the audit looks at, to see whether control of the others went far enough. */
export const unseen = ['questions', 'quotes', 'brackets', 'bars'] as const

export const styleFeatures = [...controlled, ...unseen] as const
export type StyleFeature = (typeof styleFeatures)[number]

/** Where each feature stands in a vector. */
export const place = Object.fromEntries(styleFeatures.map((name, k) => [name, k])) as Readonly<Record<StyleFeature, number>>

/** Reads one response at a time. */
export class StyleReader {
  readonly #scan = new StyleScan()
  readonly #distinct = new WordMarks()

  /** The counts of a response whose turns are rows from .. to) of a column with these tokens, in an array that the next call overwrites. */
  count({ bytes, offsets }: Utf8, tokens: Tokens, from: number, to: number): Int32Array {
    this.#scan.restart()
    this.#distinct.clear(tokens.starts[to] - tokens.starts[from])
    for (let turn = from; turn < to; turn++) {
      this.#scan.read(bytes, offsets[turn], offsets[turn + 1])
      this.#readWords(tokens, tokens.starts[turn], tokens.starts[turn + 1])
    }
    return this.#scan.counts
  }

  #readWords({ hashes, begins }: Tokens, first: number, last: number): void {
    const { code, counts } = this.#scan
    let next = 0
    for (let k = first; k < last; k++) {
      while (next < code.length && begins[k] >= code[next + 1]) next += 2
      if (next < code.length && begins[k] >= code[next]) continue
      const word = hashes[k]
      if (counts[WORDS]++ === 0 && isPhraseAt(openers, hashes, k, last)) counts[OPENER] = 1
      if (this.#distinct.mark(word, 1) === 0) counts[DIFFERENT]++
      if (mayHedge[word & (mayHedge.length - 1)] === 1 && isPhraseAt(hedges, hashes, k, last)) counts[HEDGES]++
    }
  }
}

/** Writes the features that come of counts[from ..] to out[at ..]. */
export function writeFeatures(counts: Int32Array, from: number, out: Float32Array, at: number): void {
  for (let k = 0; k < COUNT_OF.length; k++) out[at + k] = counts[from + COUNT_OF[k]]
  out[at + place.emoji] = counts[from + EMOJI] + counts[from + REGIONAL] / 2
  out[at + place.type_token_ratio] = counts[from + WORDS] > 0 ? counts[from + DIFFERENT] / counts[from + WORDS] : 0
}

/** By feature, the count that it is or is made of. */
const COUNT_OF = countPlaces({
  words: WORDS,
  characters: CHARACTERS,
  headers: HEADERS,
  ordered_items: ORDERED,
  unordered_items: UNORDERED,
  bold_spans: BOLD,
  sentences: SENTENCES,
  exclamations: EXCLAMATION,
  emoji: EMOJI,
  lines: LINES,
  paragraphs: PARAGRAPHS,
  commas: COMMA,
  colons: COLON,
  digits: DIGIT,
  capitals: CAPITAL,
  hedges: HEDGES,
  type_token_ratio: DIFFERENT,
  opener: OPENER,
  code_blocks: CODE_BLOCKS,
  code_characters: CODE_CHARACTERS,
  questions: QUESTION,
  quotes: QUOTE,
  brackets: BRACKET,
  bars: BAR,
})

function countPlaces(counts: Readonly<Record<StyleFeature, number>>): Int32Array {
  return Int32Array.from(styleFeatures, name => counts[name])
}
