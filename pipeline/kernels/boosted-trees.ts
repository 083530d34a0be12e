/** Gradient-boosted trees over binned features that know which side is which: P(label) = sigmoid(g(x) - g(turned x)). */

/** Bins of a signed feature: ZERO is 0, ZERO + b and ZERO - b mirror each other. */
export const ZERO = 31
export const BINS = 2 * ZERO + 1

/** Rows of one byte a feature. The first `signed` features change sign when a pair is turned, the rest do not. */
export interface Binned {
  readonly width: number
  readonly signed: number
  readonly bins: Uint8Array
}

/**
 * Trees of equal depth laid out as heaps: inner node n of tree t is (features, cuts)[t * inner + n - 1] with n from 1, its children 2n and
 * 2n + 1; a row goes left where its bin is at most the cut. A node that does not split has the cut `ALL_LEFT`.
 */
export interface Forest {
  readonly depth: number
  readonly trees: number
  readonly features: Uint8Array
  readonly cuts: Uint8Array
  readonly leaves: Float32Array
}

export interface TreeParams {
  readonly trees: number
  readonly depth: number
  /** What part of its Newton step each leaf takes. */
  readonly rate: number
  /** Added to the curvature of every leaf. */
  readonly ridge: number
  /** Least curvature of a leaf: 1 is four undecided pairs. */
  readonly least_curvature: number
}

const ALL_LEFT = 255
const LEAST_GAIN = 1e-6

/** Newton boosting (Friedman 2001; Chen & Guestrin 2016, eq. 6-7) on the rows of `index`, each seen as it is and turned. */
export function fitForest(binned: Binned, index: Int32Array, params: TreeParams, importance?: Float64Array): Forest {
  const grower = new TreeGrower(binned, index, params, importance)
  const inner = 2 ** params.depth - 1
  const forest = {
    depth: params.depth,
    trees: params.trees,
    features: new Uint8Array(params.trees * inner),
    cuts: new Uint8Array(params.trees * inner).fill(ALL_LEFT),
    leaves: new Float32Array(params.trees * (inner + 1)),
  }
  for (let tree = 0; tree < params.trees; tree++)
    grower.grow(
      forest.features.subarray(tree * inner, (tree + 1) * inner),
      forest.cuts.subarray(tree * inner, (tree + 1) * inner),
      forest.leaves.subarray(tree * (inner + 1), (tree + 1) * (inner + 1)),
    )
  return forest
}

/** g(x) - g(turned x) of the rows of `index`, in that order. */
export function forestMargins({ depth, trees, features, cuts, leaves }: Forest, binned: Binned, index: Int32Array): Float64Array {
  const { width, signed, bins } = binned
  const inner = 2 ** depth - 1
  const nodes = new Int32Array(features.length)
  for (let n = 0; n < nodes.length; n++) nodes[n] = (cuts[n] << 8) | features[n]
  const row = new Uint8Array(2 * width)
  const margins = new Float64Array(index.length)
  for (let i = 0; i < index.length; i++) {
    for (let k = 0, at = index[i] * width; k < width; k++) {
      row[k] = bins[at + k]
      row[width + k] = k < signed ? 2 * ZERO - bins[at + k] : bins[at + k]
    }
    let margin = 0
    for (let tree = 0, base = -1, leaf = -inner - 1; tree < trees; tree++, base += inner) {
      let straight = 1
      let turned = 1
      // the sign of cut - bin says where to go, as no branch could be foreseen
      for (let level = 0; level < depth; level++) {
        const s = nodes[base + straight]
        const t = nodes[base + turned]
        straight = 2 * straight + (((s >> 8) - row[s & 255]) >>> 31)
        turned = 2 * turned + (((t >> 8) - row[width + (t & 255)]) >>> 31)
      }
      margin += leaves[leaf + straight] - leaves[leaf + turned]
      leaf += inner + 1
    }
    margins[i] = margin
  }
  return margins
}

