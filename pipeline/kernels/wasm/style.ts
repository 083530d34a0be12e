// AssemblyScript. The twin of ../style-scan.ts and of the words of ../style-features.ts: 64 bytes at a time are searched for signs. The
// host lays out the memory.
import { beginsPhrase } from './shared/phrases'

const ORDINARY: i32 = 0
const BAR: i32 = 7
const DIGIT: i32 = 1
const EMOJI: i32 = 8
const JOINER: i32 = 10
const NEWLINE: i32 = 11
const EMPHASIS: i32 = 12
const DOT: i32 = 14
const BEYOND_ASCII: i32 = 255

const CHARACTERS: i32 = 18
const HEADERS: i32 = 19
const ORDERED: i32 = 20
const UNORDERED: i32 = 21
const BOLD: i32 = 22
const SENTENCES: i32 = 23
const LINES: i32 = 24
const PARAGRAPHS: i32 = 25
const CODE_BLOCKS: i32 = 26
const CODE_CHARACTERS: i32 = 27
const WORDS: i32 = 28
const DIFFERENT: i32 = 29
const HEDGES: i32 = 30
const OPENER: i32 = 31
const COUNTS: i32 = 32

const LINE_FEED: i32 = 0x0a
const UNDERSCORE: i32 = 0x5f
const BACKTICK: i32 = 0x60

/** By byte: its sign, then whether it closes a sentence, then whether it is of a word. */
let bytes: usize = 0
/** 16 bytes: of the ASCII bytes with that low nibble, a bit for the high nibble of each that is a sign. */
let nibbles: usize = 0
/** Addresses of the 0x1100 pages of signs, 0 where the host has not yet given one. */
let pages: usize = 0
/** Begin and end of every fenced block of a text. */
let code: usize = 0
/** Slots of eight bytes: a word, and the response that put it there. */
let slots: usize = 0
let slotBytes: usize = 0
/** By the low 12 bits of a word: the first of the phrases that may begin with it. A phrase = next, first word, number of words after it, these. */
let openers: usize = 0
let hedges: usize = 0

let counts: usize = 0
let response: u32 = 0
let mask: u32 = 0
let missing: i32 = -1

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
  bytes = bytesAt
  nibbles = nibblesAt
  pages = pagesAt
  code = codeAt
  slots = slotsAt
  slotBytes = slotsSize
  openers = openersAt
  hedges = hedgesAt
}

/**
 * Counts of responses: row i's turns are those from turns[i] to turns[i + 1], turn t's text lies between the addresses texts[t] and
 * texts[t + 1], its words are those from words[t] to words[t + 1]; word w begins at address begins[w] + shift. Gives 0, or -1 - p where
 * page p of signs is missing. Sixty-four bytes after the last text must be readable.
 */
export function countRows(rows: i32, turns: usize, texts: usize, words: usize, hashes: usize, begins: usize, shift: i32, out: usize): i32 {
  missing = -1
  for (let row = 0; row < rows; row++) {
    const first = load<i32>(turns + ((<usize>row) << 2))
    const last = load<i32>(turns + ((<usize>row) << 2), 4)
    counts = out + <usize>(row * COUNTS) * 4
    memory.fill(counts, 0, COUNTS * 4)
    forget(wordOf(words, last) - wordOf(words, first))
    for (let turn = first; turn < last; turn++) {
      readText(load<u32>(texts + ((<usize>turn) << 2)), load<u32>(texts + ((<usize>turn) << 2), 4))
      readWords(hashes, begins, shift, wordOf(words, turn), wordOf(words, turn + 1))
    }
    if (missing >= 0) return -1 - missing
  }
  return 0
}

function wordOf(words: usize, turn: i32): i32 {
  return load<i32>(words + ((<usize>turn) << 2))
}

function add(count: i32, n: i32): void {
  const at = counts + ((<usize>count) << 2)
  store<i32>(at, load<i32>(at) + n)
}

/** Makes room for so many different words and forgets those of the response before. */
function forget(words: i32): void {
  let size: u32 = 1 << 10
  while (size < <u32>(4 * words)) size <<= 1
  mask = size - 1
  if (++response !== 0) return
  memory.fill(slots, 0, slotBytes)
  response = 1
}

function readWords(hashes: usize, begins: usize, shift: i32, first: i32, last: i32): void {
  const end = hashes + ((<usize>last) << 2)
  let begin = begins + ((<usize>first) << 2)
  let block = code
  let words = load<i32>(counts + ((<usize>WORDS) << 2))
  let different = 0
  let hedged = 0
  for (let at = hashes + ((<usize>first) << 2); at < end; at += 4, begin += 4) {
    if (block < codeEnd) {
      const place = <usize>(load<i32>(begin) + shift)
      while (block < codeEnd && place >= load<u32>(block, 4)) block += 8
      if (block < codeEnd && place >= load<u32>(block)) continue
    }
    const word = load<u32>(at)
    if (words++ === 0 && beginsPhrase(openers, word, at, end)) add(OPENER, 1)
    different += isNew(word)
    if (beginsPhrase(hedges, word, at, end)) hedged++
  }
  store<i32>(counts + ((<usize>WORDS) << 2), words)
  add(DIFFERENT, different)
  add(HEDGES, hedged)
}

