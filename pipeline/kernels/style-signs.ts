/** What single characters count for in style. */

/** What nobody asks for. */
export const ORDINARY = 0
export const DIGIT = 1
export const CAPITAL = 2
export const COMMA = 3
export const COLON = 4
export const QUOTE = 5
export const BRACKET = 6
export const BAR = 7
export const EMOJI = 8
/** From here on a sign means something by its neighbours. Half of a flag: */
export const REGIONAL = 9
/** Glues two pictographs into one. */
export const JOINER = 10
export const NEWLINE = 11
export const EMPHASIS = 12
export const BACKTICK = 13
/** From here on a sign may end a sentence. A full stop does only before white space or a closing mark. */
export const DOT = 14
export const EXCLAMATION = 15
export const QUESTION = 16
/** Ends a sentence wherever it stands: full stops of scripts without spaces, danda and their like. */
export const STOP = 17
export const SIGNS = 18

const signs: Readonly<Record<string, number>> = {
  '0123456789': DIGIT,
  ABCDEFGHIJKLMNOPQRSTUVWXYZ: CAPITAL,
  ',，、،﹐': COMMA,
  ':：﹕': COLON,
  '"“”„«»「」『』': QUOTE,
  '()[]{}（）【】《》': BRACKET,
  '|｜': BAR,
  '\u200d': JOINER,
  '\n': NEWLINE,
  '*_': EMPHASIS,
  '`': BACKTICK,
  '.．': DOT,
  '!！﹗': EXCLAMATION,
  '?？؟﹖\u037e': QUESTION,
  '。｡।॥۔։።។။': STOP,
}

const REGIONALS = /\p{Regional_Indicator}/u
/** Dingbats count as emoji even where they are text by default, arrows and letterlike signs do not. */
const PICTOGRAPHS = /\p{Emoji_Presentation}|(?=[\u2600-\u27bf])\p{Extended_Pictographic}/u
const MODIFIERS = /\p{Emoji_Modifier}/u

/** Signs of the 256 code points of a page. */
function buildPage(page: number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, i) => {
    const point = page * 256 + i
    if (point >= 0xd800 && point < 0xe000) return ORDINARY
    const character = String.fromCodePoint(point)
    const known = Object.entries(signs).find(([characters]) => characters.includes(character))
    if (known) return known[1]
    if (REGIONALS.test(character)) return REGIONAL
    return PICTOGRAPHS.test(character) && !MODIFIERS.test(character) ? EMOJI : ORDINARY
  })
}

const pages: (Uint8Array | undefined)[] = new Array(0x1100).fill(undefined)

/** The signs of 256 code points, built when first asked for. */
export const pageOfSigns = (page: number): Uint8Array => (pages[page] ??= buildPage(page))

export const signOf = (point: number): number => pageOfSigns(point >>> 8)[point & 255]

/** In place of a sign: the byte is of a longer sequence. */
export const BEYOND_ASCII = 255
/** Signs of ASCII bytes. */
export const ASCII_SIGNS = Uint8Array.from({ length: 256 }, (_, byte) => (byte < 128 ? signOf(byte) : BEYOND_ASCII))
