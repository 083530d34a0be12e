/** What is true where annotators differ, and how good each of them is (Dawid and Skene 1979), by expectation maximisation. */

/** Answers as parallel lists: annotator `worker[k]` said `label[k]` of item `item[k]`; all are counted from 0. */
export interface Answered {
  readonly items: number
  readonly workers: number
  readonly labels: number
  readonly item: Int32Array
  readonly worker: Int32Array
  readonly label: Int32Array
  /** The label of item i where it is known, else -1. */
  readonly known?: Int32Array
}

export interface DawidSkene {
  /** Row i: the posterior of each label of item i. */
  readonly posterior: Float64Array
  /** Worker w: P(says b | true a) at w * labels^2 + a * labels + b. */
  readonly confusion: Float64Array
  readonly prior: Float64Array
  readonly iterations: number
}

const SMOOTHING = 0.01
const MOST_ITERATIONS = 100
const ENOUGH = 1e-8

/**
 * Begins with the shares of the answers. `smoothing` answers are added to every cell of a confusion matrix, so that one who never erred
 * is not taken for infallible; items without answers get the prior.
 */
export function dawidSkene(answered: Answered, smoothing = SMOOTHING): DawidSkene {
  const { labels } = answered
  let posterior = withKnown(shares(answered), answered)
  for (let iteration = 1; ; iteration++) {
    const prior = priorOf(posterior, answered)
    const confusion = confusionOf(posterior, answered, smoothing)
    const next = withKnown(expected(answered, prior, confusion), answered)
    let change = 0
    for (let k = 0; k < next.length; k++) change = Math.max(change, Math.abs(next[k] - posterior[k]))
    posterior = next
    if (change < ENOUGH || iteration === MOST_ITERATIONS || labels === 0) return { posterior, confusion, prior, iterations: iteration }
  }
}

function shares({ items, labels, item, label }: Answered): Float64Array {
  const posterior = new Float64Array(items * labels)
  const count = new Float64Array(items)
  for (let k = 0; k < item.length; k++) {
    posterior[item[k] * labels + label[k]]++
    count[item[k]]++
  }
  for (let i = 0; i < items; i++)
    for (let a = 0; a < labels; a++) posterior[i * labels + a] = count[i] > 0 ? posterior[i * labels + a] / count[i] : 1 / labels
  return posterior
}

/** What is known needs no inference. */
function withKnown(posterior: Float64Array, { items, labels, known }: Answered): Float64Array {
  for (let i = 0; known && i < items; i++) if (known[i] >= 0) posterior.fill(0, i * labels, (i + 1) * labels)[i * labels + known[i]] = 1
  return posterior
}

function priorOf(posterior: Float64Array, { items, labels }: Answered): Float64Array {
  const prior = new Float64Array(labels)
  for (let k = 0; k < posterior.length; k++) prior[k % labels] += posterior[k]
  return prior.map(sum => (sum + 1e-9) / (items + labels * 1e-9))
}

function confusionOf(posterior: Float64Array, { workers, labels, item, worker, label }: Answered, smoothing: number): Float64Array {
  const confusion = new Float64Array(workers * labels * labels).fill(smoothing)
  for (let k = 0; k < item.length; k++)
    for (let a = 0; a < labels; a++) confusion[(worker[k] * labels + a) * labels + label[k]] += posterior[item[k] * labels + a]
  for (let row = 0; row < workers * labels; row++) {
    let sum = 0
    for (let b = 0; b < labels; b++) sum += confusion[row * labels + b]
    for (let b = 0; b < labels; b++) confusion[row * labels + b] = sum > 0 ? confusion[row * labels + b] / sum : 1 / labels
  }
  return confusion
}

function expected({ items, labels, item, worker, label }: Answered, prior: Float64Array, confusion: Float64Array): Float64Array {
  const odds = new Float64Array(items * labels)
  const [logPrior, logConfusion] = [prior.map(Math.log), confusion.map(Math.log)]
  for (let k = 0; k < odds.length; k++) odds[k] = logPrior[k % labels]
  for (let k = 0; k < item.length; k++)
    for (let a = 0; a < labels; a++) odds[item[k] * labels + a] += logConfusion[(worker[k] * labels + a) * labels + label[k]]
  for (let i = 0; i < items; i++) {
    const from = i * labels
    let top = Number.NEGATIVE_INFINITY
    for (let a = from; a < from + labels; a++) if (odds[a] > top) top = odds[a]
    let sum = 0
    for (let a = from; a < from + labels; a++) sum += odds[a] = Math.exp(odds[a] - top)
    for (let a = from; a < from + labels; a++) odds[a] /= sum
  }
  return odds
}
