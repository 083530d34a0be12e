/** How one tree after another is grown on the same rows. */
import { BINS, type Binned, ZERO } from './binned.ts'
import { type TreeKernel, treeKernel } from './tree-kernel.ts'

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

const LEAST_GAIN = 1e-6

/** Grows trees one after another on the same rows: row r < n is pair index[r] as it is, row n + r the same turned. */
export class TreeGrower {
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
  /** Slope and curvature by feature and bin, and in all: of the root, and of the smaller child at each level; the larger takes its parent's place. */
  readonly #sums: readonly Float64Array[]
  /** Doubles of sums that are by feature and bin. */
  readonly #size: number
  readonly #kernel: TreeKernel
  #features: Uint8Array = new Uint8Array(0)
  #cuts: Uint8Array = new Uint8Array(0)
  #leaves: Float32Array = new Float32Array(0)

  constructor(binned: Binned, index: Int32Array, params: TreeParams, importance?: Float64Array, kernel = treeKernel) {
    const rows = 2 * index.length
    this.#width = binned.width
    this.#signed = binned.signed
    this.#params = params
    this.#pairs = index.length
    this.#kernel = kernel
    this.#weights = new Float64Array(index.length).fill(1)
    if (importance) for (let i = 0; i < index.length; i++) this.#weights[i] = importance[index[i]]
    this.#margins = new Float64Array(index.length)
    this.#size = binned.width * BINS * 2
    const room = kernel.room({
      pulls: 16 * rows,
      bins: rows * binned.width,
      starts: 4 * (rows + 1),
      cells: 2 * rows * binned.width,
      order: 4 * rows,
      moved: 4 * rows,
      sums: 8 * (params.depth + 1) * (this.#size + 2),
    })
    this.#pulls = new Float64Array(room.buffer, room.at.pulls, 2 * rows)
    this.#bins = new Uint8Array(room.buffer, room.at.bins, rows * binned.width)
    this.#starts = new Int32Array(room.buffer, room.at.starts, rows + 1)
    this.#cells = new Uint16Array(room.buffer, room.at.cells, rows * binned.width)
    this.#order = new Int32Array(room.buffer, room.at.order, rows)
    this.#moved = new Int32Array(room.buffer, room.at.moved, rows)
    const sumsAt = (level: number): number => room.at.sums + 8 * level * (this.#size + 2)
    this.#sums = Array.from({ length: params.depth + 1 }, (_, level) => new Float64Array(room.buffer, sumsAt(level), this.#size + 2))
    fillByFeature(this.#bins, binned, index)
    fillCells(this.#starts, this.#cells, this.#bins, binned)
  }

  grow(features: Uint8Array, cuts: Uint8Array, leaves: Float32Array): void {
    this.#features = features
    this.#cuts = cuts
    this.#leaves = leaves
    this.#differentiate()
    this.#sumAll(this.#sums[0])
    this.#grow(1, 0, 0, this.#order.length, this.#sums[0])
  }

  /** Grows what is below a node whose rows and sums are these. */
  #grow(node: number, level: number, from: number, to: number, sums: Float64Array): void {
    const { depth } = this.#params
    const split = level < depth ? this.#bestSplit(sums) : -1
    if (split < 0) {
      this.#settle((node << (depth - level)) - 2 ** depth, from, to, sums)
      return
    }
    const feature = Math.floor(split / BINS)
    const cut = split % BINS
    this.#features[node - 1] = feature
    this.#cuts[node - 1] = cut
    const rows = this.#order.length
    const middle = this.#kernel.partition(
      this.#order,
      this.#moved,
      from,
      to,
      this.#bins.subarray(feature * rows, (feature + 1) * rows),
      cut,
    )
    const leftIsSmaller = middle - from < to - middle
    const smaller = this.#sums[level + 1]
    this.#sum(leftIsSmaller ? from : middle, leftIsSmaller ? middle : to, smaller, level + 1 < depth)
    for (let cell = level + 1 < depth ? 0 : this.#size; cell < sums.length; cell++) sums[cell] -= smaller[cell]
    this.#grow(2 * node, level + 1, from, middle, leftIsSmaller ? smaller : sums)
    this.#grow(2 * node + 1, level + 1, middle, to, leftIsSmaller ? sums : smaller)
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

  /** Sums over rows from .. to) of the order: the totals, and by feature and bin if asked for. */
  #sum(from: number, to: number, sums: Float64Array, byBin: boolean): void {
    if (byBin) {
      this.#kernel.sum(this.#order, this.#pulls, this.#starts, this.#cells, from, to, sums)
      return
    }
    const order = this.#order
    const pulls = this.#pulls
    let slope = 0
    let curvature = 0
    for (let k = from; k < to; k++) {
      slope += pulls[2 * order[k]]
      curvature += pulls[2 * order[k] + 1]
    }
    sums[this.#size] = slope
    sums[this.#size + 1] = curvature
  }

  /** Of all rows: turned ones mirror those that are not. */
  #sumAll(sums: Float64Array): void {
    this.#sum(0, this.#pairs, sums, true)
    sums[this.#size] = 0
    sums[this.#size + 1] *= 2
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
  #bestSplit(sums: Float64Array): number {
    const slope = sums[this.#size]
    const curvature = sums[this.#size + 1]
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

  /** Gives a leaf its value, and adds it to the margins of its rows. */
  #settle(leaf: number, from: number, to: number, sums: Float64Array): void {
    const slope = sums[this.#size]
    const curvature = sums[this.#size + 1]
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

function fillByFeature(out: Uint8Array, { width, signed, bins }: Binned, index: Int32Array): void {
  const pairs = index.length
  for (let i = 0; i < pairs; i++)
    for (let k = 0, from = index[i] * width; k < width; k++) {
      const bin = bins[from + k]
      const to = 2 * pairs * k + i
      out[to] = bin
      out[to + pairs] = k < signed ? 2 * ZERO - bin : bin
    }
}

function fillCells(starts: Int32Array, cells: Uint16Array, bins: Uint8Array, { width, signed }: Binned): void {
  const rows = starts.length - 1
  for (let row = 0, at = 0; row < rows; row++) {
    for (let k = 0; k < width; k++) {
      const bin = bins[k * rows + row]
      if (k >= signed || bin !== ZERO) cells[at++] = (k * BINS + bin) * 2
    }
    starts[row + 1] = at
  }
}
