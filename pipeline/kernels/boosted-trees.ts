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
  const grower = new TreeGrower(binned, index, params)
  const inner = 2 ** params.depth - 1
  const forest = {
    depth: params.depth,
    trees: params.trees,
    features: new Uint8Array(params.trees * inner),
    cuts: new Uint8Array(params.trees * inner).fill(ALL_LEFT),
    leaves: new Float32Array(params.trees * (inner + 1)),
  }
  const weights = Float64Array.from(index, row => importance?.[row] ?? 1)
  for (let tree = 0; tree < params.trees; tree++)
    grower.grow(
      weights,
      forest.features.subarray(tree * inner, (tree + 1) * inner),
      forest.cuts.subarray(tree * inner, (tree + 1) * inner),
      forest.leaves.subarray(tree * (inner + 1), (tree + 1) * (inner + 1)),
    )
  return forest
}

/** g(x) - g(turned x) of one row. */
export function forestMargin({ depth, trees, features, cuts, leaves }: Forest, { width, signed, bins }: Binned, row: number): number {
  const inner = 2 ** depth - 1
  const at = row * width
  let margin = 0
  for (let tree = 0; tree < trees; tree++) {
    const base = tree * inner - 1
    let straight = 1
    let turned = 1
    for (let level = 0; level < depth; level++) {
      let feature = features[base + straight]
      straight = 2 * straight + (bins[at + feature] > cuts[base + straight] ? 1 : 0)
      feature = features[base + turned]
      const bin = bins[at + feature]
      turned = 2 * turned + ((feature < signed ? 2 * ZERO - bin : bin) > cuts[base + turned] ? 1 : 0)
    }
    const leaf = tree * (inner + 1) - (inner + 1)
    margin += leaves[leaf + straight] - leaves[leaf + turned]
  }
  return margin
}

/** Grows trees one after another on the same rows: row r < n is pair index[r] as it is, row n + r the same turned. */
class TreeGrower {
  readonly #width: number
  readonly #params: TreeParams
  readonly #bins: Uint8Array
  readonly #pairs: number
  readonly #margins: Float64Array
  readonly #slopes: Float64Array
  readonly #curvatures: Float64Array
  /** Rows by node: those of a node lie together. */
  readonly #order: Int32Array
  readonly #moved: Int32Array
  /** Slope and curvature by node of a level, feature and bin. */
  #sums: Float64Array[] = []

  constructor(binned: Binned, index: Int32Array, params: TreeParams) {
    this.#width = binned.width
    this.#params = params
    this.#pairs = index.length
    this.#bins = turnedToo(binned, index)
    this.#margins = new Float64Array(index.length)
    this.#slopes = new Float64Array(2 * index.length)
    this.#curvatures = new Float64Array(2 * index.length)
    this.#order = new Int32Array(2 * index.length)
    this.#moved = new Int32Array(2 * index.length)
  }

