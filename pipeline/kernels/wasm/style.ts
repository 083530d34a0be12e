// AssemblyScript. The twin of ../style-scan.ts and of the words of ../style-features.ts: 64 bytes at a time are searched for signs. The
// host lays out the memory.
import { BACKTICK, isBlank, isDigit, isFence, isSpace, LINE_FEED } from './shared/ascii'
import { ideographsOfAll, signsOfAll } from './shared/sign-blocks'
import { closesSentence, isOfWord, missingPage, readAgain, setUpSigns, signAt, signOf } from './shared/sign-table'
import {
  add,
  BOLD,
  CHARACTERS,
  CODE_BLOCKS,
  CODE_CHARACTERS,
  COUNTS,
  countTo,
  DIGIT,
  EMOJI,
  HEADERS,
  LINES,
  ORDERED,
  ORDINARY,
  PARAGRAPHS,
  SENTENCES,
  UNORDERED,
} from './shared/style-counts'
import { forget, readWords, setUpWords } from './shared/style-words'
import { sizeOf } from './shared/utf8'

const BAR: i32 = 7
const JOINER: i32 = 10
const NEWLINE: i32 = 11
const EMPHASIS: i32 = 12
const DOT: i32 = 14
const BEYOND_ASCII: i32 = 255

const UNDERSCORE: i32 = 0x5f

/** 16 bytes: of the ASCII bytes with that low nibble, a bit for the high nibble of each that is a sign. */
let nibbles: usize = 0
/** Begin and end of every fenced block of a text. */
let code: usize = 0
/** Of the text being read: bytes that are no character of prose, the open mark of bold text, whether no line came since a blank one. */
let skipped: i32 = 0
let boldMark: i32 = 0
let afterBlank: bool = true
let codeEnd: usize = 0

export function base(): usize {
  return __heap_base
}

export function setUp(
  bytesAt: usize,
  nibblesAt: usize,
  pagesAt: usize,
  codeAt: usize,
  slotsAt: usize,
  slotsSize: usize,
  openersAt: usize,
  hedgesAt: usize,
): void {
  nibbles = nibblesAt
  setUpSigns(bytesAt, pagesAt)
  code = codeAt
  setUpWords(slotsAt, slotsSize, openersAt, hedgesAt)
}

/**
 * Counts of responses: row i's turns are those from turns[i] to turns[i + 1], turn t's text lies between the addresses texts[t] and
 * texts[t + 1], its words are those from words[t] to words[t + 1]; word w begins at address begins[w] + shift. Gives 0, or -1 - p where
 * page p of signs is missing. Sixty-four bytes after the last text must be readable.
 */
export function countRows(rows: i32, turns: usize, texts: usize, words: usize, hashes: usize, begins: usize, shift: i32, out: usize): i32 {
  readAgain()
  for (let row = 0; row < rows; row++) {
    const first = load<i32>(turns + ((<usize>row) << 2))
    const last = load<i32>(turns + ((<usize>row) << 2), 4)
    countTo(out + <usize>(row * COUNTS) * 4)
    forget(wordOf(words, last) - wordOf(words, first))
    for (let turn = first; turn < last; turn++) {
      readText(load<u32>(texts + ((<usize>turn) << 2)), load<u32>(texts + ((<usize>turn) << 2), 4))
      readWords(hashes, begins, shift, wordOf(words, turn), wordOf(words, turn + 1), code, codeEnd)
    }
    const missing = missingPage()
    if (missing >= 0) return -1 - missing
  }
  return 0
}

function wordOf(words: usize, turn: i32): i32 {
  return load<i32>(words + ((<usize>turn) << 2))
}

function readText(from: usize, to: usize): void {
  codeEnd = code
  skipped = 0
  afterBlank = true
  let ordinary = 0
  let block = startLine(from, to)
  while (block < to) {
    const inside = to - block < 64 ? ((<u64>1) << (to - block)) - 1 : <u64>-1
    let ideographs = ideographsOfAll(block) & inside
    let signs = signsOfAll(block, nibbles) & inside & ~ideographs
    let at = block
    while (signs !== 0) {
      at = block + <usize>ctz(signs)
      const sign = signOf(load<u8>(at))
      if (sign <= BAR) {
        add(sign, 1)
        signs &= signs - 1
        continue
      }
      const before = ((<u64>1) << (at - block)) - 1
      at = readSign(sign, at, from, to)
      if (at - block >= 64) {
        ideographs &= before
        break
      }
      const after = (<u64>-1) << (at - block)
      ideographs &= before | after
      signs &= after
    }
    const many = <i32>popcnt(ideographs)
    skipped += 2 * many
    ordinary += many
    block = max(at, block + 64)
  }
  add(ORDINARY, ordinary)
  add(CHARACTERS, <i32>(to - from) - skipped)
}

