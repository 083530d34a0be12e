/** Trees by the compiled kernel: the same as those of tree-kernel.ts, bit for bit. */
import { ZERO } from './binned.ts'
import { grow, instantiate, layOut } from './native.ts'
import type { TreeKernel } from './tree-kernel.ts'

/** Beyond this, rows are left to plain code: memory once taken is a thread's for good. */
const MOST_BYTES = 2 ** 28

export function nativeTrees(wasm: Uint8Array<ArrayBuffer>, plain: TreeKernel): TreeKernel {
  const native = instantiate(wasm, 0)
  const { memory, base, call } = native
  const isInside = ({ buffer }: { buffer: ArrayBufferLike }): boolean => buffer === memory.buffer
  return {
    room: sizes => {
      const at = layOut(base, sizes)
      if (at.end > MOST_BYTES) return plain.room(sizes)
      grow(native, at.end)
      new Uint8Array(memory.buffer, base).fill(0, 0, at.end - base)
      return { buffer: memory.buffer, at }
    },

    sum: (order, pulls, starts, cells, from, to, sums) => {
      if (!isInside(order)) plain.sum(order, pulls, starts, cells, from, to, sums)
      else
        call.sum(order.byteOffset, pulls.byteOffset, starts.byteOffset, cells.byteOffset, from, to, sums.byteOffset, sums.byteLength - 16)
    },

    partition: (order, moved, from, to, bins, cut) =>
      isInside(order)
        ? call.partition(order.byteOffset, moved.byteOffset, from, to, bins.byteOffset, cut)
        : plain.partition(order, moved, from, to, bins, cut),

    margins: (forest, binned, rows) => {
      const { depth, trees, nodes, leaves } = forest
      const { width, signed, bins } = binned
      const at = layOut(base, {
        nodes: nodes.byteLength,
        leaves: leaves.byteLength,
        bins: rows * width,
        turned: width,
        margins: 8 * rows,
      })
      if (at.end > MOST_BYTES) return plain.margins(forest, binned, rows)
      grow(native, at.end)
      new Int32Array(memory.buffer, at.nodes).set(nodes)
      new Float32Array(memory.buffer, at.leaves).set(leaves)
      new Uint8Array(memory.buffer, at.bins).set(bins)
      call.margins(rows, at.bins, width, signed, 2 * ZERO, at.turned, at.nodes, trees, depth, at.leaves, at.margins)
      return new Float64Array(memory.buffer, at.margins, rows).slice()
    },
  }
}
