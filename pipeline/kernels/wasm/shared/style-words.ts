// AssemblyScript. The words of ../../style-features.ts: how many, how many different, hedges and openers.
import { beginsPhrase } from './phrases'
import { add, countOf, DIFFERENT, HEDGES, OPENER, WORDS } from './style-counts'

/** Slots of eight bytes: a word, and the response that put it there. */
let slots: usize = 0
let slotBytes: usize = 0
/** Phrases as `beginsPhrase` reads them. */
let openers: usize = 0
let hedges: usize = 0

let response: u32 = 0
let mask: u32 = 0

export function setUpWords(slotsAt: usize, slotsSize: usize, openersAt: usize, hedgesAt: usize): void {
  slots = slotsAt
  slotBytes = slotsSize
  openers = openersAt
  hedges = hedgesAt
}

/** Makes room for so many different words and forgets those of the response before. */
export function forget(words: i32): void {
  let size: u32 = 1 << 10
  while (size < <u32>(4 * words)) size <<= 1
  mask = size - 1
  if (++response !== 0) return
  memory.fill(slots, 0, slotBytes)
  response = 1
}

/** Counts the words `first` to `last` of a turn, but for those in its fenced blocks: begin and end of each from `code` to `codeEnd`. */
export function readWords(hashes: usize, begins: usize, shift: i32, first: i32, last: i32, code: usize, codeEnd: usize): void {
  const end = hashes + ((<usize>last) << 2)
  let begin = begins + ((<usize>first) << 2)
  let block = code
  const before = countOf(WORDS)
  let words = before
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
  add(WORDS, words - before)
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
