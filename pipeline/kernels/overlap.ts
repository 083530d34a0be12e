/** How much of an indexed text a stream's text holds, once n-grams that say nothing are set aside. */
import type { NgramIndex } from './ngram-index.ts'
import { CLOSES, OPENS } from './quotations.ts'

/** Words shared by a text of the index and a text of the stream. */
export interface Run {
  /** First word in the indexed text. */
  readonly from: number
  readonly words: number
  /** First word in the stream's text. */
  readonly at: number
}

export interface Overlap {
  /** Words of the indexed text that the runs cover. */
  readonly covered: number
  /** Of these, words outside stopped and weak n-grams, and how many such words the text has. */
  readonly left: number
  readonly leftOf: number
  /** Words of the stream's text that the runs cover. */
  readonly shared: number
  /** One run is the whole text. */
  readonly whole: boolean
  /** What is shared is set off as a quotation in the indexed text, and of the task around it three words or more, a tenth of the text, are missing. */
  readonly quotation: boolean
}

/** Words outside every stopped and weak n-gram: `before[w]` of them come before word w of the index. */
export interface Telling {
  readonly before: Int32Array
}

/** `stopped`: n-grams by name that do not count, beside the weak ones. */
export function tellingWords(index: NgramIndex, stopped: ReadonlySet<number>): Telling {
  const { starts, grams, weak, ngram } = index
  const before = new Int32Array(starts.at(-1)! + 1)
  for (let t = 0; t + 1 < starts.length; t++) {
    let silentTo = starts[t]
    for (let w = starts[t]; w < starts[t + 1]; w++) {
      const gram = grams[w]
      if (gram >= 0 && (weak[gram] === 1 || stopped.has(gram))) silentTo = w + ngram[t]
      before[w + 1] = before[w] + (w < silentTo ? 0 : 1)
    }
  }
  return { before }
}

/** Adds the names of the n-grams that lie in a run. */
export function addGrams({ starts, grams, ngram }: NgramIndex, text: number, from: number, words: number, names: Set<number>): void {
  const first = starts[text] + from
  const length = Math.min(ngram[text], starts[text + 1] - starts[text])
  for (let w = first; w + length <= first + words; w++) names.add(grams[w])
}

/** With fewer words missing than this, or a smaller share of the text, nothing speaks for another task. */
const LEAST_MISSING = 3
const LEAST_SHARE = 0.1

/** Runs of one text of the index with one text of the stream, at least one. */
export function overlapOf(index: NgramIndex, { before }: Telling, text: number, runs: readonly Run[]): Overlap {
  const start = index.starts[text]
  const size = index.starts[text + 1] - start
  const covered = union(runs.map(({ from, words }) => [from, from + words]))
  const [head, tail] = [covered[0][0], covered.at(-1)![1]]
  const isTask = (words: number, border: number, side: number): boolean =>
    words >= Math.max(LEAST_MISSING, LEAST_SHARE * size) && (index.quoted[start + border] & side) !== 0
  return {
    covered: lengthOf(covered),
    left: covered.reduce((n, [from, to]) => n + before[start + to] - before[start + from], 0),
    leftOf: before[start + size] - before[start],
    shared: lengthOf(union(runs.map(({ at, words }) => [at, at + words]))),
    whole: runs.some(run => run.words === size),
    quotation: isTask(head, head, OPENS) || isTask(size - tail, tail, CLOSES),
  }
}

type Interval = [from: number, to: number]

function union(intervals: Interval[]): Interval[] {
  const sorted = intervals.sort((a, b) => a[0] - b[0] || a[1] - b[1])
  const merged: Interval[] = []
  for (const [from, to] of sorted) {
    const last = merged.at(-1)
    if (last && from <= last[1]) last[1] = Math.max(last[1], to)
    else merged.push([from, to])
  }
  return merged
}

const lengthOf = (intervals: readonly Interval[]): number => intervals.reduce((n, [from, to]) => n + to - from, 0)
