/** What a character does to a word, and what it becomes when case is folded: JavaScript's own Unicode tables, read once a page. */

export const SEPARATOR = 0
/** Letters, digits, underscore: continue a word. */
export const LETTER = 1
/** Combining marks: continue any word but an ideograph, open one where none is open. */
export const MARK = 2
/** Han and Hiragana: a word each. */
export const IDEOGRAPH = 3
/** Letters of scripts that put no space between words: each opens a word, which only marks continue. */
export const UNSPACED = 4
/** Flag: folds to several characters, listed in `expansions`. */
export const EXPANDS = 8
/** Flag: folds to something else than itself. */
export const CHANGES = 16

const SHIFT = 5
/** The folded code point of an entry; of one that expands, its place in `expansions`. */
export const foldedOf = (entry: number): number => entry >>> SHIFT
export const classOf = (entry: number): number => entry & 7

const WORD = /[\p{L}\p{N}_]/u
const MARKS = /\p{M}/u
const IDEOGRAPHS = /[\p{Script=Han}\p{Script=Hiragana}]/u
const UNSPACED_LETTERS = /(?=\p{L})[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u

/** Syllables of Hangul stay whole: of letters alone, each would be three characters, and texts in single jamo are rare. */
const WHOLE = /[\uac00-\ud7a3]/

/** Case folded, and taken apart (Unicode NFD): the same word is the same whether its accents are characters of their own or not. */
const fold = (character: string): string => (WHOLE.test(character) ? character : foldCase(character).normalize('NFD'))

/** Full case folding (Unicode CaseFolding C + F) up to a choice of representative; dotless i alone must be left as it is. */
const foldCase = (character: string): string => (character === '\u0131' ? character : character.toLowerCase().toUpperCase().toLowerCase())

/** What the characters that fold to several become. */
export const expansions: (readonly number[])[] = []

/** Entries of the 256 code points from page * 256 on: folded code point << 5 | flags | class. */
function buildPage(page: number): Int32Array {
  const entries = new Int32Array(256)
  for (let i = 0; i < 256; i++) entries[i] = entryOf((page << 8) | i)
  return entries
}

function entryOf(point: number): number {
  if (point >= 0xd800 && point < 0xe000) return SEPARATOR
  const character = String.fromCodePoint(point)
  const kind = kindOf(character)
  if (kind === SEPARATOR) return SEPARATOR
  if (kind === IDEOGRAPH) return (point << SHIFT) | kind
  const folded = Array.from(fold(character), c => c.codePointAt(0)!)
  if (folded.length === 1) return (folded[0] << SHIFT) | (folded[0] === point ? 0 : CHANGES) | kind
  return ((expansions.push(folded) - 1) << SHIFT) | CHANGES | EXPANDS | kind
}

function kindOf(character: string): number {
  if (IDEOGRAPHS.test(character)) return IDEOGRAPH
  if (UNSPACED_LETTERS.test(character)) return UNSPACED
  if (MARKS.test(character)) return MARK
  return WORD.test(character) ? LETTER : SEPARATOR
}

const pages: (Int32Array | undefined)[] = new Array(0x1100).fill(undefined)

/** The 256 entries of a page of code points, built when first asked for. */
export const pageOf = (page: number): Int32Array => (pages[page] ??= buildPage(page))

/** 1 for the bytes of ASCII letters, digits and underscore, for which setting bit 5 folds case (and keeps the others apart). */
export const IS_WORD_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => (byte < 128 && classOf(pageOf(0)[byte]) !== SEPARATOR ? 1 : 0))
