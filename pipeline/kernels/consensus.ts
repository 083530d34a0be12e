/**
 * How far the answers to a prompt agree with one another, without their labels: of answers drawn from many, the one that says what the others
 * say is more often right (Wang et al. 2022, self-consistency).
 */
import type { Comparisons } from './comparisons.ts'
import { membersOf } from './groups.ts'
import { mix32 } from './mix.ts'

/** Words of one side of every pair: pair e's are values[starts[e] .. starts[e + 1]), distinct. */
export interface SampledWords {
  readonly starts: Int32Array
  readonly values: Int32Array
}

type Graph = Pick<Comparisons, 'nodes' | 'prompt_of' | 'prompts' | 'winners' | 'losers'>

/**
 * By pair, the cosine between the winner's words and the sum of those of all other responses to the prompt, less that of the loser; each response
 * counts as one. 0 where the prompt has but two responses, which agree with each other alike.
 */
export function consensusDifferences(graph: Graph, winning: SampledWords, losing: SampledWords): Float64Array {
  const { winners, losers, nodes, prompts, prompt_of } = graph
  const cosines = new Float64Array(nodes)
  const { starts, rows } = membersOf({ of: prompt_of, count: prompts })
  const seen = new Uint8Array(nodes)
  for (let p = 0; p < prompts; p++) {
    const texts: Text[] = []
    const take = (node: number, e: number, { starts, values }: SampledWords): void => {
      if (seen[node] === 0) texts.push({ node, words: values.subarray(starts[e], starts[e + 1]) })
      seen[node] = 1
    }
    for (const e of rows.subarray(starts[p], starts[p + 1])) {
      take(winners[e], e, winning)
      take(losers[e], e, losing)
    }
    if (texts.length > 2) addCosines(texts, cosines)
  }
  return Float64Array.from(winners, (winner, e) => cosines[winner] - cosines[losers[e]])
}

interface Text {
  readonly node: number
  readonly words: Int32Array
}

/** Texts are vectors of length 1 with equal weights for their words; `sums` is their sum by place in a table of the words. */
function addCosines(texts: readonly Text[], cosines: Float64Array): void {
  const places = new WordPlaces(texts.reduce((n, { words }) => n + words.length, 0))
  const sums = new Float64Array(places.size)
  const placed = texts.map(({ words }) => words.map(word => places.of(word)))
  for (const own of placed) for (const place of own) sums[place] += 1 / Math.sqrt(own.length)
  const square = sums.reduce((total, sum) => total + sum * sum, 0)
  for (const [i, own] of placed.entries()) {
    if (own.length === 0) continue
    let product = 0
    for (const place of own) product += sums[place]
    product /= Math.sqrt(own.length)
    const others = square - 2 * product + 1
    if (others > 1e-9) cosines[texts[i].node] = (product - 1) / Math.sqrt(others)
  }
}

/** Places of words in a table of open addressing. */
class WordPlaces {
  readonly size: number
  readonly #words: Int32Array
  readonly #taken: Uint8Array

  constructor(most: number) {
    this.size = 2 ** Math.ceil(Math.log2(2 * most + 1))
    this.#words = new Int32Array(this.size)
    this.#taken = new Uint8Array(this.size)
  }

  of(word: number): number {
    let place = mix32(word) & (this.size - 1)
    while (this.#taken[place] && this.#words[place] !== word) place = (place + 1) & (this.size - 1)
    this.#taken[place] = 1
    this.#words[place] = word
    return place
  }
}
