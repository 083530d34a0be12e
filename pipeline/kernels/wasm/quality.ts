// AssemblyScript. The twin of ../quality-reader.ts: words against those of the prompt. The host lays out the memory.
import { forget, mark, setUpMarks, tableOf } from './shared/marks'
import { pairHash } from './shared/mix'
import { beginsPhrase } from './shared/phrases'
import { readScripts, readSurface, setUpSurface } from './shared/surface'

const PROMPT_SCRIPTS: usize = 8 * 4
const PROMPT_WORDS: usize = 16 * 4
const LAST_WORDS: usize = 17 * 4
const PROMPT_NUMBERS: usize = 18 * 4
const WORDS: usize = 19 * 4
const DISTINCT: usize = 20 * 4
const MET: usize = 21 * 4
const LAST_MET: usize = 22 * 4
const NUMBERS: usize = 23 * 4
const KNOWN_NUMBERS: usize = 24 * 4
const MET_NUMBERS: usize = 25 * 4
const NAMES: usize = 26 * 4
const KNOWN_NAMES: usize = 27 * 4
const WORD_BYTES: usize = 28 * 4
const LONG_WORDS: usize = 29 * 4
const OPENING_REFUSALS: usize = 30 * 4
const LATER_REFUSALS: usize = 31 * 4
const PAIRS_FROM_PROMPT: usize = 32 * 4
const DISTINCT_PAIRS: usize = 33 * 4
const DISTINCT_TRIPLES: usize = 34 * 4
const COUNTS: usize = 49 * 4

/** Marks of words, and of word pairs; each response has its own of the last two. */
const IN_PROMPT: u32 = 1
const IN_LAST_TURN: u32 = 2
const SEEN: u32 = 4

const OPENING_WORDS: usize = 40
const SCRIPT_BYTES: usize = 4096
const LONG: i32 = 9
/** Bytes of what the host says of a row. */
const PLACES: usize = 13 * 4

let hashes: usize = 0
let begins: usize = 0
let ends: usize = 0
let refusals: usize = 0
let wordMarks: usize = 0
let pairMarks: usize = 0
let tripleMarks: usize = 0

export function base(): usize {
  return __heap_base
}

export function setUp(tables: usize, windows: usize, refusalsAt: usize, speakers: usize): void {
  setUpMarks(tables, 3)
  wordMarks = tableOf(0)
  pairMarks = tableOf(1)
  tripleMarks = tableOf(2)
  refusals = refusalsAt
  setUpSurface(windows, speakers, wordMarks)
}

/**
 * Counts both responses of rows, to `out`. `places`: of each row's prompt, chosen and rejected the number of the first word, that after the
 * last, the text's address and its end; the prompt's text is its last turn, whose first word comes fifth. Words lie in hashesAt, their
 * addresses in beginsAt and endsAt. Sixteen bytes after the last text must be readable.
 */
export function count(rows: i32, places: usize, hashesAt: usize, beginsAt: usize, endsAt: usize, out: usize): void {
  hashes = hashesAt
  begins = beginsAt
  ends = endsAt
  memory.fill(out, 0, <usize>rows * 2 * COUNTS)
  for (let i = 0; i < rows; i++) {
    const row = places + <usize>i * PLACES
    const counts = out + <usize>i * 2 * COUNTS
    readSurface(load<u32>(row, 28), load<u32>(row, 32), counts)
    readSurface(load<u32>(row, 44), load<u32>(row, 48), counts + COUNTS)
    readPrompt(row, counts)
    memory.copy(counts + COUNTS + PROMPT_SCRIPTS, counts + PROMPT_SCRIPTS, WORDS - PROMPT_SCRIPTS)
    readWords(row + 20, counts, SEEN)
    readWords(row + 36, counts + COUNTS, SEEN << 1)
  }
}

function add(at: usize, n: i32): void {
  store<i32>(at, load<i32>(at) + n)
}

function isDigit(byte: i32): i32 {
  return i32(<u32>(byte - 0x30) < 10)
}

