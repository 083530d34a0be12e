/** What synthetic texts are made of: sentences with slots and a Zipf-distributed vocabulary, both taken from real texts. */
import { utf8Of } from '../batch.ts'
import { hash32 } from '../kernels/random.ts'
import { OVERRUN, readable } from './bytes.ts'

export const languages = ['en', 'zh'] as const
export type Language = (typeof languages)[number]

/** Texts laid end to end; entry i is offsets[i] .. offsets[i + 1]). */
export interface Entries {
  readonly letters: DataView
  readonly offsets: Int32Array
}

/** Sentences of literal runs and slots: sentence t is the pieces starts[t] .. starts[t + 1]. */
export interface Templates {
  readonly starts: Int32Array
  readonly letters: DataView
  /** Where a piece begins in `letters`, or WORD_SLOT, or NUMBER_SLOT. */
  readonly from: Int32Array
  readonly to: Int32Array
  /** No filled sentence takes more bytes, what `lay` writes past its end included. */
  readonly longest: number
}
export const WORD_SLOT = -1
export const NUMBER_SLOT = -2

export interface Lexicon {
  readonly lang: Language
  /** Content words, the commonest first. */
  readonly words: Entries
  /** 65,536 indexes into `words`, each as often as Zipf's law has it: one lookup draws a word. */
  readonly zipf: Uint16Array
  /** Names are made of two or three of these 64. */
  readonly syllables: Entries
  readonly statements: Templates
  readonly questions: Templates
  /** Openings of sentences that careful and careless answers use. */
  readonly careful: Entries
  readonly careless: Entries
}

const VOCABULARY: Record<Language, number> = { en: 6000, zh: 1500 }
const FUNCTION_WORDS = 120
/** No more literal words in a row than this, so that every word 5-gram holds a slot and unrelated texts share next to none. */
const LITERAL_RUN: Record<Language, number> = { en: 3, zh: 2 }
const WORD_BYTES = 32
const SENTENCE_WORDS = { least: 5, most: 40 }

const CAREFUL = {
  en: [
    'Because of this: ',
    'For example: ',
    'To check it: ',
    'Precisely: ',
    'Therefore: ',
    'First: ',
    'In detail: ',
    'Step by step: ',
    'As measured: ',
  ],
  zh: ['因此，', '例如，', '具体地说，', '首先，', '经过核对，'],
}
const CARELESS = {
  en: [
    'Whatever: ',
    'Maybe: ',
    'I guess: ',
    'Not sure: ',
    'Anyway: ',
    'Somehow: ',
    'Well, stuff: ',
    'Honestly, no idea: ',
    'Actually, no: ',
  ],
  zh: ['随便，', '也许，', '反正，', '不清楚，', '大概吧，'],
}

const ONSETS = ['b', 'd', 'f', 'g', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'z', 'br', 'st']
const RHYMES = ['al', 'en', 'ir', 'o']

/** The lexicons of the languages in which the texts hold enough sentences. */
export function lexiconsOf(texts: Iterable<string>): Lexicon[] {
  const sentences: Record<Language, Set<string>> = { en: new Set(), zh: new Set() }
  for (const text of texts) for (const sentence of sentencesOf(text)) sentences[languageOf(sentence)].add(sentence)
  return languages.flatMap(lang => lexiconOf(lang, [...sentences[lang]]) ?? [])
}

const HAN = /\p{Script=Han}/u
const languageOf = (text: string): Language => (HAN.test(text) ? 'zh' : 'en')

