// AssemblyScript. The twin of ../tree-kernel.ts: slope and curvature are added at once. The host lays out the memory.

export function base(): usize {
  return __heap_base
}

/** `size`: bytes of `sums` before the totals. */
export function sum(order: usize, pulls: usize, starts: usize, cells: usize, from: i32, to: i32, sums: usize, size: usize): void {
  memory.fill(sums, 0, size)
  let total = f64x2.splat(0)
  const last = order + ((<usize>to) << 2)
  for (let place = order + ((<usize>from) << 2); place < last; place += 4) {
    const row = <usize>load<i32>(place)
    const pull = v128.load(pulls + (row << 4))
    total = f64x2.add(total, pull)
    const start = starts + (row << 2)
    const end = cells + ((<usize>load<i32>(start, 4)) << 1)
    for (let at = cells + ((<usize>load<i32>(start)) << 1); at < end; at += 2) {
      const cell = sums + ((<usize>load<u16>(at)) << 3)
      v128.store(cell, f64x2.add(v128.load(cell), pull))
    }
  }
  v128.store(sums + size, total)
}

export function partition(order: usize, moved: usize, from: i32, to: i32, bins: usize, cut: i32): i32 {
  const first = order + ((<usize>from) << 2)
  const last = order + ((<usize>to) << 2)
  let left = first
  let right = moved
  for (let place = first; place < last; place += 4) {
    const row = load<i32>(place)
    const goesRight = (<usize>(<u32>(cut - <i32>load<u8>(bins + <usize>row)) >>> 31)) << 2
    store<i32>(left, row)
    store<i32>(right, row)
    right += goesRight
    left += 4 - goesRight
  }
  memory.copy(left, moved, right - moved)
  return <i32>((left - order) >> 2)
}

/** `mirror`: what a bin of a signed feature and that of the turned pair add up to; `turned` has room for a row. */
export function margins(
  rows: i32,
  bins: usize,
  width: i32,
  signed: i32,
  mirror: i32,
  turned: usize,
  nodes: usize,
  trees: i32,
  depth: i32,
  leaves: usize,
  out: usize,
): void {
  const inner = (1 << depth) - 1
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < width; k++) {
      const bin = <i32>load<u8>(bins + <usize>k)
      store<u8>(turned + <usize>k, k < signed ? mirror - bin : bin)
    }
    let margin: f64 = 0
    let base = nodes - 4
    let leaf = leaves - ((<usize>(inner + 1)) << 2)
    for (let tree = 0; tree < trees; tree++) {
      let a: usize = 1
      let b: usize = 1
      for (let level = 0; level < depth; level++) {
        const s = load<i32>(base + (a << 2))
        const t = load<i32>(base + (b << 2))
        a = 2 * a + <usize>(<u32>((s >> 8) - <i32>load<u8>(bins + <usize>(s & 255))) >>> 31)
        b = 2 * b + <usize>(<u32>((t >> 8) - <i32>load<u8>(turned + <usize>(t & 255))) >>> 31)
      }
      margin += <f64>load<f32>(leaf + (a << 2)) - <f64>load<f32>(leaf + (b << 2))
      base += (<usize>inner) << 2
      leaf += (<usize>(inner + 1)) << 2
    }
    store<f64>(out + ((<usize>i) << 3), margin)
    bins += <usize>width
  }
}
