// AssemblyScript. The twin of ../text-terms.ts. The host lays out the memory.

import { forget, mark, setUpMarks, tableOf } from './shared/marks'
import { mix32, pairHash } from './shared/mix'

const PROMPT: u32 = 1
const CHOSEN: u32 = 2
const REJECTED: u32 = 4
const TOLD: u32 = 8

const WORD: u32 = 0x2545f491
const PROMPT_WORD: u32 = 0x6c8e9cf5
const WORD_PAIR: u32 = 0x1b56c4e9

let words: usize = 0
let pairs: usize = 0
/** Where the next term goes. */
let next: usize = 0

export function base(): usize {
  return __heap_base
}

export function setUp(tables: usize): void {
  setUpMarks(tables, 2)
  words = tableOf(0)
  pairs = tableOf(1)
}

/**
 * Writes the terms of rows one after another from `out` on, and to `counts` how many each has. Row i's words of a text are the hashes between
 * the addresses starts[i] and starts[i + 1]. `most`: terms of a row, about.
 */
export function find(rows: i32, prompts: usize, chosen: usize, rejected: usize, most: i32, out: usize, counts: usize): void {
  next = out
  for (let i = 0; i < rows; i++) {
    const at = (<usize>i) << 2
    const from = next
    findRow(prompts + at, chosen + at, rejected + at, most)
    store<i32>(counts + at, <i32>((next - from) >> 2))
  }
}

function findRow(prompt: usize, chosen: usize, rejected: usize, most: i32): void {
  const from = next
  forget((endOf(prompt) - startOf(prompt) + (endOf(chosen) - startOf(chosen)) + (endOf(rejected) - startOf(rejected))) >> 2)
  markWords(prompt, PROMPT)
  markWords(chosen, CHOSEN)
  markWords(rejected, REJECTED)
  tell(chosen, REJECTED, 0)
  tell(rejected, CHOSEN, 1)
  thin(from, most)
  const count = <i32>((next - from) >> 2)
  if (count >= most) return
  const after = next
  markPairs(chosen, CHOSEN)
  markPairs(rejected, REJECTED)
  tellPairs(chosen, REJECTED, 0)
  tellPairs(rejected, CHOSEN, 1)
  thin(after, most - count)
}

function startOf(side: usize): u32 {
  return load<u32>(side)
}

function endOf(side: usize): u32 {
  return load<u32>(side, 4)
}

function add(hash: u32, kind: u32, rejected: u32): void {
  store<u32>(next, (mix32(hash ^ kind) & ~1) | rejected)
  next += 4
}

function markWords(side: usize, marks: u32): void {
  for (let at: usize = startOf(side); at < endOf(side); at += 4) mark(words, load<u32>(at), marks)
}

function tell(side: usize, other: u32, rejected: u32): void {
  for (let at: usize = startOf(side); at < endOf(side); at += 4) {
    const word = load<u32>(at)
    const marks = mark(words, word, TOLD)
    if (marks & (other | TOLD)) continue
    add(word, WORD, rejected)
    if (marks & PROMPT) add(word, PROMPT_WORD, rejected)
  }
}

function markPairs(side: usize, marks: u32): void {
  for (let at: usize = startOf(side) + 4; at < endOf(side); at += 4) mark(pairs, pairHash(load<u32>(at - 4), load<u32>(at)), marks)
}

function tellPairs(side: usize, other: u32, rejected: u32): void {
  for (let at: usize = startOf(side) + 4; at < endOf(side); at += 4) {
    const hash = pairHash(load<u32>(at - 4), load<u32>(at))
    if ((mark(pairs, hash, TOLD) & (other | TOLD)) === 0) add(hash, WORD_PAIR, rejected)
  }
}

/** Leaves about `most` of the terms from address `from` on: those of the smallest hashes. */
function thin(from: usize, most: i32): void {
  const share = <f64>most / <f64>((next - from) >> 2)
  if (!(share < 1)) return
  let kept = from
  for (let at = from; at < next; at += 4) {
    const term = load<u32>(at)
    if (!(<f64>mix32(term >> 1) * (1.0 / 4294967296.0) < share)) continue
    store<u32>(kept, term)
    kept += 4
  }
  next = kept
}
