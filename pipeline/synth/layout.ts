/** Where row i stands: its kind, the row it copies, its prompt. Each a function of (seed, i) alone, so rows never wait for one another. */
import { hash32, permute, unit } from '../kernels/random.ts'

/** What a row is. `plain` rows have no line in the truth unless their label is turned. */
export const kinds = [
  'plain',
  'exact_duplicate',
  'near_duplicate',
  'swapped',
  'near_swapped',
  'contaminated',
  'empty_side',
  'identical_sides',
  'malformed',
  'tie',
] as const
export type Kind = (typeof kinds)[number]
export type Shares = Readonly<Record<Exclude<Kind, 'plain'>, number>>

export const COPIES: ReadonlySet<Kind> = new Set(['exact_duplicate', 'near_duplicate', 'swapped', 'near_swapped'])

/** What is drawn for a row, a prompt or a response; one number each, so that draws never share a stream. */
export const STREAMS = {
  kind: 1,
  target: 2,
  flip: 3,
  source: 4,
  label: 5,
  votes: 6,
  edit: 7,
  flaw: 8,
  lang: 9,
  prompt: 10,
  scores: 11,
  response: 1 << 20,
}

/** The row's kind and, for copies, the plain row before it that it is made from. */
export interface Place {
  readonly kind: Kind
  readonly of: number
}

const PLAIN: Place = { kind: 'plain', of: -1 }
/** A copy looks for a plain row this often; where none is found (the first rows), the row is plain. */
const TRIES = 24

export function placeOf(seed: number, row: number, shares: Shares): Place {
  const kind = kindOf(seed, row, shares)
  if (!COPIES.has(kind)) return kind === 'plain' ? PLAIN : { kind, of: -1 }
  for (let n = 0; n < TRIES; n++) {
    const of = Math.floor(unit(seed, row, STREAMS.target + n * 64) * row)
    if (of < row && kindOf(seed, of, shares) === 'plain') return { kind, of }
  }
  return PLAIN
}

function kindOf(seed: number, row: number, shares: Shares): Kind {
  let left = unit(seed, row, STREAMS.kind)
  for (let k = 1; k < kinds.length; k++) {
    left -= shares[kinds[k] as keyof Shares]
    if (left < 0) return kinds[k]
  }
  return 'plain'
}

/** A row's prompt and which two of its responses the row compares. */
export interface Seat {
  /** Number of the prompt, unique over the corpus. */
  readonly prompt: number
  readonly first: number
  readonly second: number
}

const CELL_BITS = 10
const CELL = 2 ** CELL_BITS
/** Of 1,024 rows 200 share one prompt and five prompts have 20; the rest are of prompts with one to three. */
const GROUPS = [200, 20, 20, 20, 20, 20]
const SMALL = [1, 2, 1, 3]
const { starts: CELL_STARTS, sizes: CELL_SIZES } = cell()

function cell(): { starts: Int32Array; sizes: Int32Array } {
  const starts = new Int32Array(CELL)
  const sizes = new Int32Array(CELL)
  for (let at = 0, n = 0; at < CELL; n++) {
    const size = Math.min(CELL - at, n < GROUPS.length ? GROUPS[n] : SMALL[n % SMALL.length])
    starts.fill(at, at, at + size)
    sizes.fill(size, at, at + size)
    at += size
  }
  return { starts, sizes }
}

/**
 * Rows are laid out in octaves [2^k, 2^(k + 1)), each shuffled by a permutation of its own: the pairs of one prompt lie scattered over an
 * octave, and a larger corpus only adds octaves.
 */
export function seatOf(seed: number, row: number): Seat {
  const bits = row < CELL ? CELL_BITS : 31 - Math.clz32(row)
  const base = row < CELL ? 0 : 2 ** bits
  const position = permute(row - base, bits, seed)
  const inCell = position & (CELL - 1)
  const start = CELL_STARTS[inCell]
  const { first, second } = comparison(inCell - start, CELL_SIZES[inCell])
  const turned = hash32(seed, row, STREAMS.label + 64) & 1
  return { prompt: base + position - inCell + start, first: turned ? second : first, second: turned ? first : second }
}

/** The k-th of a prompt's `pairs` comparisons: a few responses meet in many pairs, as in ranked data, but no two of them twice. */
function comparison(k: number, pairs: number): { first: number; second: number } {
  const responses = Math.ceil(Math.sqrt(2 * pairs)) + 1
  const first = k % responses
  return { first, second: (first + 1 + Math.floor(k / responses)) % responses }
}