/** Marks the prompt's words and makes room for those of both responses. */
function readPrompt(row: usize, counts: usize): void {
  const from = load<u32>(row)
  const to = load<u32>(row, 4)
  const last = load<u32>(row, 16)
  forget(to - from + load<u32>(row, 24) - load<u32>(row, 20) + load<u32>(row, 40) - load<u32>(row, 36))
  let before: u32 = 0
  for (let k: usize = from; k < to; k++) {
    const word = load<u32>(hashes + (k << 2))
    const marks = mark(wordMarks, word, k >= last ? IN_PROMPT | IN_LAST_TURN : IN_PROMPT)
    if (marks === 0) {
      add(counts + PROMPT_WORDS, 1)
      add(counts + PROMPT_NUMBERS, isDigit(load<u8>(load<u32>(begins + (k << 2)))))
    }
    if (k >= last && !(marks & IN_LAST_TURN)) add(counts + LAST_WORDS, 1)
    if (k > from) mark(pairMarks, pairHash(before, word), IN_PROMPT)
    before = word
  }
  const text: usize = load<u32>(row, 8)
  readScripts(text, min(<usize>load<u32>(row, 12), text + SCRIPT_BYTES), counts + PROMPT_SCRIPTS)
}

/** `seen`: the mark of this response. */
function readWords(side: usize, counts: usize, seen: u32): void {
  const from = <usize>load<u32>(side)
  const to = <usize>load<u32>(side, 4)
  const end = hashes + (to << 2)
  const opening = from + OPENING_WORDS
  let before: u32 = 0
  let pair: u32 = 0
  let bytes = 0
  let long = 0
  for (let k = from; k < to; k++) {
    const at = hashes + (k << 2)
    const word = load<u32>(at)
    const begin = <usize>load<u32>(begins + (k << 2))
    const size = <i32>load<u32>(ends + (k << 2)) - <i32>begin
    const marks = mark(wordMarks, word, seen)
    bytes += size
    long += i32(size >= LONG)
    readWord(counts, begin, marks, seen, k > from)
    if (beginsPhrase(refusals, word, at, end)) add(counts + (k < opening ? OPENING_REFUSALS : LATER_REFUSALS), 1)
    if (k > from) {
      const triple = pairHash(pair, word)
      if (k > from + 1 && (mark(tripleMarks, triple, seen) & seen) === 0) add(counts + DISTINCT_TRIPLES, 1)
      pair = pairHash(before, word)
      const had = mark(pairMarks, pair, seen)
      add(counts + PAIRS_FROM_PROMPT, i32((had & IN_PROMPT) !== 0))
      add(counts + DISTINCT_PAIRS, i32((had & seen) === 0))
    }
    before = word
  }
  store<i32>(counts + WORDS, <i32>(to - from))
  store<i32>(counts + WORD_BYTES, bytes)
  store<i32>(counts + LONG_WORDS, long)
}

/** `marks`: those that the word had before. */
function readWord(counts: usize, begin: usize, marks: u32, seen: u32, follows: bool): void {
  const number = isDigit(load<u8>(begin))
  const known = i32((marks & IN_PROMPT) !== 0)
  if (number) {
    add(counts + NUMBERS, 1)
    add(counts + KNOWN_NUMBERS, known)
  } else if (follows && isName(begin)) {
    add(counts + NAMES, 1)
    add(counts + KNOWN_NAMES, known)
  }
  if (marks & seen) return
  add(counts + DISTINCT, 1)
  add(counts + MET, known)
  add(counts + MET_NUMBERS, known & number)
  add(counts + LAST_MET, i32((marks & IN_LAST_TURN) !== 0))
}

/** A word that starts with a Latin capital, follows a space, and does not open a sentence. */
function isName(begin: usize): bool {
  if (<u32>(load<u8>(begin) - 0x41) > 25 || load<u8>(begin - 1) !== 0x20) return false
  const before = <u32>load<u8>(begin - 2)
  return before - 0x61 < 26 || before === 0x2c || before >= 0x80
}