/** 1 for a word that the response had not yet. Branches only where another word has the slot: whether a word is new cannot be foreseen. */
function isNew(word: u32): i32 {
  const wanted = ((<u64>response) << 32) | <u64>word
  let at = slots + ((<usize>(word & mask)) << 3)
  let found = load<u64>(at)
  while (i32(found !== wanted) & i32(<u32>(found >> 32) === response)) {
    at = slots + ((at - slots + 8) & (((<usize>mask) << 3) | 7))
    found = load<u64>(at)
  }
  store<u64>(at, wanted)
  return i32(<u32>(found >> 32) !== response)
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
    let signs = signsOfAll(block) & inside & ~ideographs
    let at = block
    while (signs !== 0) {
      at = block + <usize>ctz(signs)
      const byte = <usize>load<u8>(at)
      const sign = <i32>load<u8>(bytes + byte)
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

/**
 * A bit for each of 64 bytes that begins a character of U+4000 to U+DFFF: ideographs and Hangul, none of which is a sign (a test checks
 * that), so that they are counted together.
 */
function ideographsOfAll(block: usize): u64 {
  const low = <u64>ideographsOf(v128.load(block)) | ((<u64>ideographsOf(v128.load(block, 16))) << 16)
  return low | ((<u64>ideographsOf(v128.load(block, 32))) << 32) | ((<u64>ideographsOf(v128.load(block, 48))) << 48)
}

function ideographsOf(block: v128): i32 {
  return i8x16.bitmask(i8x16.le_u(i8x16.sub(block, i8x16.splat(<i8>0xe4)), i8x16.splat(<i8>(0xed - 0xe4))))
}

/** A bit for each of 64 bytes that may be a sign: some of ASCII, and all that begin a longer character. */
function signsOfAll(block: usize): u64 {
  const low = <u64>signsOf(v128.load(block)) | ((<u64>signsOf(v128.load(block, 16))) << 16)
  return low | ((<u64>signsOf(v128.load(block, 32))) << 32) | ((<u64>signsOf(v128.load(block, 48))) << 48)
}

function signsOf(block: v128): i32 {
  const low = i8x16.swizzle(v128.load(nibbles), v128.and(block, i8x16.splat(0x0f)))
  const high = i8x16.swizzle(i8x16(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0), i8x16.shr_u(block, 4))
  return (
    i8x16.bitmask(i8x16.ne(v128.and(low, high), i8x16.splat(0))) |
    (i8x16.bitmask(i8x16.gt_s(block, i8x16.splat(<i8>0xbf))) & i8x16.bitmask(block))
  )
}

function readSign(sign: i32, at: usize, from: usize, to: usize): usize {
  if (sign === BEYOND_ASCII) return readWide(at, from, to)
  if (sign === NEWLINE) return startLine(at + 1, to)
  if (sign >= DOT) return stop(at, to)
  return sign === EMPHASIS ? emphasise(at, from, to) : readBackticks(at, to)
}

function isBlank(byte: i32): bool {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d
}

function isSpace(byte: i32): bool {
  return isBlank(byte) || byte === LINE_FEED
}

function isDigit(byte: i32): bool {
  return <u32>(byte - 0x30) < 10
}

function isFence(at: usize, to: usize): bool {
  return at + 3 <= to && load<u8>(at) === BACKTICK && load<u8>(at, 1) === BACKTICK && load<u8>(at, 2) === BACKTICK
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
  const size = sizeAt(at)
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
    const size = sizeAt(end)
    const sign = signAt(end, size)
    if (sign < DOT) break
    add(sign, 1)
    skipped += size - 1
    if (size > 1) wide = true
    end += size
  }
  if (wide || end === to || load<u8>(bytes + <usize>load<u8>(end), 256) === 1) add(SENTENCES, 1)
  return end
}

function inWord(place: usize, from: usize, to: usize): bool {
  return place >= from && place < to && load<u8>(bytes + <usize>load<u8>(place), 512) === 1
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

function sizeAt(at: usize): i32 {
  const lead = load<u8>(at)
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
}

function signAt(at: usize, size: i32): i32 {
  if (size === 1) return load<u8>(bytes + <usize>load<u8>(at))
  const point = pointAt(at, size)
  const page = load<u32>(pages + ((<usize>(point >> 8)) << 2))
  if (page !== 0) return load<u8>(page + <usize>(point & 255))
  missing = point >> 8
  return 0
}

function pointAt(at: usize, size: i32): i32 {
  const lead = <i32>load<u8>(at)
  const second = <i32>load<u8>(at, 1) & 0x3f
  if (size === 2) return ((lead & 0x1f) << 6) | second
  const third = <i32>load<u8>(at, 2) & 0x3f
  if (size === 3) return ((lead & 0x0f) << 12) | (second << 6) | third
  return ((lead & 0x07) << 18) | (second << 12) | (third << 6) | (<i32>load<u8>(at, 3) & 0x3f)
}
