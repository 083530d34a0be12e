/** Neighbours by the cosine of vectors, found in a graph and verified one by one. */

/** Nearest survivors that are verified for each vector. */
const CANDIDATES = 8

export interface Nearest {
  /** Per row its survivor, -1 for survivors themselves. */
  readonly of: Int32Array
  /** The cosine to it. */
  readonly cosine: Float64Array
}

/**
 * Walks the rows in the given order: one whose nearest survivor has a cosine at or above the threshold falls to it, any other is a survivor
 * and enters the graph (HNSW, Malkov and Yashunin 2018, by usearch). One thread, a fixed order and integer distances make the graph the
 * same on every machine; what it names is compared in float64. Vectors are of length 1 or zeros, which are near nothing.
 */
export async function nearestSurvivors(vectors: Float32Array, dims: number, order: Int32Array, threshold: number): Promise<Nearest> {
  const index = await emptyGraph(dims)
  const of = new Int32Array(order.length).fill(-1)
  const cosine = new Float64Array(order.length)
  const key = new BigUint64Array(1)
  const query = new Int8Array(dims)
  let survivors = 0
  for (const row of order) {
    if (!quantise(vectors, row * dims, query)) continue
    const found = survivors === 0 ? [] : index.search(query, Math.min(CANDIDATES, survivors), 1).keys
    for (const candidate of found) {
      const other = Number(candidate)
      const measured = dot(vectors, row * dims, vectors, other * dims, dims)
      if (measured < threshold || measured < cosine[row] || (measured === cosine[row] && of[row] >= 0)) continue
      of[row] = other
      cosine[row] = measured
    }
    if (of[row] >= 0) continue
    key[0] = BigInt(row)
    index.add(key, query, 1)
    survivors++
  }
  return { of, cosine }
}

/** Per vector that of `among` with the highest cosine, -1 where there is none above 0; the graph is the same on every machine, as above. */
export async function nearestAmong(among: Float32Array, dims: number): Promise<(vectors: Float32Array) => Nearest> {
  const index = await emptyGraph(dims)
  const key = new BigUint64Array(1)
  const query = new Int8Array(dims)
  let size = 0
  for (let row = 0; row * dims < among.length; row++) {
    if (!quantise(among, row * dims, query)) continue
    key[0] = BigInt(row)
    index.add(key, query, 1)
    size++
  }
  return vectors => {
    const of = new Int32Array(vectors.length / dims).fill(-1)
    const cosine = new Float64Array(of.length)
    for (let row = 0; row < of.length; row++) {
      if (size === 0 || !quantise(vectors, row * dims, query)) continue
      for (const candidate of index.search(query, Math.min(CANDIDATES, size), 1).keys) {
        const other = Number(candidate)
        const measured = dot(vectors, row * dims, among, other * dims, dims)
        if (measured < cosine[row] || (measured === cosine[row] && (of[row] < 0 || of[row] < other))) continue
        of[row] = other
        cosine[row] = measured
      }
    }
    return { of, cosine }
  }
}

async function emptyGraph(dims: number) {
  const { Index, MetricKind, ScalarKind } = await import('usearch')
  return new Index({
    dimensions: dims,
    metric: MetricKind.IP,
    quantization: ScalarKind.I8,
    connectivity: 0,
    expansion_add: 0,
    expansion_search: 0,
    multi: false,
  })
}

/** Components beyond eight standard deviations of a random unit vector are cut; false for zeros. */
function quantise(vectors: Float32Array, at: number, out: Int8Array): boolean {
  const scale = (127 * Math.sqrt(out.length)) / 8
  let any = 0
  for (let k = 0; k < out.length; k++) {
    out[k] = Math.max(-127, Math.min(127, Math.round(vectors[at + k] * scale)))
    any |= vectors[at + k] === 0 ? 0 : 1
  }
  return any === 1
}

function dot(left: Float32Array, a: number, right: Float32Array, b: number, dims: number): number {
  let sum = 0
  for (let k = 0; k < dims; k++) sum += left[a + k] * right[b + k]
  return sum
}
