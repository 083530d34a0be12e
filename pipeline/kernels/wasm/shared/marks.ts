// AssemblyScript. The twin of ../../word-marks.ts: tables of hashes with eight marks each, emptied together.

/** Slots of eight bytes in each table: more than twice as many as it may hold. */
export const MOST_SLOTS: u32 = 1 << 18
const LEAST_SLOTS: u32 = 1 << 10
const LAST_ROUND: u32 = (1 << 24) - 1

let first: usize = 0
let count: u32 = 0
let mask: u32 = 0
let round: u32 = 0

/** `tables` tables lie one after another from `at` on, in memory of zeros. */
export function setUpMarks(at: usize, tables: u32): void {
  first = at
  count = tables
}

/** Where a table lies. */
export function tableOf(index: u32): usize {
  return first + <usize>index * MOST_SLOTS * 8
}

/** Empties the tables and makes room for `hashes` distinct ones in each. */
export function forget(hashes: u32): void {
  let size = LEAST_SLOTS
  while (size < 2 * hashes + 2) size <<= 1
  mask = size - 1
  if (round === LAST_ROUND) {
    memory.fill(first, 0, <usize>count * MOST_SLOTS * 8)
    round = 0
  }
  round++
}

/** Adds marks to a hash and gives those it had before. A slot = the hash, its marks (8 bits), the round that put it there (24 bits). */
export function mark(table: usize, hash: u32, marks: u32): u32 {
  let slot = hash & mask
  while (true) {
    const at = table + ((<usize>slot) << 3)
    const found = load<u64>(at)
    if (<u32>(found >> 40) !== round) {
      store<u64>(at, ((<u64>((round << 8) | marks)) << 32) | <u64>hash)
      return 0
    }
    if (<u32>found === hash) {
      store<u64>(at, found | ((<u64>marks) << 32))
      return <u32>(found >> 32) & 0xff
    }
    slot = (slot + 1) & mask
  }
}