function readSign(sign: i32, at: usize, from: usize, to: usize): usize {
  if (sign === BEYOND_ASCII) return readWide(at, from, to)
  if (sign === NEWLINE) return startLine(at + 1, to)
  if (sign >= DOT) return stop(at, to)
  return sign === EMPHASIS ? emphasise(at, from, to) : readBackticks(at, to)
}

/** A line begins at `at`; gives the place after its marker. */
function startLine(at: usize, to: usize): usize {
  boldMark = 0
  let text = at
  while (text < to && isBlank(load<u8>(text))) text++
  if (text === to || load<u8>(text) === LINE_FEED) {
    afterBlank = true
    return text
  }
  if (isFence(text, to)) return text
  add(LINES, 1)
  if (afterBlank) add(PARAGRAPHS, 1)
  afterBlank = false
  return readMarker(text, to)
}

function readMarker(at: usize, to: usize): usize {
  const byte = <i32>load<u8>(at)
  let end = at
  if (byte === 0x23) {
    while (end < to && load<u8>(end) === 0x23) end++
    if (end - at <= 6 && (end === to || isSpace(load<u8>(end)))) add(HEADERS, 1)
    return end
  }
  if (byte === 0x2d || byte === 0x2b || byte === 0x2a) {
    if (at + 1 < to && !isSpace(load<u8>(at, 1))) return at
    add(UNORDERED, 1)
    return at + 1
  }
  if (byte === 0xe2 && load<u8>(at, 1) === 0x80 && load<u8>(at, 2) === 0xa2) add(UNORDERED, 1)
  if (!isDigit(byte)) return at
  while (end < to && isDigit(load<u8>(end))) end++
  if (end === to) return at
  const mark = <i32>load<u8>(end)
  const dotted = end + 1 < to && (mark === 0x2e || mark === 0x29) && isSpace(load<u8>(end, 1))
  if (!dotted && !(mark === 0xe3 && load<u8>(end, 1) === 0x80 && load<u8>(end, 2) === 0x81)) return at
  add(ORDERED, 1)
  add(DIGIT, <i32>(end - at))
  return dotted ? end + 1 : end
}

function readWide(at: usize, from: usize, to: usize): usize {
  const size = sizeOf(load<u8>(at))
  const sign = signAt(at, size)
  if (sign >= DOT) return stop(at, to)
  skipped += size - 1
  const glued = sign === EMOJI && at - 3 >= from && signAt(at - 3, 3) === JOINER
  if (!glued) add(sign, 1)
  return at + size
}

/** One or more marks that may end a sentence. */
function stop(at: usize, to: usize): usize {
  let wide = false
  let end = at
  while (end < to) {
    const size = sizeOf(load<u8>(end))
    const sign = signAt(end, size)
    if (sign < DOT) break
    add(sign, 1)
    skipped += size - 1
    if (size > 1) wide = true
    end += size
  }
  if (wide || end === to || closesSentence(load<u8>(end))) add(SENTENCES, 1)
  return end
}

function inWord(place: usize, from: usize, to: usize): bool {
  return place >= from && place < to && isOfWord(load<u8>(place))
}

/** Two marks open what the next two on the same line close; underscores do so only at the edge of a word. */
function emphasise(at: usize, from: usize, to: usize): usize {
  const mark = <i32>load<u8>(at)
  let end = at + 1
  while (end < to && <i32>load<u8>(end) === mark) end++
  if (end - at !== 2 && end - at !== 3) return end
  if (boldMark === mark) {
    if (mark === UNDERSCORE && inWord(end, from, to)) return end
    add(BOLD, 1)
    boldMark = 0
  } else if (mark !== UNDERSCORE || !inWord(at - 1, from, to)) boldMark = mark
  return end
}

/** Three or more open a block that the next three or the end of the text close. */
function readBackticks(at: usize, to: usize): usize {
  let open = at
  while (open < to && load<u8>(open) === BACKTICK) open++
  if (open - at < 3) return open
  let close = open
  let characters = 0
  while (close < to && !isFence(close, to)) {
    if ((load<u8>(close) & 0xc0) !== 0x80) characters++
    close++
  }
  while (close < to && load<u8>(close) === BACKTICK) close++
  add(CODE_BLOCKS, 1)
  add(CODE_CHARACTERS, characters)
  store<u32>(codeEnd, <u32>at)
  store<u32>(codeEnd, <u32>close, 4)
  codeEnd += 8
  skipped += <i32>(close - at)
  afterBlank = true
  return close
}
