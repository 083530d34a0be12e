// AssemblyScript. The twin of ../text-tables.ts: four folds at once. The host lays out the memory.

/** Of a slot: the weights of all folds, four by four, then their sums of squared slopes. */
let shared: usize = 0
let own: usize = 0
/** Bytes of the weights of a slot. */
let half: usize = 0

export function base(): usize {
  return __heap_base
}

export function setUp(sharedAt: usize, ownAt: usize, groups: i32): void {
  shared = sharedAt
  own = ownAt
  half = (<usize>groups) << 4
}

/** Writes to `out` what the slots from address `slots` up to `end` weigh, by fold. */
export function sums(slots: usize, end: usize, salt: u32, out: usize): void {
  for (let group: usize = 0; group < half; group += 16) {
    let sum = f32x4.splat(0)
    for (let at = slots; at < end; at += 4) {
      const slot = load<u32>(at)
      const weight = f32x4.add(v128.load(sharedOf(slot) + group), v128.load(ownOf(slot, salt) + group))
      sum = f32x4.add(sum, v128.xor(weight, sideOf(slot)))
    }
    v128.store(out + group, sum)
  }
}

export function descend(slots: usize, end: usize, salt: u32, steps: usize, rate: f32, first: f32): void {
  for (let group: usize = 0; group < half; group += 16) {
    const step = v128.load(steps + group)
    const square = f32x4.mul(step, step)
    const pull = f32x4.mul(step, f32x4.splat(rate))
    for (let at = slots; at < end; at += 4) {
      const slot = load<u32>(at)
      const signed = v128.xor(pull, sideOf(slot))
      learn(sharedOf(slot) + group, signed, square, first)
      learn(ownOf(slot, salt) + group, signed, square, first)
    }
  }
}

function learn(at: usize, pull: v128, square: v128, first: f32): void {
  const squares = f32x4.add(v128.load(at + half), square)
  v128.store(at + half, squares)
  v128.store(at, f32x4.add(v128.load(at), f32x4.div(pull, f32x4.sqrt(f32x4.add(squares, f32x4.splat(first))))))
}

function sharedOf(slot: u32): usize {
  return shared + 2 * half * <usize>(slot >>> 1)
}

function ownOf(slot: u32, salt: u32): usize {
  return own + 2 * half * <usize>((slot >>> 1) ^ salt)
}

/** The sign bit for a term of rejected. */
function sideOf(slot: u32): v128 {
  return i32x4.splat(slot << 31)
}
