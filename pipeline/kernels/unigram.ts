/** A SentencePiece unigram tokenizer (Kudo 2018): the pieces of a text whose scores sum up highest. */

/** Pieces with their log probabilities; a piece's id is its place. */
export type Vocabulary = readonly (readonly [string, number])[]

const SPACE = '\u2581'
const CODE_POINTS = 0x110000

export class Unigram {
  /** A trie: of node * CODE_POINTS + code point the next node. */
  readonly #next = new Map<number, number>()
  /** By node: the id of the piece that ends there, -1 where none does. */
  readonly #ids: Int32Array
  readonly #scores: Float64Array
  /** By id; code points. */
  readonly #lengths: Int32Array

  /** The first `reserved` pieces stand for no text; 0 is what no piece covers. */
  constructor(vocabulary: Vocabulary, reserved: number) {
    const ids = [-1]
    this.#scores = Float64Array.from(vocabulary, ([, score]) => score)
    this.#lengths = Int32Array.from(vocabulary, ([piece]) => [...piece].length)
    for (let id = reserved; id < vocabulary.length; id++) {
      let at = 0
      for (const character of vocabulary[id][0]) {
        const key = at * CODE_POINTS + character.codePointAt(0)!
        let next = this.#next.get(key)
        if (next === undefined) {
          next = ids.push(-1) - 1
          this.#next.set(key, next)
        }
        at = next
      }
      ids[at] = id
    }
    this.#ids = Int32Array.from(ids)
  }

  /** Ids of the best pieces. NFKC, spaces made U+2581 and one put in front; unknown characters that follow one another are one 0. */
  encode(text: string): Int32Array {
    const normal = text.normalize('NFKC')
    const points = Int32Array.from(normal === '' ? '' : SPACE + normal.replaceAll(' ', SPACE), character => character.codePointAt(0)!)
    return this.#path(points.length, this.#bestEnds(points))
  }

  /** By place: the id of the piece that ends there on the best path; 0 where none does. */
  #bestEnds(points: Int32Array): Int32Array {
    const ends = new Int32Array(points.length + 1)
    const best = new Float64Array(points.length + 1)
    for (let from = 0; from < points.length; from++) {
      for (let to = from, at = 0; to < points.length; ) {
        const next = this.#next.get(at * CODE_POINTS + points[to++])
        if (next === undefined) break
        at = next
        const id = this.#ids[at]
        if (id < 0) continue
        const score = this.#scores[id] + best[from]
        // a place that no piece reaches has score 0, as in the original
        if (best[to] !== 0 && score < best[to]) continue
        best[to] = score
        ends[to] = id
      }
    }
    return ends
  }

  #path(length: number, ends: Int32Array): Int32Array {
    const ids = new Int32Array(length)
    let first = length
    for (let at = length; at > 0; at -= this.#lengths[ends[at]])
      if (!(ends[at] === 0 && first < length && ids[first] === 0)) ids[--first] = ends[at]
    return ids.slice(first)
  }
}
