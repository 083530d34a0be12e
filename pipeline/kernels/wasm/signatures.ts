// AssemblyScript. The twin of ../shingles.ts and ../minhash.ts: four hash functions at a time. The host lays out the memory.
import { mix32 } from './shared/mix'

const BASE: u32 = 0x9e3779b3
const SHORT: u32 = 0x5bd1e995
/** Shingles that are made before they are signed: they stay in the first cache. */
const CHUNK: i32 = 2048

let shingles: usize = 0
let multipliers: usize = 0
let addends: usize = 0

export function base(): usize {
  return __heap_base
}

/** `shingles` has room for 2,048. */
export function setUp(shinglesAt: usize, multipliersAt: usize, addendsAt: usize): void {
  shingles = shinglesAt
  multipliers = multipliersAt
  addends = addendsAt
}

/**
 * Lowers the signatures of rows, `size` values each from address `out` on, by the shingles of their words: row i's are the hashes from
 * address hashes + 4 * froms[i] to hashes + 4 * tos[i]. A row without words is left as it is. `leaving` is BASE ** ngram.
 */
export function signRows(rows: i32, froms: usize, tos: usize, hashes: usize, ngram: i32, leaving: u32, size: i32, out: usize): void {
  for (let i = 0; i < rows; i++) {
    const at = (<usize>i) << 2
    const from = hashes + ((<usize>load<i32>(froms + at)) << 2)
    const words = load<i32>(tos + at) - load<i32>(froms + at)
    const signature = out + ((<usize>(i * size)) << 2)
    if (words >= ngram) signLong(from, words, ngram, leaving, size, signature)
    else if (words > 0) {
      store<u32>(shingles, mix32(polynomial(from, words) ^ (<u32>words * SHORT)))
      sign(1, size, signature)
    }
  }
}

function polynomial(from: usize, words: i32): u32 {
  let h: u32 = 0
  for (let k = 0; k < words; k++) h = h * BASE + load<u32>(from + ((<usize>k) << 2))
  return h
}

function signLong(from: usize, words: i32, ngram: i32, leaving: u32, size: i32, signature: usize): void {
  const total = words - ngram + 1
  const ahead = (<usize>ngram) << 2
  let h = polynomial(from, ngram)
  let at = from
  let count = 0
  for (let i = 0; i < total; i++) {
    store<u32>(shingles + ((<usize>count) << 2), mix32(h))
    if (++count === CHUNK) {
      sign(count, size, signature)
      count = 0
    }
    if (i + 1 < total) h = h * BASE - load<u32>(at) * leaving + load<u32>(at + ahead)
    at += 4
  }
  if (count > 0) sign(count, size, signature)
}

function sign(count: i32, size: i32, signature: usize): void {
  let k = 0
  for (; k + 16 <= size; k += 16) signSixteen(count, (<usize>k) << 2, signature)
  if (size < 4) for (; k < size; k++) signOne(count, (<usize>k) << 2, signature)
  // the last four may overlap with those before: a minimum taken twice is the same
  for (; k < size; k += 4) signFour(count, (<usize>min(k, size - 4)) << 2, signature)
}

function signSixteen(count: i32, k: usize, signature: usize): void {
  const a0 = v128.load(multipliers + k)
  const a1 = v128.load(multipliers + k, 16)
  const a2 = v128.load(multipliers + k, 32)
  const a3 = v128.load(multipliers + k, 48)
  const b0 = v128.load(addends + k)
  const b1 = v128.load(addends + k, 16)
  const b2 = v128.load(addends + k, 32)
  const b3 = v128.load(addends + k, 48)
  let m0 = v128.load(signature + k)
  let m1 = v128.load(signature + k, 16)
  let m2 = v128.load(signature + k, 32)
  let m3 = v128.load(signature + k, 48)
  const end = shingles + ((<usize>count) << 2)
  for (let at = shingles; at < end; at += 4) {
    const x = v128.load32_splat(at)
    m0 = i32x4.min_s(m0, i32x4.add(i32x4.mul(a0, x), b0))
    m1 = i32x4.min_s(m1, i32x4.add(i32x4.mul(a1, x), b1))
    m2 = i32x4.min_s(m2, i32x4.add(i32x4.mul(a2, x), b2))
    m3 = i32x4.min_s(m3, i32x4.add(i32x4.mul(a3, x), b3))
  }
  v128.store(signature + k, m0)
  v128.store(signature + k, m1, 16)
  v128.store(signature + k, m2, 32)
  v128.store(signature + k, m3, 48)
}

function signFour(count: i32, k: usize, signature: usize): void {
  const a = v128.load(multipliers + k)
  const b = v128.load(addends + k)
  let m = v128.load(signature + k)
  const end = shingles + ((<usize>count) << 2)
  for (let at = shingles; at < end; at += 4) m = i32x4.min_s(m, i32x4.add(i32x4.mul(a, v128.load32_splat(at)), b))
  v128.store(signature + k, m)
}

function signOne(count: i32, k: usize, signature: usize): void {
  const a = load<i32>(multipliers + k)
  const b = load<i32>(addends + k)
  let least = load<i32>(signature + k)
  for (let i = 0; i < count; i++) least = min(least, load<i32>(shingles + ((<usize>i) << 2)) * a + b)
  store<i32>(signature + k, least)
}