/** Grows trees one after another on the same rows: row r < n is pair index[r] as it is, row n + r the same turned. */
class TreeGrower {
  readonly #width: number
  readonly #signed: number
  readonly #params: TreeParams
  readonly #pairs: number
  readonly #weights: Float64Array
  readonly #margins: Float64Array
  /** Slope and curvature of each row. */
  readonly #pulls: Float64Array
  /** The bins of each feature lie together. */
  readonly #bins: Uint8Array
  /** Where the bins of row r stand in sums: cells[starts[r] .. starts[r + 1]), but for bins ZERO of signed features. */
  readonly #starts: Int32Array
  readonly #cells: Uint16Array
  /** Rows by node: those of a node lie together. */
  readonly #order: Int32Array
  readonly #moved: Int32Array
  /** Slope and curvature by feature and bin: of the root, and of the smaller child at each level; the larger takes its parent's place. */
  readonly #sums: readonly Float64Array[]
  /** Of the rows that were summed last. */
  #slope = 0
  #curvature = 0
  #features: Uint8Array = new Uint8Array(0)
  #cuts: Uint8Array = new Uint8Array(0)
  #leaves: Float32Array = new Float32Array(0)

  constructor(binned: Binned, index: Int32Array, params: TreeParams, importance?: Float64Array) {
    const rows = 2 * index.length
    this.#width = binned.width
    this.#signed = binned.signed
    this.#params = params
    this.#pairs = index.length
    this.#weights = new Float64Array(index.length).fill(1)
    if (importance) for (let i = 0; i < index.length; i++) this.#weights[i] = importance[index[i]]
    this.#margins = new Float64Array(index.length)
    this.#pulls = new Float64Array(2 * rows)
    this.#bins = byFeature(binned, index)
    const { starts, cells } = cellsOf(this.#bins, rows, binned)
    this.#starts = starts
    this.#cells = cells
    this.#order = new Int32Array(rows)
    this.#moved = new Int32Array(rows)
    this.#sums = Array.from({ length: params.depth + 1 }, () => new Float64Array(binned.width * BINS * 2))
  }

  grow(features: Uint8Array, cuts: Uint8Array, leaves: Float32Array): void {
    this.#features = features
    this.#cuts = cuts
    this.#leaves = leaves
    this.#differentiate()
    this.#sumAll(this.#sums[0])
    this.#grow(1, 0, 0, this.#order.length, this.#sums[0], 0, this.#curvature)
  }

  /** Grows what is below a node whose rows, sums and totals are these. */
  #grow(node: number, level: number, from: number, to: number, sums: Float64Array, slope: number, curvature: number): void {
    const { depth } = this.#params
    const split = level < depth ? this.#bestSplit(sums, slope, curvature) : -1
    if (split < 0) {
      this.#settle((node << (depth - level)) - 2 ** depth, from, to, slope, curvature)
      return
    }
    const feature = Math.floor(split / BINS)
    this.#features[node - 1] = feature
    this.#cuts[node - 1] = split % BINS
    const middle = this.#partition(from, to, feature, split % BINS)
    const leftIsSmaller = middle - from < to - middle
    const smaller = this.#sums[level + 1]
    if (leftIsSmaller) this.#sum(from, middle, smaller, level + 1 < depth)
    else this.#sum(middle, to, smaller, level + 1 < depth)
    if (level + 1 < depth) for (let cell = 0; cell < sums.length; cell++) sums[cell] -= smaller[cell]
    const [s, c] = [this.#slope, this.#curvature]
    if (leftIsSmaller) {
      this.#grow(2 * node, level + 1, from, middle, smaller, s, c)
      this.#grow(2 * node + 1, level + 1, middle, to, sums, slope - s, curvature - c)
    } else {
      this.#grow(2 * node + 1, level + 1, middle, to, smaller, s, c)
      this.#grow(2 * node, level + 1, from, middle, sums, slope - s, curvature - c)
    }
  }

  #differentiate(): void {
    const pulls = this.#pulls
    for (let i = 0, turned = 2 * this.#pairs; i < this.#pairs; i++, turned += 2) {
      const wrong = 1 / (1 + Math.exp(this.#margins[i]))
      const slope = this.#weights[i] * wrong
      pulls[2 * i] = slope
      pulls[turned] = -slope
      pulls[2 * i + 1] = pulls[turned + 1] = slope * (1 - wrong)
    }
    for (let row = 0; row < this.#order.length; row++) this.#order[row] = row
  }

  /** Sums over rows from .. to) of the order, in cells too if asked for. */
  #sum(from: number, to: number, sums: Float64Array, inCells: boolean): void {
    const order = this.#order
    const pulls = this.#pulls
    const starts = this.#starts
    const cells = this.#cells
    let slopes = 0
    let curvatures = 0
    if (inCells) sums.fill(0)
    for (let k = from; k < to; k++) {
      const row = order[k]
      const slope = pulls[2 * row]
      const curvature = pulls[2 * row + 1]
      slopes += slope
      curvatures += curvature
      if (!inCells) continue
      const end = starts[row + 1]
      for (let at = starts[row]; at < end; at++) {
        const cell = cells[at]
        sums[cell] += slope
        sums[cell + 1] += curvature
      }
    }
    this.#slope = slopes
    this.#curvature = curvatures
  }

  /** Of all rows: turned ones mirror those that are not. */
  #sumAll(sums: Float64Array): void {
    this.#sum(0, this.#pairs, sums, true)
    this.#curvature *= 2
    for (let feature = 0; feature < this.#width; feature++) {
      const at = feature * BINS * 2
      for (let b = 0, m = 2 * (BINS - 1); feature < this.#signed && b < 2 * ZERO; b += 2, m -= 2) {
        sums[at + b] -= sums[at + m]
        sums[at + m] = -sums[at + b]
        sums[at + b + 1] = sums[at + m + 1] = sums[at + b + 1] + sums[at + m + 1]
      }
      for (let b = 0; feature >= this.#signed && b < 2 * BINS; b += 2) {
        sums[at + b] = 0
        sums[at + b + 1] *= 2
      }
    }
  }

  /** feature * BINS + cut of the best split, -1 if there is none. Bins above ZERO are added up from the end, as ZERO itself is not summed. */
  #bestSplit(sums: Float64Array, slope: number, curvature: number): number {
    const { ridge, least_curvature } = this.#params
    if (curvature < 2 * least_curvature) return -1
    let best = slope ** 2 / (curvature + ridge) + LEAST_GAIN
    let split = -1
    for (let feature = 0; feature < this.#width; feature++) {
      const steps = feature < this.#signed ? [ZERO, -ZERO] : [BINS - 1]
      for (const step of steps) {
        const first = feature * BINS + (step > 0 ? 0 : BINS - 1)
        let partSlope = 0
        let part = 0
        for (let k = 0, bin = first; k < Math.abs(step); k++, bin += Math.sign(step)) {
          const added = sums[2 * bin + 1]
          if (added === 0) continue
          partSlope += sums[2 * bin]
          part += added
          const rest = curvature - part
          if (part < least_curvature || rest < least_curvature) continue
          const a = part + ridge
          const b = rest + ridge
          const gain = partSlope * partSlope * b + (slope - partSlope) * (slope - partSlope) * a
          if (gain <= best * a * b) continue
          best = gain / (a * b)
          split = step > 0 ? bin : bin - 1
        }
      }
    }
    return split
  }

