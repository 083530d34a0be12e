/** Rows that share a 64-bit key, of many rows most of whose keys are their own. */

/** Rows are dealt by their keys to buckets of about as many, so that the table of one stays in the cache. */
const BUCKET_ROWS = 1024
const MOST_BUCKETS = 1 << 14

/** Edges as (other, least) in the halves of 64 bits: from every row to the row of its key with the smallest ordinal, where that is another. */
export function leastOfKeys(hi: Int32Array, lo: Int32Array, ordinals: Int32Array): BigUint64Array {
  const { keys, starts } = deal(hi, lo, ordinals)
  const largest = starts.reduce((most, start, b) => (b === 0 ? 0 : Math.max(most, start - starts[b - 1])), 0)
  const table = { slots: new Int32Array(tableSize(largest)), firsts: new Int32Array(largest), least: new Int32Array(largest) }
  const edges = new BigUint64Array(ordinals.length)
  const halves = new Int32Array(edges.buffer)
  let count = 0
  for (let b = 0; b + 1 < starts.length; b++) {
    const bucket = keys.subarray(3 * starts[b], 3 * starts[b + 1])
    if (!findLeast(bucket, table)) continue
    for (let i = 0; 3 * i < bucket.length; i++) {
      const least = table.least[table.firsts[i]]
      if (bucket[3 * i + 2] === least) continue
      halves[2 * count] = bucket[3 * i + 2]
      halves[2 * count++ + 1] = least
    }
  }
  return edges.subarray(0, count)
}

const tableSize = (rows: number): number => 2 ** (33 - Math.clz32(rows))

/** Keys with their ordinals, three numbers a row, in buckets by the high bits of `lo`. */
function deal(hi: Int32Array, lo: Int32Array, ordinals: Int32Array): { keys: Int32Array; starts: Int32Array } {
  const rows = ordinals.length
  const shift = Math.max(Math.clz32(rows / BUCKET_ROWS), 32 - Math.log2(MOST_BUCKETS))
  // a shift by 32 is one by 0
  const bucketOf = shift === 32 ? () => 0 : (key: number) => key >>> shift
  const next = new Int32Array(2 ** (32 - shift) + 1)
  for (let i = 0; i < rows; i++) next[bucketOf(lo[i]) + 1]++
  for (let b = 1; b < next.length; b++) next[b] += next[b - 1]
  const starts = next.slice()
  const keys = new Int32Array(3 * rows)
  for (let i = 0; i < rows; i++) {
    const at = 3 * next[bucketOf(lo[i])]++
    keys[at] = hi[i]
    keys[at + 1] = lo[i]
    keys[at + 2] = ordinals[i]
  }
  return { keys, starts }
}

interface Table {
  /** 1 + the first row of a key, 0 = free. */
  readonly slots: Int32Array
  /** By row, the first row of its key. */
  readonly firsts: Int32Array
  /** By the first row of a key, the smallest ordinal. */
  readonly least: Int32Array
}

/** Whether any two rows share a key. */
function findLeast(bucket: Int32Array, { slots, firsts, least }: Table): boolean {
  const rows = bucket.length / 3
  const size = tableSize(rows)
  const mask = size - 1
  slots.fill(0, 0, size)
  let shared = false
  for (let i = 0; i < rows; i++) {
    const hi = bucket[3 * i]
    const lo = bucket[3 * i + 1]
    const ordinal = bucket[3 * i + 2]
    let slot = (hi ^ lo) & mask
    while (slots[slot] !== 0 && (bucket[3 * slots[slot] - 3] !== hi || bucket[3 * slots[slot] - 2] !== lo)) slot = (slot + 1) & mask
    const first = slots[slot] === 0 ? i : slots[slot] - 1
    firsts[i] = first
    if (first === i) {
      slots[slot] = i + 1
      least[i] = ordinal
    } else {
      shared = true
      if (ordinal < least[first]) least[first] = ordinal
    }
  }
  return shared
}
