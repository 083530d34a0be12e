/** The loops over rows of growing and reading trees. */
import { type Binned, ZERO } from './binned.ts'
import { compiled, layOut } from './native.ts'
import { nativeTrees } from './native-trees.ts'

/** Node n of a tree is cut * 256 + feature; see Forest. */
export interface PackedForest {
  readonly depth: number
  readonly trees: number
  readonly nodes: Int32Array
  readonly leaves: Float32Array
}

export interface TreeKernel {
  /** Zeros for the arrays that the other calls take, so many bytes each. Those laid out before are lost. */
  room<K extends string>(sizes: Readonly<Record<K, number>>): Room<K>
  /** Adds up slope and curvature of rows order[from .. to) by their cells, and in the last two places of `sums` in all. */
  sum(order: Int32Array, pulls: Float64Array, starts: Int32Array, cells: Uint16Array, from: number, to: number, sums: Float64Array): void
  /** Moves the rows whose bin is at most the cut to the front, all in their order; gives where the others begin. */
  partition(order: Int32Array, moved: Int32Array, from: number, to: number, bins: Uint8Array, cut: number): number
  /** g(x) - g(turned x) of all rows. Arrays of `room` are lost. */
  margins(forest: PackedForest, binned: Binned, rows: number): Float64Array
}

export interface Room<K extends string> {
  readonly buffer: ArrayBuffer
  readonly at: Readonly<Record<K, number>>
}

export const plainTrees: TreeKernel = {
  room: sizes => {
    const at = layOut(0, sizes)
    return { buffer: new ArrayBuffer(at.end), at }
  },

  sum: (order, pulls, starts, cells, from, to, sums) => {
    let slopes = 0
    let curvatures = 0
    sums.fill(0)
    for (let k = from; k < to; k++) {
      const row = order[k]
      const slope = pulls[2 * row]
      const curvature = pulls[2 * row + 1]
      slopes += slope
      curvatures += curvature
      const end = starts[row + 1]
      for (let at = starts[row]; at < end; at++) {
        const cell = cells[at]
        sums[cell] += slope
        sums[cell + 1] += curvature
      }
    }
    sums[sums.length - 2] = slopes
    sums[sums.length - 1] = curvatures
  },

  partition: (order, moved, from, to, bins, cut) => {
    let left = from
    let right = 0
    for (let k = from; k < to; k++) {
      const row = order[k]
      const goesRight = (cut - bins[row]) >>> 31
      order[left] = moved[right] = row
      right += goesRight
      left += 1 - goesRight
    }
    order.set(moved.subarray(0, right), left)
    return left
  },

  margins: ({ depth, trees, nodes, leaves }, { width, signed, bins }, rows) => {
    const inner = 2 ** depth - 1
    const turnedRow = new Uint8Array(width)
    const margins = new Float64Array(rows)
    for (let i = 0, at = 0; i < rows; i++, at += width) {
      for (let k = 0; k < width; k++) turnedRow[k] = k < signed ? 2 * ZERO - bins[at + k] : bins[at + k]
      let margin = 0
      for (let tree = 0, base = -1, leaf = -inner - 1; tree < trees; tree++, base += inner) {
        let straight = 1
        let turned = 1
        // the sign of cut - bin says where to go, as no branch could be foreseen
        for (let level = 0; level < depth; level++) {
          const s = nodes[base + straight]
          const t = nodes[base + turned]
          straight = 2 * straight + (((s >> 8) - bins[at + (s & 255)]) >>> 31)
          turned = 2 * turned + (((t >> 8) - turnedRow[t & 255]) >>> 31)
        }
        margin += leaves[leaf + straight] - leaves[leaf + turned]
        leaf += inner + 1
      }
      margins[i] = margin
    }
    return margins
  },
}

const wasm = compiled('trees')
export const treeKernel: TreeKernel = wasm ? nativeTrees(wasm, plainTrees) : plainTrees
