/** Gradient-boosted trees over binned features that know which side is which: P(label) = sigmoid(g(x) - g(turned x)). */

import type { Binned } from './binned.ts'
import { TreeGrower, type TreeParams } from './tree-growth.ts'
import { treeKernel } from './tree-kernel.ts'

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

const ALL_LEFT = 255

/** Newton boosting (Friedman 2001; Chen & Guestrin 2016, eq. 6-7) on the rows of `index`, each seen as it is and turned. */
export function fitForest(binned: Binned, index: Int32Array, params: TreeParams, importance?: Float64Array, kernel = treeKernel): Forest {
  const grower = new TreeGrower(binned, index, params, importance, kernel)
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
export function forestMargins(forest: Forest, binned: Binned, index: Int32Array, kernel = treeKernel): Float64Array {
  const { width, signed } = binned
  const { depth, trees, features, cuts, leaves } = forest
  const nodes = new Int32Array(features.length)
  for (let n = 0; n < nodes.length; n++) nodes[n] = (cuts[n] << 8) | features[n]
  const bins = new Uint8Array(index.length * width)
  for (let i = 0, to = 0; i < index.length; i++) for (let k = 0, at = index[i] * width; k < width; k++) bins[to++] = binned.bins[at + k]
  return kernel.margins({ depth, trees, nodes, leaves }, { width, signed, bins }, index.length)
}
