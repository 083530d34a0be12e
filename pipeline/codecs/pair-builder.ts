/** Grows the columns of a shard pair by pair, from the texts that formats read. */
import { type Batch, batchOf, type Columns, type List, type Turns, turnsOf, type Utf8 } from '../batch.ts'
import type { Turn, Vote } from '../formats/format.ts'
import { pairIds, turnsIds } from '../kernels/ids.ts'
import { Ints } from '../kernels/ints.ts'
import { type LabelKind, labelKinds, pairFacts, pairTexts, type Shown, shown, votes } from '../pair.ts'
import type { Text } from './row-source.ts'

/** One pair with all that is known of it. */
export interface BuiltPair {
  readonly prompt: readonly Turn[]
  readonly chosen: readonly Turn[]
  readonly rejected: readonly Turn[]
  readonly source: string
  readonly source_id?: Text
  readonly license?: string
  readonly lang?: string
  readonly label_kind: LabelKind
  readonly priority: number
  readonly tie: boolean
  readonly shown_first: Shown
  readonly row: number
  readonly votes: readonly Vote[]
  readonly scores: readonly (readonly [string, number, number])[]
}

/** Shorter texts get room for three bytes a character without being measured first. */
const LONG = 1 << 16

/** Up to here, a loop over the characters is cheaper than a call. */
const SHORT = 32

class Texts {
  private buffer = Buffer.allocUnsafeSlow(1 << 12)
  private readonly ends = new Ints()
  private readonly present = new Ints()
  size = 0

  constructor() {
    this.ends.push(0)
  }

  /** A lone surrogate must have been replaced before. */
  push(text: Text | undefined): void {
    if (typeof text === 'string') this.write(text)
    else if (text) this.copy(text)
    this.ends.push(this.size)
    this.present.push(text === undefined ? 0 : 1)
  }

  private copy(bytes: Uint8Array): void {
    const end = this.size + bytes.length
    if (end > this.buffer.length) this.grow(end)
    this.buffer.set(bytes, this.size)
    this.size = end
  }

  private write(text: string): void {
    const most = this.size + (text.length < LONG ? text.length * 3 : Buffer.byteLength(text))
    if (most > this.buffer.length) this.grow(most)
    if (text.length > SHORT || !this.writeAscii(text)) this.size += this.buffer.write(text, this.size, 'utf8')
  }

  private writeAscii(text: string): boolean {
    for (let k = 0; k < text.length; k++) {
      const code = text.charCodeAt(k)
      if (code > 127) return false
      this.buffer[this.size + k] = code
    }
    this.size += text.length
    return true
  }

  private grow(size: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(size, this.buffer.length * 2))
    this.buffer.copy(larger, 0, 0, this.size)
    this.buffer = larger
  }

  /** The column so far; its bytes are overwritten by what is pushed next. */
  take(): Utf8 {
    const valid = new Uint8Array(this.present.take())
    const bytes = new Uint8Array(this.buffer.buffer, 0, this.size)
    const offsets = this.ends.take()
    this.size = 0
    this.ends.push(0)
    return { bytes, offsets, valid: valid.includes(0) ? valid : undefined }
  }
}

class TurnLists {
  private readonly starts = new Ints()
  private readonly roles = new Ints()
  readonly content = new Texts()

  constructor() {
    this.starts.push(0)
  }

  push(turns: readonly Turn[]): void {
    for (const { role, content } of turns) {
      this.roles.push(role)
      this.content.push(content)
    }
    this.starts.push(this.roles.length)
  }

  take(): Turns {
    const role = { values: new Uint8Array(this.roles.take()) }
    const starts = this.starts.take()
    this.starts.push(0)
    return { starts, items: batchOf(turnsOf.list, role.values.length, { role, content: this.content.take() }) }
  }
}

const labels = <T extends string>(names: readonly T[], name: T): number => names.indexOf(name)

export class PairBuilder {
  private readonly texts = { prompt: new TurnLists(), chosen: new TurnLists(), rejected: new TurnLists() }
  private facts = freshFacts()
  rows = 0