  grow(weights: Float64Array, features: Uint8Array, cuts: Uint8Array, leaves: Float32Array): void {
    this.#differentiate(weights)
    let borders = [0, this.#order.length]
    this.#sums = [this.#sumOf(0, this.#order.length)]
    for (let level = 0; level < this.#params.depth; level++) {
      const next = [0]
      const sums: Float64Array[] = []
      for (let k = 0; k < 2 ** level; k++) {
        const node = 2 ** level + k
        const split = borders[k] < borders[k + 1] ? this.#bestSplit(this.#sums[k]) : undefined
        const middle = split ? this.#partition(borders[k], borders[k + 1], split.feature, split.cut) : borders[k + 1]
        if (split) {
          features[node - 1] = split.feature
          cuts[node - 1] = split.cut
        }
        next.push(middle, borders[k + 1])
        if (level + 1 < this.#params.depth) sums.push(...this.#childSums(this.#sums[k], borders[k], middle, borders[k + 1]))
      }
      borders = next
      this.#sums = sums
    }
    for (let leaf = 0; leaf < leaves.length; leaf++) leaves[leaf] = this.#settle(borders[leaf], borders[leaf + 1])
  }

  #differentiate(weights: Float64Array): void {
    for (let i = 0; i < this.#pairs; i++) {
      const wrong = 1 / (1 + Math.exp(this.#margins[i]))
      this.#slopes[i] = weights[i] * wrong
      this.#slopes[this.#pairs + i] = -weights[i] * wrong
      this.#curvatures[i] = this.#curvatures[this.#pairs + i] = weights[i] * wrong * (1 - wrong)
    }
    for (let row = 0; row < this.#order.length; row++) this.#order[row] = row
  }

  #sumOf(from: number, to: number): Float64Array {
    const sums = new Float64Array(this.#width * BINS * 2)
    const width = this.#width
    const bins = this.#bins
    for (let k = from; k < to; k++) {
      const row = this.#order[k]
      const slope = this.#slopes[row]
      const curvature = this.#curvatures[row]
      const at = row * width
      for (let feature = 0; feature < width; feature++) {
        const cell = (feature * BINS + bins[at + feature]) * 2
        sums[cell] += slope
        sums[cell + 1] += curvature
      }
    }
    return sums
  }

  /** Only the smaller child is summed; the other is what remains. */
  #childSums(parent: Float64Array, from: number, middle: number, to: number): [Float64Array, Float64Array] {
    const leftIsSmaller = middle - from < to - middle
    const smaller = leftIsSmaller ? this.#sumOf(from, middle) : this.#sumOf(middle, to)
    const larger = parent.map((sum, cell) => sum - smaller[cell])
    return leftIsSmaller ? [smaller, larger] : [larger, smaller]
  }

  #bestSplit(sums: Float64Array): { feature: number; cut: number } | undefined {
    const { ridge, least_curvature } = this.#params
    let slope = 0
    let curvature = 0
    for (let bin = 0; bin < BINS; bin++) {
      slope += sums[bin * 2]
      curvature += sums[bin * 2 + 1]
    }
    let best = slope ** 2 / (curvature + ridge) + LEAST_GAIN
    let split: { feature: number; cut: number } | undefined
    for (let feature = 0; feature < this.#width; feature++) {
      let leftSlope = 0
      let left = 0
      for (let cut = 0; cut < BINS - 1; cut++) {
        const cell = (feature * BINS + cut) * 2
        leftSlope += sums[cell]
        left += sums[cell + 1]
        const right = curvature - left
        if (left < least_curvature || right < least_curvature) continue
        const gain = leftSlope ** 2 / (left + ridge) + (slope - leftSlope) ** 2 / (right + ridge)
        if (gain <= best) continue
        best = gain
        split = { feature, cut }
      }
    }
    return split
  }

  /** Moves the rows that go left to the front, in their order; gives where the others begin. */
  #partition(from: number, to: number, feature: number, cut: number): number {
    let left = from
    let right = 0
    for (let k = from; k < to; k++) {
      const row = this.#order[k]
      if (this.#bins[row * this.#width + feature] <= cut) this.#order[left++] = row
      else this.#moved[right++] = row
    }
    this.#order.set(this.#moved.subarray(0, right), left)
    return left
  }

  /** The value of a leaf, which is added to the margins of its rows. */
  #settle(from: number, to: number): number {
    let slope = 0
    let curvature = 0
    for (let k = from; k < to; k++) {
      slope += this.#slopes[this.#order[k]]
      curvature += this.#curvatures[this.#order[k]]
    }
    const value = Math.fround((this.#params.rate * slope) / (curvature + this.#params.ridge))
    for (let k = from; k < to; k++) {
      const row = this.#order[k]
      if (row < this.#pairs) this.#margins[row] += value
      else this.#margins[row - this.#pairs] -= value
    }
    return value
  }
}

function turnedToo({ width, signed, bins }: Binned, index: Int32Array): Uint8Array {
  const out = new Uint8Array(2 * index.length * width)
  for (let i = 0; i < index.length; i++)
    for (let k = 0; k < width; k++) {
      const bin = bins[index[i] * width + k]
      out[i * width + k] = bin
      out[(index.length + i) * width + k] = k < signed ? 2 * ZERO - bin : bin
    }
  return out
}
