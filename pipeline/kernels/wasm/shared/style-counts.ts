// AssemblyScript. The counts of a response: places 0 to 17 are those of signs, then come these.

export const ORDINARY: i32 = 0
export const DIGIT: i32 = 1
export const EMOJI: i32 = 8
export const CHARACTERS: i32 = 18
export const HEADERS: i32 = 19
export const ORDERED: i32 = 20
export const UNORDERED: i32 = 21
export const BOLD: i32 = 22
export const SENTENCES: i32 = 23
export const LINES: i32 = 24
export const PARAGRAPHS: i32 = 25
export const CODE_BLOCKS: i32 = 26
export const CODE_CHARACTERS: i32 = 27
export const WORDS: i32 = 28
export const DIFFERENT: i32 = 29
export const HEDGES: i32 = 30
export const OPENER: i32 = 31
export const COUNTS: i32 = 32

let counts: usize = 0

/** Counts of the next response go to this address, from 0 on. */
export function countTo(at: usize): void {
  counts = at
  memory.fill(counts, 0, COUNTS * 4)
}

export function countOf(count: i32): i32 {
  return load<i32>(counts + ((<usize>count) << 2))
}

export function add(count: i32, n: i32): void {
  const at = counts + ((<usize>count) << 2)
  store<i32>(at, load<i32>(at) + n)
}
