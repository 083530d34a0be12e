/**
 * A seeded order of the whole corpus that costs about one read of it: its stretches of 4 MiB of text in a random order, WINDOW_STRETCHES of them a
 * window, and within a window the prompts in a random order. Up to a window of text every order of prompts is possible; beyond, every window is
 * a sample of stretches from anywhere, but two pairs of one stretch stay within a window of each other.
 */
import { hash32 } from './kernels/random.ts'

/** Stretches a window; each lies in two of the blocks in which texts are stored. */
export const WINDOW_STRETCHES = 16

const [BLOCK, PROMPT] = [11, 12]

/** Takes pairs in the order of the corpus. 12 bytes a pair, 16 while it is taken. */
export class ShuffledOrder {
  private readonly seed: number
  private readonly starts: Int32Array
  private readonly windowOf: Int32Array
  private readonly windows: number
  private ordinals = new Int32Array(1024)
  private keys = new Uint32Array(1024)
  private length = 0

  /** `starts`: ordinal of the first pair of each stretch. */
  constructor(seed: number, starts: Int32Array, window_blocks = WINDOW_STRETCHES) {
    this.seed = seed
    this.starts = starts
    const blocks = Uint32Array.from(starts.keys())
    const key = Float64Array.from(blocks, block => hash32(seed, block, BLOCK))
    blocks.sort((a, b) => key[a] - key[b] || a - b)
    this.windowOf = new Int32Array(blocks.length)
    for (const [place, block] of blocks.entries()) this.windowOf[block] = Math.floor(place / window_blocks)
    this.windows = Math.ceil(blocks.length / window_blocks)
  }

  /** The prompt is row `row` of these lanes. */
  add(ordinal: number, [prompts]: readonly Int32Array[], row: number): void {
    if (this.length === this.ordinals.length) {
      const size = Math.ceil(this.length * 1.5)
      this.ordinals = larger(this.ordinals, new Int32Array(size))
      this.keys = larger(this.keys, new Uint32Array(size))
    }
    this.ordinals[this.length] = ordinal
    this.keys[this.length++] = hash32(this.seed, swapped(prompts[row]), PROMPT)
  }

  flush(): void {}

  /** Window after window; pairs of one prompt are together, in the order of the corpus. */
  take(): Int32Array {
    const { ordinals, keys } = this
    const window = this.windowsOfPairs()
    const next = new Int32Array(this.windows + 1)
    for (const w of window) next[w + 1]++
    for (let w = 0; w < this.windows; w++) next[w + 1] += next[w]
    const ends = next.slice(1)
    const order = new Int32Array(this.length)
    for (let i = 0; i < this.length; i++) order[next[window[i]]++] = i
    for (let w = 0; w < this.windows; w++) order.subarray(w === 0 ? 0 : ends[w - 1], ends[w]).sort((a, b) => keys[a] - keys[b] || a - b)
    return order.map(i => ordinals[i])
  }

  private windowsOfPairs(): Int32Array {
    const { starts, ordinals, windowOf } = this
    let block = 0
    return Int32Array.from({ length: this.length }, (_, i) => {
      while (block + 1 < starts.length && starts[block + 1] <= ordinals[i]) block++
      return windowOf[block]
    })
  }
}

/** The bytes of a number the other way round, as the digits of an id say it. */
const swapped = (x: number): number => ((x << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24)) >>> 0

function larger<A extends Int32Array | Uint32Array>(from: A, to: A): A {
  to.set(from)
  return to
}
