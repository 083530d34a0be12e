/** Signatures by the compiled kernel: the same as those of minhash.ts, bit for bit. */
import { EMPTY, type Family } from './minhash.ts'
import { instantiate, layOut } from './native.ts'
import { power } from './shingles.ts'

const MOST_ROWS = 1 << 12
const MOST_WORDS = 1 << 18
const MOST_VALUES = 1 << 20
const MOST_FUNCTIONS = 1 << 10

const sizes = {
  shingles: 2048 * 4,
  multipliers: MOST_FUNCTIONS * 4,
  addends: MOST_FUNCTIONS * 4,
  froms: MOST_ROWS * 4,
  tos: MOST_ROWS * 4,
  hashes: MOST_WORDS * 4,
  signatures: MOST_VALUES * 4,
}

/** Words of rows: row i's are hashes[froms[i] .. tos[i]). */
export interface Ranges {
  readonly hashes: Uint32Array
  readonly froms: Int32Array
  readonly tos: Int32Array
}

/** Signs all rows that have words and fit into memory; gives 1 for those that it has left to do. */
export type Signer = (ranges: Ranges, ngram: number, family: Family, size: number, out: Int32Array) => Uint8Array

/** Makes a signer of the compiled code. Its memory takes 6 MB a thread. */
export function nativeSigner(wasm: Uint8Array<ArrayBuffer>): Signer {
  const { memory, base, call } = instantiate(wasm, layOut(0, sizes).end)
  const at = layOut(base, sizes)
  const words = new Int32Array(memory.buffer)
  const place = (address: number) => address >> 2
  call.setUp(at.shingles, at.multipliers, at.addends)
  return ({ hashes, froms, tos }, ngram, family, size, out) => {
    words.set(family.multipliers.subarray(0, size), place(at.multipliers))
    words.set(family.signedAddends.subarray(0, size), place(at.addends))
    const left = new Uint8Array(froms.length)
    const mostRows = Math.min(MOST_ROWS, Math.floor(MOST_VALUES / size))
    for (let from = 0, to = 0; from < froms.length; from = to) {
      while (to < froms.length && to - from < mostRows && tos[to] - froms[from] <= MOST_WORDS) to++
      if (to === from) {
        left[to++] = 1
        continue
      }
      const origin = froms[from]
      words.set(hashes.subarray(origin, tos[to - 1]), place(at.hashes))
      for (let i = from; i < to; i++) {
        words[place(at.froms) + i - from] = froms[i] - origin
        words[place(at.tos) + i - from] = tos[i] - origin
        if (froms[i] === tos[i]) left[i] = 1
      }
      const signed = words.subarray(place(at.signatures), place(at.signatures) + (to - from) * size)
      signed.fill(EMPTY)
      call.signRows(to - from, at.froms, at.tos, at.hashes, ngram, power(ngram), size, at.signatures)
      out.set(signed, from * size)
    }
    return left
  }
}
