// AssemblyScript. The twin of ../band-keys.ts: both halves of the keys of two bands at a time. The host lays out the memory.
import { mix32 } from './shared/mix'

const HIGH: i32 = 0x9e3779b1
const LOW: i32 = 0x85ebca77

export function base(): usize {
  return __heap_base
}

/** Begins the keys of `count` bands, the first of which is number `first` of its pair's `bands`: two numbers each from address `keys` on. */
export function begin(keys: usize, count: i32, first: i32, bands: i32): void {
  let band = first
  for (let i = 0; i < count; i++) {
    const h = mix32(band)
    store<u32>(keys + ((<usize>i) << 3), h)
    store<u32>(keys + ((<usize>i) << 3), ~h, 4)
    if (++band === bands) band = 0
  }
}

/** Adds a field of `rows` values a band. Beyond the last band there must be room for another of the keys and of the values. */
export function addField(keys: usize, count: i32, values: usize, rows: i32): void {
  for (let i = 0; i < count; i += 2) {
    const at = keys + ((<usize>i) << 3)
    v128.store(at, mixed(v128.xor(v128.load(at), lanesOf(values, i, rows))))
  }
}

/** Adds two fields whose order does not matter. */
export function addResponses(keys: usize, count: i32, chosen: usize, chosenRows: i32, rejected: usize, rejectedRows: i32): void {
  for (let i = 0; i < count; i += 2) {
    const at = keys + ((<usize>i) << 3)
    const sum = i32x4.add(lanesOf(chosen, i, chosenRows), lanesOf(rejected, i, rejectedRows))
    v128.store(at, mixed(v128.xor(v128.load(at), sum)))
  }
}

/** Two independent hashes of the values of band i and of the next. */
function lanesOf(values: usize, i: i32, rows: i32): v128 {
  const lane = i32x4(HIGH, LOW, HIGH, LOW)
  const size = (<usize>rows) << 2
  const from = values + <usize>i * size
  let h = lane
  for (let at = from; at < from + size; at += 4) {
    const x = i64x2.replace_lane(v128.load32_splat(at), 1, <i64>(<u64>load<u32>(at + size) * 0x100000001))
    h = i32x4.mul(v128.xor(h, mixed(i32x4.add(x, lane))), lane)
  }
  return mixed(h)
}

function mixed(x: v128): v128 {
  let h = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 16)), i32x4.splat(0x85ebca6b))
  h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 13)), i32x4.splat(0xc2b2ae35))
  return v128.xor(h, i32x4.shr_u(h, 16))
}
