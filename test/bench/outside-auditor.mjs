/**
 * What style alone says of labels, by an auditor that shares no code with goldpan: its own features, a logistic model and boosted trees,
 * cross-validated by prompt. Every pair is also seen turned round, so that .5 is nothing.
 */

const count = (text, pattern) => (text.match(pattern) ?? []).length

/** Of one response. */
function featuresOf(text) {
  const words = text.toLowerCase().match(/[\p{L}\p{M}\p{N}']+/gu) ?? []
  return [
    words.length,
    text.length,
    count(text, /^#{1,6} /gm),
    count(text, /^\s*[-*+] /gm),
    count(text, /^\s*\d+[.)] /gm),
    count(text, /\*\*[^*\n]+\*\*/g),
    count(text, /```/g),
    count(text, /[.!?](\s|$)/g),
    count(text, /!/g),
    count(text, /\?/g),
    count(text, /,/g),
    count(text, /\d/g),
    count(text, /\n\s*\n/g),
    count(text, /\p{Lu}/gu),
    count(text, /["“”()]/g),
    words.length > 0 ? new Set(words).size / words.length : 0,
    words.length > 0 ? text.length / words.length : 0,
  ]
}

/** Differences of the pair, each between -1 and 1, row by row. */
export function differencesOf(pairs) {
  return pairs.map(({ chosen, rejected }) => {
    const [a, b] = [featuresOf(chosen), featuresOf(rejected)]
    return Float64Array.from(a, (value, k) => (value - b[k]) / (value + b[k] + 1))
  })
}

const sigmoid = x => 1 / (1 + Math.exp(-x))

/** Area under the curve of margins of pairs against those of the same pairs turned round, each pair with its weight; ties count half. */
export function areaOf(margins, weights) {
  const all = margins.flatMap((m, i) => [{ m, up: weights[i], down: 0 }, { m: -m, up: 0, down: weights[i] }]).sort((a, b) => a.m - b.m)
  const total = weights.reduce((sum, w) => sum + w, 0)
  let below = 0
  let won = 0
  for (let from = 0, to = 0; from < all.length; from = to) {
    let [up, down] = [0, 0]
    for (; to < all.length && all[to].m === all[from].m; to++) {
      up += all[to].up
      down += all[to].down
    }
    won += up * (below + down / 2)
    below += down
  }
  return won / total ** 2
}

/** A logistic model without intercept, by Newton's method with a ridge. */
function fitLinear(rows, weights) {
  const width = rows[0].length
  let beta = new Float64Array(width)
  for (let step = 0; step < 12; step++) {
    const slope = new Float64Array(width)
    const curve = Array.from({ length: width }, () => new Float64Array(width))
    for (const [i, x] of rows.entries()) {
      const p = sigmoid(dot(beta, x))
      for (let j = 0; j < width; j++) {
        slope[j] += weights[i] * (1 - p) * x[j]
        for (let k = 0; k <= j; k++) curve[j][k] += weights[i] * p * (1 - p) * x[j] * x[k]
      }
    }
    for (let j = 0; j < width; j++) {
      slope[j] -= beta[j]
      curve[j][j] += 1
      for (let k = 0; k < j; k++) curve[k][j] = curve[j][k]
    }
    const by = solve(curve, slope)
    beta = beta.map((b, j) => b + by[j])
  }
  return x => dot(beta, x)
}

const dot = (a, b) => {
  let sum = 0
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k]
  return sum
}

/** By Gaussian elimination with pivots. */
function solve(matrix, right) {
  const n = right.length
  const a = matrix.map((row, i) => [...row, right[i]])
  for (let c = 0; c < n; c++) {
    const best = a.slice(c).reduce((p, row, i) => (Math.abs(row[c]) > Math.abs(a[p][c]) ? c + i : p), c)
    ;[a[c], a[best]] = [a[best], a[c]]
    for (let r = 0; r < n; r++) {
      if (r === c) continue
      const f = a[r][c] / a[c][c]
      for (let k = c; k <= n; k++) a[r][k] -= f * a[c][k]
    }
  }
  return a.map((row, i) => row[n] / row[i])
}

const BINS = 32
const TREES = 120
const DEPTH = 4
const RATE = 0.1
const LEAST = 20

/** Gradient boosting of the logistic loss over histograms, on pairs and on pairs turned round; margins are made antisymmetric. */
function fitTrees(rows, weights) {
  const width = rows[0].length
  const x = [...rows, ...rows.map(row => row.map(v => -v))]
  const w = [...weights, ...weights]
  const y = x.map((_, i) => (i < rows.length ? 1 : 0))
  const binned = x.map(row => Uint8Array.from(row, binOf))
  const scores = new Float64Array(x.length)
  const trees = []
  for (let t = 0; t < TREES; t++) {
    const gradient = Float64Array.from(scores, (s, i) => w[i] * (y[i] - sigmoid(s)))
    const hessian = Float64Array.from(scores, (s, i) => w[i] * sigmoid(s) * (1 - sigmoid(s)))
    const tree = grow(binned, gradient, hessian, Int32Array.from(x.keys()), width, DEPTH)
    for (let i = 0; i < x.length; i++) scores[i] += RATE * valueOf(tree, binned[i])
    trees.push(tree)
  }
  const sum = row => trees.reduce((s, tree) => s + valueOf(tree, row), 0)
  return row => sum(Uint8Array.from(row, binOf)) - sum(Uint8Array.from(row, v => binOf(-v)))
}

const binOf = value => Math.min(BINS - 1, Math.floor(((value + 1) / 2) * BINS))

function grow(binned, gradient, hessian, rows, width, depth) {
  let [g, h] = [0, 0]
  for (const i of rows) {
    g += gradient[i]
    h += hessian[i]
  }
  const leaf = { value: g / (h + 1) }
  if (depth === 0) return leaf
  let best = { gain: 1e-6 }
  for (let k = 0; k < width; k++) {
    const [gs, hs, ns] = [new Float64Array(BINS), new Float64Array(BINS), new Int32Array(BINS)]
    for (const i of rows) {
      const b = binned[i][k]
      gs[b] += gradient[i]
      hs[b] += hessian[i]
      ns[b]++
    }
    let [gl, hl, nl] = [0, 0, 0]
    for (let b = 0; b + 1 < BINS; b++) {
      gl += gs[b]
      hl += hs[b]
      nl += ns[b]
      if (nl < LEAST || rows.length - nl < LEAST) continue
      const gain = gl ** 2 / (hl + 1) + (g - gl) ** 2 / (h - hl + 1) - g ** 2 / (h + 1)
      if (gain > best.gain) best = { gain, k, b }
    }
  }
  if (best.k === undefined) return leaf
  const [left, right] = [rows.filter(i => binned[i][best.k] <= best.b), rows.filter(i => binned[i][best.k] > best.b)]
  return { k: best.k, b: best.b, left: grow(binned, gradient, hessian, left, width, depth - 1), right: grow(binned, gradient, hessian, right, width, depth - 1) }
}

const valueOf = (tree, row) => {
  let node = tree
  while (node.value === undefined) node = row[node.k] <= node.b ? node.left : node.right
  return node.value
}

const FOLDS = 5

/** `fold`: by pair, a number that pairs of one prompt share. */
export function audit(differences, weights, fold) {
  const areas = [fitLinear, fitTrees].map(fit => {
    const margins = new Array(differences.length)
    for (let f = 0; f < FOLDS; f++) {
      const train = differences.flatMap((_, i) => (fold[i] % FOLDS !== f && weights[i] > 0 ? [i] : []))
      const model = fit(train.map(i => differences[i]), train.map(i => weights[i]))
      for (const [i, row] of differences.entries()) if (fold[i] % FOLDS === f) margins[i] = model(row)
    }
    return areaOf(margins, weights)
  })
  return { linear: areas[0], trees: areas[1] }
}