  /** Moves the rows that go left to the front, in their order; gives where the others begin. */
  #partition(from: number, to: number, feature: number, cut: number): number {
    const order = this.#order
    const moved = this.#moved
    const bins = this.#bins
    const at = feature * order.length
    let left = from
    let right = 0
    for (let k = from; k < to; k++) {
      const row = order[k]
      const goesRight = (cut - bins[at + row]) >>> 31
      order[left] = moved[right] = row
      right += goesRight
      left += 1 - goesRight
    }
    order.set(moved.subarray(0, right), left)
    return left
  }

  /** Gives a leaf its value, and adds it to the margins of its rows. */
  #settle(leaf: number, from: number, to: number, slope: number, curvature: number): void {
    const value = Math.fround((this.#params.rate * slope) / (curvature + this.#params.ridge))
    const order = this.#order
    const margins = this.#margins
    this.#leaves[leaf] = value
    for (let k = from; k < to; k++) {
      const row = order[k]
      if (row < this.#pairs) margins[row] += value
      else margins[row - this.#pairs] -= value
    }
  }
}

function byFeature({ width, signed, bins }: Binned, index: Int32Array): Uint8Array {
  const pairs = index.length
  const out = new Uint8Array(2 * pairs * width)
  for (let i = 0; i < pairs; i++)
    for (let k = 0, from = index[i] * width; k < width; k++) {
      const bin = bins[from + k]
      const to = 2 * pairs * k + i
      out[to] = bin
      out[to + pairs] = k < signed ? 2 * ZERO - bin : bin
    }
  return out
}

function cellsOf(bins: Uint8Array, rows: number, { width, signed }: Binned): { starts: Int32Array; cells: Uint16Array } {
  const starts = new Int32Array(rows + 1)
  const cells = new Uint16Array(rows * width)
  for (let row = 0, at = 0; row < rows; row++) {
    for (let k = 0; k < width; k++) {
      const bin = bins[k * rows + row]
      if (k >= signed || bin !== ZERO) cells[at++] = (k * BINS + bin) * 2
    }
    starts[row + 1] = at
  }
  return { starts, cells }
}
