// AssemblyScript. The sign of every character, as the host has written it down.
import { pointAt } from './utf8'

/** By byte: its sign, then whether it closes a sentence, then whether it is of a word. */
let bytes: usize = 0
/** Addresses of the 0x1100 pages of signs, 0 where the host has not yet given one. */
let pages: usize = 0
let missing: i32 = -1

export function setUpSigns(bytesAt: usize, pagesAt: usize): void {
  bytes = bytesAt
  pages = pagesAt
}

/** Forgets that a page was missing. */
export function readAgain(): void {
  missing = -1
}

/** A page that was asked for and is not there, or -1. */
export function missingPage(): i32 {
  return missing
}

export function signOf(byte: u8): i32 {
  return load<u8>(bytes + <usize>byte)
}

export function closesSentence(byte: u8): bool {
  return load<u8>(bytes + <usize>byte, 256) === 1
}

export function isOfWord(byte: u8): bool {
  return load<u8>(bytes + <usize>byte, 512) === 1
}

/** Of the character of `size` bytes that begins at `at`; 0 where its page is missing. */
export function signAt(at: usize, size: i32): i32 {
  if (size === 1) return signOf(load<u8>(at))
  const point = pointAt(at)
  const page = load<u32>(pages + ((<usize>(point >> 8)) << 2))
  if (page !== 0) return load<u8>(page + <usize>(point & 255))
  missing = point >> 8
  return 0
}
