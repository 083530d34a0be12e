/** Counter-based random numbers: what is drawn depends on a key only, so any row can be drawn without the rows before it. */
import { mix32 } from './mix.ts'

const GOLDEN = 0x9e3779b9

/** 32 random bits named by three integers: a seed, an index (a row, say) and the stream, i.e. what is drawn for it. */
export function hash32(seed: number, index: number, stream: number): number {
  return mix32(mix32(mix32(seed + GOLDEN) + index) ^ Math.imul(stream + 1, GOLDEN))
}

/** A uniform number in [0, 1) named by three integers. */
export const unit = (seed: number, index: number, stream: number): number => hash32(seed, index, stream) * 2 ** -32

/** A sequence of random numbers that starts at a key (SplitMix, Steele et al. 2014, on 32 bits and with a second key). */
export class Draws {
  #state = 0
  #key = 0

  /** Goes to the beginning of the sequence of this key. */
  start(seed: number, index: number, stream: number): this {
    this.#state = hash32(seed, index, stream)
    this.#key = hash32(this.#state, index, ~stream)
    return this
  }

  /** 32 random bits. */
  bits(): number {
    this.#state = (this.#state + GOLDEN) | 0
    return mix32(mix32(this.#state) ^ this.#key)
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.bits() * 2 ** -32
  }

  /** Uniform integer in [0, n), n <= 2^32; no value is off its share by more than 2^-32. */
  below(n: number): number {
    return Math.floor(this.bits() * 2 ** -32 * n)
  }

  chance(p: number): boolean {
    return this.unit() < p
  }

  /** Standard normal, by Box and Muller (1958). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.unit()))
    return radius * Math.cos(2 * Math.PI * this.unit())
  }
}

/** A keyed permutation of [0, 2^bits), bits <= 31: where `index` goes. Rounds of odd multiplication and xor-shift, each a bijection. */
export function permute(index: number, bits: number, key: number): number {
  const mask = 2 ** bits - 1
  const shift = (bits >>> 1) + 1
  let x = index
  for (let round = 0; round < 4; round++) {
    const k = hash32(key, bits, round)
    x = (Math.imul(x, k | 1) + (k >>> 7)) & mask
    x ^= x >>> shift
  }
  return x
}
