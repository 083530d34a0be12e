/** Composes prompts and responses from a lexicon: how good a response is shows in its words, how long and decorated it is does not depend on that. */
import type { Draws } from '../kernels/random.ts'
import { type Bytes, lay, OVERRUN } from './bytes.ts'
import { type Entries, type Lexicon, NUMBER_SLOT, type Templates, WORD_SLOT } from './lexicon.ts'

/** A prompt's own words: a response that keeps to them is about the prompt. */
const TOPIC_WORDS = 16
const TOPIC_NAMES = 2
/** Codes from here on are names, made of syllables by their bits. */
const NAMES = 1 << 20

const NEWLINE = 10
const SPACE = 32
const SECTION_SENTENCES = 5

/** How a response is to be. */
export interface Manner {
  /** Standard normal; expressed by words of the prompt, openings, right sums and the absence of repetition. */
  readonly quality: number
  readonly bytes: number
  readonly markdown: boolean
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/** Composes texts of one language on one topic at a time. */
export class Composer {
  readonly lexicon: Lexicon
  readonly #draws: Draws
  readonly #out: Bytes
  readonly #topic = new Int32Array(TOPIC_WORDS)

  constructor(lexicon: Lexicon, draws: Draws, out: Bytes) {
    this.lexicon = lexicon
    this.#draws = draws
    this.#out = out
  }

  /** Draws a new topic; later texts are about it. */
  drawTopic(): void {
    const topic = this.#topic
    for (let i = 0; i < TOPIC_WORDS; i++) topic[i] = i < TOPIC_NAMES ? NAMES + (this.#draws.bits() >>> 12) : this.#zipfWord()
  }

  /** About `bytes` of prompt: statements, then a question; the topic's first name occurs in it. */
  prompt(bytes: number): void {
    const { statements, questions } = this.lexicon
    const end = this.#out.length + bytes - 75
    while (this.#out.length < end) {
      this.#sentence(statements, 0.6)
      this.#space()
    }
    this.#word(this.#topic[0], true)
    this.#out.ascii(this.lexicon.lang === 'zh' ? ':' : ': ')
    this.#sentence(questions, 0.6)
  }

  /** A sentence with nothing to do with the topic. */
  aside(): void {
    this.#sentence(this.lexicon.statements, 0)
  }

  response({ quality, bytes, markdown }: Manner): void {
    const out = this.#out
    const end = out.length + bytes - 75
    const good = sigmoid(1.5 * quality)
    let last = out.length
    for (let n = 0; n === 0 || out.length < end; n++) {
      this.#open(n, markdown)
      const from = out.length
      if (n > 0 && this.#draws.chance(0.15 * (1 - good))) out.copy(out.bytes, last, this.#endOf(last, from))
      else this.#thought(good)
      last = from
    }
  }

  /** The end of the sentence at `from`, which is followed by white space before `to`. */
  #endOf(from: number, to: number): number {
    const { bytes } = this.#out
    let end = from
    while (end < to && bytes[end] !== NEWLINE) end++
    while (bytes[end - 1] === SPACE) end--
    return end
  }

  /** What stands before sentence n: a space, a paragraph, a list item or a heading. */
  #open(n: number, markdown: boolean): void {
    const out = this.#out
    const first = n % SECTION_SENTENCES === 0
    if (!markdown) {
      if (n > 0) first ? out.ascii('\n\n') : this.#space()
      return
    }
    if (first) {
      out.ascii(n > 0 ? '\n\n## ' : '## ')
      this.#word(this.#topic[this.#draws.below(TOPIC_WORDS)], true)
      out.ascii('\n')
    }
    out.ascii('\n- ')
    if (!this.#draws.chance(0.4)) return
    out.ascii('**')
    this.#word(this.#topic[this.#draws.below(TOPIC_WORDS)], true)
    out.ascii(this.lexicon.lang === 'zh' ? '**:' : '**: ')
  }

  #space(): void {
    if (this.lexicon.lang !== 'zh') this.#out.push(SPACE)
  }

