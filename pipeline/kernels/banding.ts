/** Locality-sensitive hashing by bands of MinHash rows (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4). */

export interface Banding {
  readonly bands: number
  readonly rows: number
}

/** The S-curve: how likely two sets of this Jaccard similarity share at least one band. */
export const probability = (bands: number, rows: number, jaccard: number): number => 1 - (1 - jaccard ** rows) ** bands

const STEPS = 64

/** Share of the pairs found whose similarity is spread evenly from the threshold half-way up to 1: the hard half. */
export function expectedRecall({ bands, rows }: Banding, threshold: number): number {
  let sum = 0
  for (let i = 0; i < STEPS; i++) sum += probability(bands, rows, threshold + (((i + 0.5) / STEPS) * (1 - threshold)) / 2)
  return sum / STEPS
}

/**
 * Hash functions that a signature may have before fewer, less selective rows are taken. More of them cost more to compute and store than the
 * candidates that they rule out: at .8 bands of 6 rows (78 functions) took 4 % less of near-dup at a million synthetic pairs than of 7 (119), and
 * from 1 % less to 4 % more on `configs/shared-data.yaml` (two runs each, by fields and as one text).
 */
const USUAL_SIZE = 100
const LARGEST_SIZE = 1024
const MOST_ROWS = 16

const known = new Map<string, Banding | undefined>()

/** The most selective banding of at most 100 hash functions with the wanted recall; undefined where not even 1,024 reach it. */
export function bandingFor(threshold: number, recall: number, leastRows = 1): Banding | undefined {
  const key = `${threshold} ${recall} ${leastRows}`
  if (!known.has(key)) known.set(key, findBanding(threshold, recall, leastRows))
  return known.get(key)
}

function findBanding(threshold: number, recall: number, leastRows: number): Banding | undefined {
  for (let rows = MOST_ROWS; rows >= leastRows; rows--) {
    const size = rows === leastRows ? LARGEST_SIZE : USUAL_SIZE
    for (let bands = 1; bands * rows <= size; bands++) if (expectedRecall({ bands, rows }, threshold) >= recall) return { bands, rows }
  }
  return undefined
}
