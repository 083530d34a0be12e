// AssemblyScript. XXH3 of 128 bits with seed 0 (Collet, xxHash specification 0.2, section XXH3), the twin of ../ids.ts. The host lays out the memory.

const P32_1: u64 = 0x9e3779b1
const P32_2: u64 = 0x85ebca77
const P32_3: u64 = 0xc2b2ae3d
const P64_1: u64 = 0x9e3779b185ebca87
const P64_2: u64 = 0xc2b2ae3d27d4eb4f
const P64_3: u64 = 0x165667b19e3779f9
const P64_4: u64 = 0x85ebca77c2b2ae63
const P64_5: u64 = 0x27d4eb2f165667c5
const MIX_1: u64 = 0x165667919e3779f9
const MIX_2: u64 = 0x9fb21c651e98df25

const STRIPE: usize = 64
const BLOCK: usize = 1024
const SECRET_BYTES: usize = 192

/** The key of the specification. */
const SECRET = memory.data<u8>([
  0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c, 0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97,
  0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f, 0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff,
  0x72, 0x21, 0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c, 0x3c, 0x28, 0x52, 0xbb, 0x91,
  0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3, 0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46,
  0xa9, 0xde, 0xac, 0xd8, 0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d, 0x8a, 0x51, 0xe0,
  0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64, 0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81,
  0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb, 0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e, 0x2b,
  0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce, 0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28,
  0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
])

export function base(): usize {
  return __heap_base
}

/** The last hash. */
let low: u64 = 0
let high: u64 = 0

/**
 * Ids of rows of turns at address `out`: row i's turns are starts[i] .. starts[i + 1], a turn's text bytes[offsets[t] .. offsets[t + 1]). Each is
 * framed by its role and length. `frame` has room for the longest row.
 */
export function hashTurns(rows: i32, starts: usize, offsets: usize, roles: usize, bytes: usize, frame: usize, out: usize): void {
  for (let i = 0; i < rows; i++) {
    let end = frame
    const to = load<i32>(starts + ((<usize>i + 1) << 2))
    for (let t = load<i32>(starts + ((<usize>i) << 2)); t < to; t++) {
      const from = load<i32>(offsets + ((<usize>t) << 2))
      const length = load<i32>(offsets + ((<usize>t) << 2), 4) - from
      store<u8>(end, load<u8>(roles + <usize>t))
      store<i32>(end, length, 1)
      memory.copy(end + 5, bytes + <usize>from, <usize>length)
      end += 5 + <usize>length
    }
    hash(frame, end - frame)
    write(out + ((<usize>i) << 4))
  }
}

/** Hashes of rows that take `size` bytes each, one after another from address `from` on. */
export function hashRows(rows: i32, from: usize, size: usize, out: usize): void {
  for (let i = 0; i < rows; i++) {
    hash(from + <usize>i * size, size)
    write(out + ((<usize>i) << 4))
  }
}

/** The last hash, most significant byte first. */
function write(out: usize): void {
  store<u64>(out, bswap(high))
  store<u64>(out, bswap(low), 8)
}

function hash(at: usize, length: usize): void {
  if (length > 240) hashLong(at, length)
  else if (length > 128) hashMiddle(at, length)
  else if (length > 16) hashShort(at, length)
  else if (length > 8) hash9to16(at, length)
  else if (length > 3) hash4to8(at, length)
  else if (length > 0) hash1to3(at, length)
  else {
    low = avalanche64(load<u64>(SECRET + 64) ^ load<u64>(SECRET + 72))
    high = avalanche64(load<u64>(SECRET + 80) ^ load<u64>(SECRET + 88))
  }
}

function avalanche64(h: u64): u64 {
  h = (h ^ (h >> 33)) * P64_2
  h = (h ^ (h >> 29)) * P64_3
  return h ^ (h >> 32)
}

function avalanche(h: u64): u64 {
  h = (h ^ (h >> 37)) * MIX_1
  return h ^ (h >> 32)
}

/** The upper 64 bits of a product of 128. */
function upper(a: u64, b: u64): u64 {
  const a0 = a & 0xffffffff
  const a1 = a >> 32
  const b0 = b & 0xffffffff
  const b1 = b >> 32
  const middle = a1 * b0 + ((a0 * b0) >> 32)
  const other = a0 * b1 + (middle & 0xffffffff)
  return a1 * b1 + (middle >> 32) + (other >> 32)
}

function folded(a: u64, b: u64): u64 {
  return (a * b) ^ upper(a, b)
}

function hash1to3(at: usize, length: usize): void {
  const first = <u32>load<u8>(at)
  const middle = <u32>load<u8>(at + (length >> 1))
  const last = <u32>load<u8>(at + length - 1)
  const word = (first << 16) | (middle << 24) | last | ((<u32>length) << 8)
  low = avalanche64(<u64>(word ^ load<u32>(SECRET) ^ load<u32>(SECRET + 4)))
  high = avalanche64(<u64>(rotl<u32>(bswap<u32>(word), 13) ^ load<u32>(SECRET + 8) ^ load<u32>(SECRET + 12)))
}

function hash4to8(at: usize, length: usize): void {
  const word = <u64>load<u32>(at) + ((<u64>load<u32>(at + length - 4)) << 32)
  const keyed = word ^ load<u64>(SECRET + 16) ^ load<u64>(SECRET + 24)
  const factor = P64_1 + ((<u64>length) << 2)
  let lower = keyed * factor
  const top = upper(keyed, factor) + (lower << 1)
  lower ^= top >> 3
  lower = (lower ^ (lower >> 35)) * MIX_2
  low = lower ^ (lower >> 28)
  high = avalanche(top)
}