  add(pair: BuiltPair): void {
    this.texts.prompt.push(pair.prompt)
    this.texts.chosen.push(pair.chosen)
    this.texts.rejected.push(pair.rejected)
    const { facts } = this
    for (const name of ['source', 'source_id', 'license', 'lang'] as const) facts[name].push(pair[name])
    facts.label_kind.push(labels(labelKinds, pair.label_kind))
    facts.priority.push(pair.priority)
    facts.tie.push(pair.tie ? 1 : 0)
    facts.shown_first.push(labels(shown, pair.shown_first))
    facts.row.push(pair.row)
    for (const { annotator, vote } of pair.votes) {
      facts.annotator.push(annotator)
      facts.vote.push(labels(votes, vote))
    }
    facts.vote_starts.push(facts.vote.length)
    for (const [model, chosen, rejected] of pair.scores) {
      facts.model.push(model)
      facts.scores.push([chosen, rejected])
    }
    facts.score_starts.push(facts.scores.length)
    this.rows++
  }

  /** Bytes of text so far. */
  get bytes(): number {
    const { prompt, chosen, rejected } = this.texts
    return prompt.content.size + chosen.content.size + rejected.content.size
  }

  /** The shard so far, valid until the next pair is added; the builder is empty afterwards. */
  take(): { texts: Batch<typeof pairTexts>; facts: Batch<typeof pairFacts> } {
    const { rows } = this
    const { prompt, chosen, rejected } = this.texts
    const texts = batchOf(pairTexts, rows, { prompt: prompt.take(), chosen: chosen.take(), rejected: rejected.take() })
    const facts = batchOf(pairFacts, rows, { ...idsOf(texts), ...takeFacts(this.facts) } as Columns<typeof pairFacts>)
    this.facts = freshFacts()
    this.rows = 0
    return { texts, facts }
  }
}

function freshFacts() {
  const [vote_starts, score_starts] = [new Ints(), new Ints()]
  vote_starts.push(0)
  score_starts.push(0)
  return {
    source: new Texts(),
    source_id: new Texts(),
    license: new Texts(),
    lang: new Texts(),
    label_kind: new Ints(),
    priority: new Ints(),
    tie: new Ints(),
    shown_first: new Ints(),
    row: new Ints(),
    annotator: new Texts(),
    vote: new Ints(),
    vote_starts,
    model: new Texts(),
    scores: [] as [number, number][],
    score_starts,
  }
}

function takeFacts(f: ReturnType<typeof freshFacts>) {
  const votesItems = batchOf(pairFacts.votes.list, f.vote.length, {
    annotator: f.annotator.take(),
    vote: { values: new Uint8Array(f.vote.take()) },
  })
  const scoresItems = batchOf(pairFacts.scores.list, f.scores.length, {
    model: f.model.take(),
    chosen: { values: Float64Array.from(f.scores, ([chosen]) => chosen) },
    rejected: { values: Float64Array.from(f.scores, ([, rejected]) => rejected) },
  })
  return {
    source: f.source.take(),
    source_id: f.source_id.take(),
    license: f.license.take(),
    lang: f.lang.take(),
    label_kind: { values: new Uint8Array(f.label_kind.take()) },
    priority: { values: f.priority.take() },
    tie: { values: new Uint8Array(f.tie.take()) },
    shown_first: { values: new Uint8Array(f.shown_first.take()) },
    row: { values: f.row.take() },
    votes: { starts: f.vote_starts.take(), items: votesItems } satisfies List,
    scores: { starts: f.score_starts.take(), items: scoresItems } satisfies List,
  }
}

/** The ids of a batch of texts. */
export function idsOf({ rows, columns }: Batch<typeof pairTexts>) {
  const [prompt_id, chosen_id, rejected_id] = [columns.prompt, columns.chosen, columns.rejected].map(turns => turnsIds(turns, rows))
  return {
    pair_id: { bytes: pairIds(prompt_id, chosen_id, rejected_id) },
    prompt_id: { bytes: prompt_id },
    chosen_id: { bytes: chosen_id },
    rejected_id: { bytes: rejected_id },
  }
}
