/** Makes row i of a synthetic corpus: texts, label, votes, and what is true of it. */
import { Draws, unit } from '../kernels/random.ts'
import { Composer, sigmoid } from './compose.ts'
import { drawEdit, type Edit, editFields } from './edit.ts'
import { COPIES, type Kind, placeOf, type Shares, STREAMS, seatOf } from './layout.ts'
import { type Language, type Lexicon, languages } from './lexicon.ts'
import { ASSISTANT, type FieldName, Row, type Span, SYSTEM, type Traits, USER } from './row.ts'

/** What of a corpus is drawn how; the number of rows is no part of it, so more rows only add rows. */
export interface Recipe {
  readonly seed: number
  readonly shares: Shares
  /** Share of labels turned, of the rows that have a label to turn. */
  readonly flipped: number
  readonly meanBytes: number
  /** Share of prompts in Chinese. */
  readonly chinese: number
  /** Log-odds of winning: a unit of quality, a unit of ln(length), markdown against none. */
  readonly slopes: { readonly quality: number; readonly length: number; readonly markdown: number }
  readonly benchmarkItems: number
  /** Rows that would be malformed are plain, and all others what they would be anyway: for formats that cannot be broken row by row. */
  readonly isReadable: boolean
}

/** A finished row and its truth. `origin` is the row that a copy was made from, as it was before the edit. */
export interface Made {
  readonly number: number
  readonly kind: Kind
  readonly row: Row
  readonly origin?: Row
  readonly of: number
  readonly edit?: Edit
  readonly fields?: readonly FieldName[]
  /** The side that is empty, and whether it is null rather than "". */
  readonly empty?: { readonly side: 'chosen' | 'rejected'; readonly isNull: boolean }
}

const PROMPT_SHARE = 0.12
const PROMPT_SPREAD = 0.4
const RESPONSE_SPREAD = 0.5
const MARKDOWN_SHARE = 0.4
const LONGEST = 6

/** Makes rows one at a time; what it returns is valid until the next call. */
export class RowMaker {
  readonly #recipe: Recipe
  readonly #draws = new Draws()
  readonly #base = new Row()
  readonly #edited = new Row()
  readonly #composers: ReadonlyMap<Language, { base: Composer; edited: Composer }>
  /** Has a topic of its own, so that responses are about the prompt's. */
  readonly #itemComposer: Composer
  readonly #traits: [Traits, Traits] = [this.#base.winner, this.#base.loser]