/** Sentences of prose; code, tables and transcripts' markup are passed over. */
function sentencesOf(text: string): string[] {
  return text
    .replace(/```[\s\S]*?(```|$)/g, '\n')
    .split(/\n+|(?<=[.!?])\s+(?=[A-Z"'])|(?<=[。！？])/)
    .map(line =>
      line
        .replace(/^[\s#>*\d.)-]+|[*_`"]/g, '')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter(isSentence)
}

function isSentence(line: string): boolean {
  if (/[{}<>|\\=;]|https?:|^(Human|Assistant):/.test(line)) return false
  const lang = languageOf(line)
  const count = lang === 'zh' ? tokensIn(line, lang).filter(isWord).length : line.split(' ').length
  return count >= SENTENCE_WORDS.least && count <= SENTENCE_WORDS.most && /^[\p{Script=Latin}\p{Script=Han}\p{N}\p{P}\p{Zs}+]+$/u.test(line)
}

const TOKENS = { en: /[\p{L}\p{M}][\p{L}\p{M}'’-]*|\p{N}+|[^\p{L}\p{N}]+/gu, zh: /\p{Script=Han}|[\p{L}\p{M}]+|\p{N}+|[^\p{L}\p{N}]+/gu }
const tokensIn = (text: string, lang: Language): string[] => text.match(TOKENS[lang]) ?? []
const isWord = (token: string): boolean => /^[\p{L}\p{N}]/u.test(token)
const isNumber = (token: string): boolean => /^\p{N}/u.test(token)

function lexiconOf(lang: Language, sentences: readonly string[]): Lexicon | undefined {
  const questions = sentences.filter(s => /[?？]$/.test(s))
  const statements = sentences.filter(s => !/[?？]$/.test(s))
  if (statements.length < 3) return undefined
  const ranked = rankedWords(sentences, lang)
  const common = new Set(lang === 'en' ? ranked.slice(0, FUNCTION_WORDS) : [])
  const content = ranked.filter(word => !common.has(word) && (lang === 'zh' || word.length > 3) && Buffer.byteLength(word) <= WORD_BYTES)
  const words = vocabularyOf(lang, content)
  const build = (from: readonly string[]): Templates => templatesOf(from, lang, common)
  return {
    lang,
    words: entriesOf(words),
    zipf: zipfTable(words.length),
    syllables: entriesOf(lang === 'zh' ? spread(words, 64) : ONSETS.flatMap(onset => RHYMES.map(rhyme => onset + rhyme))),
    statements: build(statements),
    questions: build(questions.length > 0 ? questions : statements.map(s => s.replace(/[.!。！]*$/, lang === 'zh' ? '？' : '?'))),
    careful: entriesOf(CAREFUL[lang]),
    careless: entriesOf(CARELESS[lang]),
  }
}

function entriesOf(texts: readonly string[]): Entries {
  const { bytes, offsets } = utf8Of(texts)
  return { letters: readable(bytes), offsets }
}

/** Words of the language, case-folded, the most frequent first, equals in the order of their letters. */
function rankedWords(sentences: readonly string[], lang: Language): string[] {
  const counts = new Map<string, number>()
  for (const sentence of sentences)
    for (const token of tokensIn(sentence, lang)) {
      if (!isWord(token) || isNumber(token) || (lang === 'zh' && !HAN.test(token))) continue
      const word = token.toLowerCase()
      counts.set(word, (counts.get(word) ?? 0) + 1)
    }
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([word]) => word)
}

/** The texts' own words, filled up with made ones: a few hundred texts do not hold enough for millions of rows. */
function vocabularyOf(lang: Language, own: readonly string[]): string[] {
  const words = new Set(own.slice(0, VOCABULARY[lang]))
  for (let n = 0; words.size < VOCABULARY[lang]; n++) words.add(lang === 'zh' ? String.fromCodePoint(0x4e00 + n) : madeWord(n))
  return [...words]
}

function madeWord(n: number): string {
  const bits = hash32(n, 0, 0)
  const syllable = (shift: number): string => ONSETS[(bits >>> shift) & 15] + RHYMES[(bits >>> (shift + 4)) & 3]
  return syllable(0) + syllable(6) + (bits & 0x10000000 ? syllable(12) : '')
}

const spread = (words: readonly string[], n: number): string[] =>
  Array.from({ length: n }, (_, i) => words[Math.floor((i * words.length) / n)])

/** Zipf and Mandelbrot: the word of rank k has a share in proportion to (k + 12)^-0.9, so that no single word rules every text. */
function zipfTable(words: number): Uint16Array {
  const cumulative = new Float64Array(words)
  let sum = 0
  for (let k = 0; k < words; k++) cumulative[k] = sum += (k + 12) ** -0.9
  const table = new Uint16Array(65_536)
  for (let i = 0, k = 0; i < table.length; i++) {
    while (cumulative[k] < ((i + 0.5) / table.length) * sum) k++
    table[i] = k
  }
  return table
}

function templatesOf(sentences: readonly string[], lang: Language, common: ReadonlySet<string>): Templates {
  const bytes: number[] = []
  const from: number[] = []
  const to: number[] = []
  const starts = [0]
  let longest = 0
  for (const sentence of sentences) {
    const pieces = piecesOf(sentence, lang, common)
    longest = Math.max(longest, Buffer.byteLength(sentence) + 3 + OVERRUN + pieces.length * WORD_BYTES)
    for (const piece of pieces) {
      from.push(typeof piece === 'number' ? piece : bytes.length)
      if (typeof piece === 'string') bytes.push(...Buffer.from(piece))
      to.push(bytes.length)
    }
    starts.push(from.length)
  }
  return {
    starts: Int32Array.from(starts),
    letters: readable(Uint8Array.from(bytes)),
    from: Int32Array.from(from),
    to: Int32Array.from(to),
    longest,
  }
}

/** Every second content word becomes a slot, and whatever word would make a literal run too long. */
function piecesOf(sentence: string, lang: Language, common: ReadonlySet<string>): (string | number)[] {
  const pieces: (string | number)[] = []
  let literal = ''
  let run = 0
  const slot = (kind: number): void => {
    if (literal !== '') pieces.push(literal)
    pieces.push(kind)
    literal = ''
    run = 0
  }
  for (const token of tokensIn(ended(sentence, lang), lang)) {
    if (isNumber(token)) slot(NUMBER_SLOT)
    else if (
      isWord(token) &&
      (run === LITERAL_RUN[lang] || (run > 0 && lang === 'en' && token.length > 3 && !common.has(token.toLowerCase())))
    )
      slot(WORD_SLOT)
    else {
      literal += token
      if (isWord(token)) run++
    }
  }
  if (literal !== '') pieces.push(literal)
  return pieces
}

const ended = (sentence: string, lang: Language): string =>
  /[.!?。！？]$/.test(sentence) ? sentence : sentence.replace(/[\p{P}\s]*$/u, lang === 'zh' ? '。' : '.')
