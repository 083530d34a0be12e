/** Rows as lines of JSON in the format `pair`. */
import { roles } from '../batch.ts'
import { hash32 } from '../kernels/random.ts'
import type { Bytes } from './bytes.ts'
import { type RecordedScore, Scoring, sourceOf, sources, votesOf } from './facts.ts'
import { STREAMS } from './layout.ts'
import { type Language, languages } from './lexicon.ts'
import type { Span } from './row.ts'
import type { Made, RowMaker } from './row-maker.ts'

/** A row's `id`, the same in every corpus of the seed. */
export const idOf = (number: number): string => `p${String(number).padStart(9, '0')}`

/** Ways in which a line is broken. */
const flaws = ['cut_off', 'not_json', 'number_for_text', 'unknown_role', 'nan'] as const
export type Flaw = (typeof flaws)[number]
export const flawOf = (seed: number, number: number): Flaw => flaws[hash32(seed, number, STREAMS.flaw) % flaws.length]

const ROLES = roles.map((role, i) => ({
  first: Buffer.from(`{"role":"${role}","content":"`),
  next: Buffer.from(`"},{"role":"${role}","content":"`),
  i,
}))
const HEADS: ReadonlyMap<Language, readonly Buffer[]> = new Map(
  languages.map(lang => [
    lang,
    sources.map(({ name, license, label_kind }) => {
      const facts = JSON.stringify({ source: name, lang, license, label_kind }).slice(1, -1)
      return Buffer.from(`",${facts},"prompt":[`)
    }),
  ]),
)
const TO_CHOSEN = Buffer.from('"}],"chosen":')
const TO_REJECTED = Buffer.from(',"rejected":')
const TIE = Buffer.from(',"tie":true')

/** Appends rows as lines. */
export class JsonLines {
  readonly #seed: number
  readonly #maker: RowMaker
  readonly #scoring: Scoring | undefined

  constructor(seed: number, maker: RowMaker, withScores: boolean) {
    this.#seed = seed
    this.#maker = maker
    this.#scoring = withScores ? new Scoring(seed) : undefined
  }

  write(made: Made, out: Bytes): void {
    if (made.kind === 'malformed') out.all(Buffer.from(malformed(made, flawOf(this.#seed, made.number))))
    else this.#pair(made, out)
    out.push(0x0a)
  }

  #pair(made: Made, out: Bytes): void {
    const { number, row, empty } = made
    out.ascii('{"id":"')
    out.ascii(idOf(number))
    out.all(HEADS.get(row.lang)![sourceOf(this.#seed, number)])
    row.turns.forEach((turn, i) => {
      out.all(i === 0 ? ROLES[turn.role].first : ROLES[turn.role].next)
      out.json(row.text, turn.from, turn.to)
    })
    out.all(TO_CHOSEN)
    text(out, row.text, row.chosen, empty?.side === 'chosen' && empty.isNull)
    out.all(TO_REJECTED)
    text(out, row.text, row.rejected, empty?.side === 'rejected' && empty.isNull)
    if (made.kind === 'tie') out.all(TIE)
    const votes = votesOf(this.#seed, made, (a, b) => this.#maker.winChance(a, b))
    if (votes.length > 0) out.ascii(`,"votes":${JSON.stringify(votes)}`)
    if (this.#scoring) out.ascii(scoresText(this.#scoring.of(row)))
    out.push(0x7d)
  }
}

function text(out: Bytes, source: Bytes, span: Span, isNull: boolean): void {
  if (isNull) {
    out.ascii('null')
    return
  }
  out.push(0x22)
  out.json(source, span.from, span.to)
  out.push(0x22)
}

const scoresText = (scores: readonly RecordedScore[]): string =>
  `,"scores":{${scores.map(s => `"${s.model}":[${s.chosen},${s.rejected}]`).join(',')}}`

function malformed({ number, row }: Made, flaw: Flaw): string {
  const part = ({ from, to }: Span): string => Buffer.from(row.text.part(from, to)).toString()
  const prompt = row.turns.map(turn => ({ role: roles[turn.role] as string, content: part(turn) }))
  const pair = { id: idOf(number), prompt, chosen: part(row.chosen) as string | number, rejected: part(row.rejected) }
  if (flaw === 'not_json') return `${pair.id}: ${pair.chosen.toString().replaceAll('\n', ' ')}`
  if (flaw === 'number_for_text') pair.chosen = number
  if (flaw === 'unknown_role') prompt[0].role = 'narrator'
  const line = JSON.stringify(pair)
  if (flaw === 'cut_off') return line.slice(0, line.length >> 1)
  return flaw === 'nan' ? `${line.slice(0, -1)},"scores":{"rm-a":[NaN,0.5]}}` : line
}
