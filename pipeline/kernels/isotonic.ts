/** A curve from margins to probabilities that only has to rise. */

/** Probability `levels[k]` at a margin of size `sizes[k]`; straight between them, flat behind the last. Plain values: may be stored as JSON. */
export type Knots = { readonly sizes: readonly number[]; readonly levels: readonly number[] }

/**
 * Isotonic regression by pooling adjacent violators (Ayer et al. 1955) on the sizes of margins: a pair counts for both of its orders, so the
 * curve is 1/2 at 0 and the same for a margin and its opposite. No level is surer than one more pair against it would leave.
 */
export function isotonic(margins: Float64Array): Knots {
  const blocks: Block[] = []
  for (const block of levelled(margins)) {
    let pooled = block
    for (let before = blocks.at(-1); before && before.right * pooled.n >= pooled.right * before.n; before = blocks.at(-1)) {
      blocks.pop()
      pooled = { n: before.n + pooled.n, right: before.right + pooled.right, first: before.first, last: pooled.last }
    }
    blocks.push(pooled)
  }
  const surest = 1 - 1 / (margins.length + 2)
  const knots = blocks.flatMap(({ n, right, first, last }) => {
    const level = Math.min(surest, Math.max(0.5, right / n))
    return [...new Set([first, last])].filter(size => size > 0).map(size => ({ size, level }))
  })
  return { sizes: [0, ...knots.map(({ size }) => size)], levels: [0.5, ...knots.map(({ level }) => level)] }
}

interface Block {
  readonly n: number
  readonly right: number
  /** Smallest and largest size of a margin. */
  readonly first: number
  readonly last: number
}

/** Margins of one size together, by rising size. */
function levelled(margins: Float64Array): Block[] {
  const order = Int32Array.from(margins.keys()).sort((a, b) => Math.abs(margins[a]) - Math.abs(margins[b]))
  const blocks: { n: number; right: number; first: number; last: number }[] = []
  let size = -1
  for (const row of order) {
    const margin = margins[row]
    if (Math.abs(margin) !== size) {
      size = Math.abs(margin)
      blocks.push({ n: 0, right: 0, first: size, last: size })
    }
    const block = blocks[blocks.length - 1]
    block.n++
    block.right += margin > 0 ? 1 : margin === 0 ? 0.5 : 0
  }
  return blocks
}

/** The curve at a margin. */
export function levelAt({ sizes, levels }: Knots, margin: number): number {
  const size = Math.abs(margin)
  let [low, high] = [0, sizes.length]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (sizes[middle] <= size) low = middle
    else high = middle
  }
  const between = high < sizes.length ? (size - sizes[low]) / (sizes[high] - sizes[low]) : 0
  const level = levels[low] + (between > 0 ? between * (levels[high] - levels[low]) : 0)
  return margin < 0 ? 1 - level : level
}