  #thought(good: number): void {
    const draws = this.#draws
    if (draws.chance(0.45)) this.#pick(draws.chance(good) ? this.lexicon.careful : this.lexicon.careless)
    if (draws.chance(0.1)) this.#sum(draws.chance(0.25 + 0.75 * good))
    else this.#sentence(this.lexicon.statements, 0.1 + 0.5 * good)
  }

  #sum(right: boolean): void {
    const a = 11 + this.#draws.below(880)
    const b = 11 + this.#draws.below(880)
    const wrong = right ? 0 : 1 + this.#draws.below(30)
    this.#word(this.#topic[this.#draws.below(TOPIC_WORDS)], true)
    this.#out.ascii(`: ${a} + ${b} = ${a + b + wrong}`)
    if (this.lexicon.lang === 'zh') this.#out.copy(FULL_STOP, 0, 3)
    else this.#out.ascii('.')
  }

  /** A sentence whose slots hold words of the topic with probability `onTopic`. The hot loop. */
  #sentence(templates: Templates, onTopic: number): void {
    const { starts, from, to, letters: literals } = templates
    const { words, zipf } = this.lexicon
    const out = this.#out
    const begin = out.length
    const t = this.#draws.below(starts.length - 1)
    const limit = onTopic * 65_536
    out.reserve(templates.longest)
    const { view } = out
    let at = begin
    for (let piece = starts[t]; piece < starts[t + 1]; piece++) {
      const kind = from[piece]
      if (kind >= 0) {
        const length = to[piece] - kind
        lay(view, at, literals, kind, length)
        at += length
        continue
      }
      // One draw fills a slot: its low half decides whether the topic does, its high half which word.
      const bits = this.#draws.bits()
      const high = bits >>> 16
      const code = (bits & 0xffff) < limit ? this.#topic[(high * TOPIC_WORDS) >>> 16] : zipf[high]
      if (kind === WORD_SLOT && code < NAMES) {
        const length = words.offsets[code + 1] - words.offsets[code]
        lay(view, at, words.letters, words.offsets[code], length)
        at += length
        continue
      }
      out.length = at
      if (kind === NUMBER_SLOT) out.ascii(String(2 + (high % 998)))
      else this.#name(code - NAMES)
      at = out.length
    }
    out.length = at
    this.#capitalise(begin)
  }

  /** A random word of the vocabulary, for edits. */
  anyWord(): void {
    this.#word(this.#zipfWord(), false)
  }

  #zipfWord(): number {
    return this.lexicon.zipf[this.#draws.bits() >>> 16]
  }

  #word(code: number, capital: boolean): void {
    const begin = this.#out.length
    if (code >= NAMES) this.#name(code - NAMES)
    else this.#entry(this.lexicon.words, code)
    if (capital) this.#capitalise(begin)
  }

  #name(bits: number): void {
    const begin = this.#out.length
    const { syllables } = this.lexicon
    this.#entry(syllables, bits & 63)
    this.#entry(syllables, (bits >>> 6) & 63)
    if (bits & 0x40000) this.#entry(syllables, (bits >>> 12) & 63)
    this.#capitalise(begin)
  }

  #capitalise(at: number): void {
    const { bytes } = this.#out
    if (bytes[at] >= 0x61 && bytes[at] <= 0x7a) bytes[at] -= 32
  }

  #pick(entries: Entries): void {
    this.#entry(entries, this.#draws.below(entries.offsets.length - 1))
  }

  #entry({ letters, offsets }: Entries, i: number): void {
    const out = this.#out
    const length = offsets[i + 1] - offsets[i]
    out.reserve(length + OVERRUN)
    lay(out.view, out.length, letters, offsets[i], length)
    out.length += length
  }
}

const FULL_STOP = Buffer.from('。')
