/**
 * All pairs of texts with Jaccard >= t over word 5-grams, exactly, by a definition of its own: prefix filtering (Chaudhuri et al. 2006; Bayardo
 * et al. 2007), every candidate verified by merging. Shares no code with the kernels it judges.
 */
const TOKEN = /[\p{Script=Han}\p{Script=Hiragana}]|[\p{L}\p{M}\p{N}_]+/gu
const HAN = /^[\p{Script=Han}\p{Script=Hiragana}]$/u
const K = 5

/** Token runs that mix Han with other letters are cut as a segmenter would. */
function* tokens(text) {
  for (const [run] of text.toLowerCase().matchAll(TOKEN)) {
    if (HAN.test(run) || !/[\p{Script=Han}\p{Script=Hiragana}]/u.test(run)) yield run
    else yield* run.split(/([\p{Script=Han}\p{Script=Hiragana}])/u).filter(part => part !== '')
  }
}

/** A text's shingles as 53-bit numbers, ascending and distinct. */
export class Shingler {
  #ids = new Map()
  of(text) {
    const words = []
    for (const token of tokens(text)) {
      let id = this.#ids.get(token)
      if (id === undefined) this.#ids.set(token, (id = this.#ids.size + 1))
      words.push(id)
    }
    if (words.length === 0) return new Float64Array(0)
    while (words.length < K) words.push(0)
    const shingles = new Float64Array(words.length - K + 1)
    for (let i = 0; i < shingles.length; i++) {
      let [a, b] = [0x9e3779b9, 0x85ebca6b]
      for (let k = 0; k < K; k++) {
        a = Math.imul(a ^ words[i + k], 0xcc9e2d51)
        a ^= a >>> 15
        b = Math.imul(b + words[i + k], 0x1b873593)
        b ^= b >>> 13
      }
      shingles[i] = (a >>> 0) * 2 ** 21 + ((b >>> 0) & 0x1fffff)
    }
    shingles.sort()
    return shingles.filter((s, i) => i === 0 || s !== shingles[i - 1])
  }
}

export function jaccard(a, b) {
  let [i, j, both] = [0, 0, 0]
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) both++
    const [x, y] = [a[i], b[j]]
    if (x <= y) i++
    if (y <= x) j++
  }
  return both / (a.length + b.length - both)
}

const BUCKETS = 2 ** 24
const bucketOf = shingle => Number(shingle % BUCKETS)

/** Calls found(i, j, jaccard) for i < j. */
export function exactJoin(sets, t, found) {
  const frequency = new Uint32Array(BUCKETS)
  for (const set of sets) for (const shingle of set) frequency[bucketOf(shingle)]++
  const prefixes = sets.map(set => {
    const rare = Float64Array.from(set).sort((a, b) => frequency[bucketOf(a)] - frequency[bucketOf(b)] || a - b)
    return rare.subarray(0, set.length - Math.ceil(t * set.length) + 1)
  })
  const starts = new Uint32Array(BUCKETS + 1)
  for (const prefix of prefixes) for (const shingle of prefix) starts[bucketOf(shingle) + 1]++
  for (let k = 0; k < BUCKETS; k++) starts[k + 1] += starts[k]
  const filled = starts.slice(0, BUCKETS)
  const texts = new Uint32Array(starts[BUCKETS])
  const shingles = new Float64Array(starts[BUCKETS])
  const seen = new Int32Array(sets.length).fill(-1)
  for (let i = 0; i < sets.length; i++) {
    for (const shingle of prefixes[i]) {
      const bucket = bucketOf(shingle)
      for (let k = starts[bucket]; k < filled[bucket]; k++) {
        const j = texts[k]
        if (shingles[k] !== shingle || seen[j] === i) continue
        seen[j] = i
        const [short, long] = [sets[i].length, sets[j].length].sort((a, b) => a - b)
        if (short < t * long) continue
        const similarity = jaccard(sets[i], sets[j])
        if (similarity >= t) found(j, i, similarity)
      }
      texts[filled[bucket]] = i
      shingles[filled[bucket]++] = shingle
    }
  }
}