  constructor(recipe: Recipe, lexicons: readonly Lexicon[]) {
    this.#recipe = recipe
    const composer = (lexicon: Lexicon, row: Row): Composer => new Composer(lexicon, this.#draws, row.text)
    this.#itemComposer = composer(lexicons[0], this.#base)
    this.#composers = new Map(
      lexicons.map(lexicon => [lexicon.lang, { base: composer(lexicon, this.#base), edited: composer(lexicon, this.#edited) }]),
    )
  }

  make(number: number): Made {
    const { seed, shares } = this.#recipe
    const { kind, of } = placeOf(seed, number, shares)
    if (COPIES.has(kind)) return this.#copy(number, kind, of)
    const item = this.#compose(number, kind)
    const row = this.#base
    if (kind === 'identical_sides') Object.assign(row.rejected, row.chosen)
    const empty = kind === 'empty_side' ? this.#emptied(number) : undefined
    const isSound = kind === 'malformed' && this.#recipe.isReadable
    return { number, kind: isSound ? 'plain' : kind, row, of: item, empty }
  }

  #copy(number: number, kind: Kind, of: number): Made {
    this.#compose(of, 'plain')
    const base = this.#base
    const isSwapped = kind === 'swapped' || kind === 'near_swapped'
    if (isSwapped) base.swap()
    if (kind === 'exact_duplicate' || kind === 'swapped') return { number, kind, row: base, of }
    const draws = this.#draws.start(this.#recipe.seed, number, STREAMS.edit)
    const drawn = drawEdit(draws)
    const edit = editFields(drawn, base, this.#edited, this.#composers.get(base.lang)!.edited, draws)
    return { number, kind, row: this.#edited, origin: base, of, edit, fields: drawn.fields }
  }

  #emptied(number: number): Made['empty'] {
    const u = unit(this.#recipe.seed, number, STREAMS.flaw)
    const side = u < 0.5 ? 'chosen' : 'rejected'
    this.#base[side].to = this.#base[side].from
    return { side, isNull: (u * 2) % 1 < 0.5 }
  }

  /** Writes the texts of a row that is no copy into the base row; gives the benchmark item of a contaminated one, else -1. */
  #compose(number: number, kind: Kind): number {
    const { seed } = this.#recipe
    const row = this.#base
    const seat = seatOf(seed, number)
    row.clear()
    row.prompt = seat.prompt
    row.lang = this.#language(seed, seat.prompt)
    const composer = this.#composers.get(row.lang)!.base
    const item = this.#prompt(composer, number, kind)
    const [first, second] = this.#traits
    this.#respond(composer, seat.first, first, row.chosen)
    this.#respond(composer, seat.second, second, row.rejected)
    row.winner = first
    row.loser = second
    row.flipped = false
    if (kind === 'tie') return item
    if (unit(seed, number, STREAMS.label) >= this.winChance(first, second)) row.swap()
    const isFlipped = (kind === 'plain' || kind === 'contaminated') && unit(seed, number, STREAMS.flip) < this.#recipe.flipped
    if (isFlipped) row.swap()
    row.flipped = isFlipped
    return item
  }

  #language(seed: number, prompt: number): Language {
    const wanted = unit(seed, prompt, STREAMS.lang) < this.#recipe.chinese ? 'zh' : 'en'
    return this.#composers.has(wanted) ? wanted : languages.find(lang => this.#composers.has(lang))!
  }

  #prompt(composer: Composer, number: number, kind: Kind): number {
    const { seed, meanBytes, benchmarkItems } = this.#recipe
    const row = this.#base
    const draws = this.#draws.start(seed, row.prompt, STREAMS.prompt)
    composer.drawTopic()
    const bytes = meanBytes * PROMPT_SHARE * lognormal(draws, PROMPT_SPREAD)
    const shape = draws.unit()
    if (shape < 0.1) this.#turn(SYSTEM, () => composer.aside())
    else if (shape < 0.22) {
      this.#turn(USER, () => composer.prompt(bytes / 3))
      this.#turn(ASSISTANT, () => composer.aside())
    }
    const last = shape < 0.1 || shape >= 0.22 ? bytes : bytes / 2
    if (kind !== 'contaminated') {
      this.#turn(USER, () => composer.prompt(last))
      return -1
    }
    const item = Math.floor(unit(seed, number, STREAMS.flaw) * benchmarkItems)
    const isEmbedded = unit(seed, number, STREAMS.flaw + 64) < 0.5
    this.#turn(USER, () => {
      if (isEmbedded) {
        this.#itemComposer.aside()
        row.text.ascii('\n\n')
      }
      this.#item(item)
    })
    return item
  }

  #turn(role: number, write: () => void): void {
    const from = this.#base.text.length
    write()
    this.#base.turns.push({ role, from, to: this.#base.text.length })
  }

  #respond(composer: Composer, response: number, traits: Traits, span: Span): void {
    const { seed, meanBytes } = this.#recipe
    const { text, prompt } = this.#base
    const draws = this.#draws.start(seed, prompt, STREAMS.response + response)
    traits.response = response
    traits.quality = draws.normal()
    traits.markdown = draws.chance(MARKDOWN_SHARE)
    const bytes = ((meanBytes * (1 - PROMPT_SHARE)) / 2) * lognormal(draws, RESPONSE_SPREAD)
    span.from = text.length
    composer.response({ quality: traits.quality, markdown: traits.markdown, bytes })
    span.to = text.length
    traits.bytes = span.to - span.from
  }

  /** Bradley-Terry with style: the chance that a judge prefers `a`. */
  winChance(a: Traits, b: Traits): number {
    const { quality, length, markdown } = this.#recipe.slopes
    const style = length * Math.log(a.bytes / b.bytes) + markdown * (Number(a.markdown) - Number(b.markdown))
    return sigmoid(quality * (a.quality - b.quality) + style)
  }

  /** The text of a benchmark item; three in ten are single short questions. */
  item(item: number): Uint8Array {
    const row = this.#base
    row.clear()
    this.#item(item)
    return row.text.part()
  }

  #item(item: number): void {
    const draws = this.#draws.start(~this.#recipe.seed, item, STREAMS.prompt)
    const isShort = draws.chance(0.3)
    this.#itemComposer.drawTopic()
    this.#itemComposer.prompt(isShort ? 0 : 150 + draws.below(250))
  }
}

/** Mean 1, so that the option for the mean size is what comes out. */
const lognormal = (draws: Draws, spread: number): number => Math.min(LONGEST, Math.exp(spread * draws.normal() - (spread * spread) / 2))
