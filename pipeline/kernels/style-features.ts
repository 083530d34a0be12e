/** Style of a response, counted without reading its content: length, Markdown, signs, openers and hedges. */
import type { Utf8 } from '../batch.ts'
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
  #words = 0
  #different = 0
  #hedges = 0
  #opener = 0

  /** Writes the features of a response whose turns are rows from .. to) of a column with these tokens to out[at ..]. */
  read({ bytes, offsets }: Utf8, tokens: Tokens, from: number, to: number, out: Float32Array, at: number): void {
    this.#scan.restart()
    this.#distinct.clear(tokens.starts[to] - tokens.starts[from])
    this.#words = this.#different = this.#hedges = this.#opener = 0
    for (let turn = from; turn < to; turn++) {
      this.#scan.read(bytes, offsets[turn], offsets[turn + 1])
      this.#readWords(tokens, tokens.starts[turn], tokens.starts[turn + 1])
    }
    this.#write(out, at)
  }

  #readWords({ hashes, begins }: Tokens, first: number, last: number): void {
    const { code } = this.#scan
    let next = 0
    for (let k = first; k < last; k++) {
      while (next < code.length && begins[k] >= code[next + 1]) next += 2
      if (next < code.length && begins[k] >= code[next]) continue
      const word = hashes[k]
      if (this.#words++ === 0 && isPhraseAt(openers, hashes, k, last)) this.#opener = 1
      if (this.#distinct.mark(word, 1) === 0) this.#different++
      if (mayHedge[word & (mayHedge.length - 1)] === 1 && isPhraseAt(hedges, hashes, k, last)) this.#hedges++
    }
  }

  #write(out: Float32Array, at: number): void {
    const scan = this.#scan
    const { signs } = scan
    out[at + place.words] = this.#words
    out[at + place.characters] = scan.characters
    out[at + place.headers] = scan.headers
    out[at + place.ordered_items] = scan.ordered
    out[at + place.unordered_items] = scan.unordered
    out[at + place.bold_spans] = scan.bold
    out[at + place.sentences] = scan.sentences
    out[at + place.exclamations] = signs[EXCLAMATION]
    out[at + place.emoji] = signs[EMOJI] + signs[REGIONAL] / 2
    out[at + place.lines] = scan.lines
    out[at + place.paragraphs] = scan.paragraphs
    out[at + place.commas] = signs[COMMA]
    out[at + place.colons] = signs[COLON]
    out[at + place.hedges] = this.#hedges
    out[at + place.type_token_ratio] = this.#words > 0 ? this.#different / this.#words : 0
    out[at + place.opener] = this.#opener
    out[at + place.code_blocks] = scan.codeBlocks
    out[at + place.code_characters] = scan.codeCharacters
    out[at + place.questions] = signs[QUESTION]
    out[at + place.digits] = signs[DIGIT]
    out[at + place.capitals] = signs[CAPITAL]
    out[at + place.quotes] = signs[QUOTE]
    out[at + place.brackets] = signs[BRACKET]
    out[at + place.bars] = signs[BAR]
  }
}