function hash9to16(at: usize, length: usize): void {
  const first = load<u64>(at)
  const last = load<u64>(at + length - 8)
  const keyed = first ^ last ^ load<u64>(SECRET + 32) ^ load<u64>(SECRET + 40)
  const flipped = last ^ load<u64>(SECRET + 48) ^ load<u64>(SECRET + 56)
  const top = upper(keyed, P64_1) + flipped + (flipped & 0xffffffff) * (P32_2 - 1)
  const lower = (keyed * P64_1 + ((<u64>length - 1) << 54)) ^ bswap(top)
  low = avalanche(lower * P64_2)
  high = avalanche(upper(lower, P64_2) + top * P64_2)
}

function mix16(at: usize, key: usize): u64 {
  return folded(load<u64>(at) ^ load<u64>(key), load<u64>(at, 8) ^ load<u64>(key, 8))
}

function mix32(one: usize, other: usize, key: usize): void {
  low = (low + mix16(one, key)) ^ (load<u64>(other) + load<u64>(other, 8))
  high = (high + mix16(other, key + 16)) ^ (load<u64>(one) + load<u64>(one, 8))
}

function hashShort(at: usize, length: usize): void {
  low = <u64>length * P64_1
  high = 0
  for (let k: i32 = <i32>((length - 1) >> 5); k >= 0; k--) {
    const from = (<usize>k) << 4
    mix32(at + from, at + length - from - 16, SECRET + 2 * from)
  }
  finish(length)
}

function hashMiddle(at: usize, length: usize): void {
  low = <u64>length * P64_1
  high = 0
  for (let from: usize = 0; from < 128; from += 32) mix32(at + from, at + from + 16, SECRET + from)
  low = avalanche(low)
  high = avalanche(high)
  for (let from: usize = 128; from + 32 <= length; from += 32) mix32(at + from, at + from + 16, SECRET + from - 125)
  mix32(at + length - 16, at + length - 32, SECRET + 103)
  finish(length)
}

function finish(length: usize): void {
  const lower = low + high
  const top = low * P64_1 + high * P64_4 + <u64>length * P64_2
  low = avalanche(lower)
  high = 0 - avalanche(top)
}

/** Eight lanes of 64 bits. */
const LANES = memory.data(64, 16)

function hashLong(at: usize, length: usize): void {
  let a = i64x2(P32_3, P64_1)
  let b = i64x2(P64_2, P64_3)
  let c = i64x2(P64_4, P32_2)
  let d = i64x2(P64_5, P32_1)
  const last = at + length - STRIPE
  const end = at + length - 1
  let key: usize = SECRET
  for (let from = at; from < end - ((end - at) & (STRIPE - 1)); from += STRIPE) {
    a = mixed(a, v128.load(from), v128.load(key))
    b = mixed(b, v128.load(from, 16), v128.load(key, 16))
    c = mixed(c, v128.load(from, 32), v128.load(key, 32))
    d = mixed(d, v128.load(from, 48), v128.load(key, 48))
    key += 8
    if (key < SECRET + BLOCK / 8) continue
    key = SECRET
    a = scrambled(a, v128.load(SECRET + SECRET_BYTES - STRIPE))
    b = scrambled(b, v128.load(SECRET + SECRET_BYTES - STRIPE, 16))
    c = scrambled(c, v128.load(SECRET + SECRET_BYTES - STRIPE, 32))
    d = scrambled(d, v128.load(SECRET + SECRET_BYTES - STRIPE, 48))
  }
  key = SECRET + SECRET_BYTES - STRIPE - 7
  v128.store(LANES, mixed(a, v128.load(last), v128.load(key)))
  v128.store(LANES, mixed(b, v128.load(last, 16), v128.load(key, 16)), 16)
  v128.store(LANES, mixed(c, v128.load(last, 32), v128.load(key, 32)), 32)
  v128.store(LANES, mixed(d, v128.load(last, 48), v128.load(key, 48)), 48)
  low = merged(SECRET + 11, <u64>length * P64_1)
  high = merged(SECRET + SECRET_BYTES - STRIPE - 11, ~(<u64>length * P64_2))
}

// @ts-expect-error: AssemblyScript's decorator
function mixed(lanes: v128, data: v128, key: v128): v128 {
  const keyed = v128.xor(data, key)
  const product = i64x2.extmul_low_i32x4_u(i32x4.shuffle(keyed, keyed, 0, 2, 0, 2), i32x4.shuffle(keyed, keyed, 1, 3, 1, 3))
  return i64x2.add(i64x2.add(lanes, i64x2.shuffle(data, data, 1, 0)), product)
}

// @ts-expect-error: AssemblyScript's decorator
function scrambled(lanes: v128, key: v128): v128 {
  return i64x2.mul(v128.xor(v128.xor(lanes, i64x2.shr_u(lanes, 47)), key), i64x2.splat(P32_1))
}

function merged(key: usize, start: u64): u64 {
  let sum = start
  for (let at: usize = 0; at < 64; at += 16)
    sum += folded(load<u64>(LANES + at) ^ load<u64>(key + at), load<u64>(LANES + at, 8) ^ load<u64>(key + at, 8))
  return avalanche(sum)
}
