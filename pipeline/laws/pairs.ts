/** Pairs given literally, as all their columns. */
import { createHash } from 'node:crypto'
import { type Batch, batchOf, type Ids, listOf, type Numbers, roles, type Turns, turnsColumn, utf8Of } from '../batch.ts'
import { type LabelKind, labelKinds, pairFacts, pairTexts, placeFacts, type Shown, shown, sizeFacts, votes } from '../pair.ts'

export type Text = string | readonly { readonly role: (typeof roles)[number]; readonly content: string }[]

/** A pair as a test writes it; a string is one user turn, or one assistant turn. */
export interface PairInput {
  readonly prompt?: Text
  readonly chosen?: Text
  readonly rejected?: Text
  readonly source?: string
  readonly source_id?: string | null
  readonly license?: string | null
  readonly lang?: string | null
  readonly label_kind?: LabelKind
  readonly priority?: number
  readonly tie?: boolean
  readonly shown_first?: Shown
  readonly row?: number
  readonly votes?: readonly { readonly annotator: string; readonly vote: (typeof votes)[number] }[]
  readonly scores?: Readonly<Record<string, readonly [number, number]>>
}

export const pairSchema = { ...pairFacts, ...pairTexts, ...sizeFacts, ...placeFacts } as const

/** All columns of the given pairs; ids are hashes of the content, so equal content has equal ids. */
export function pairsOf(inputs: readonly PairInput[]): Batch<typeof pairSchema> {
  const prompts = inputs.map(p => turnsFrom(p.prompt ?? 'p', 'user'))
  const chosen = inputs.map(p => turnsFrom(p.chosen ?? 'c', 'assistant'))
  const rejected = inputs.map(p => turnsFrom(p.rejected ?? 'r', 'assistant'))
  const ids = (of: (i: number) => unknown): Ids => ({ bytes: new Uint8Array(Buffer.concat(inputs.map((_, i) => idOf(of(i))))) })
  const ints = (of: (p: PairInput, i: number) => number): Numbers<Int32Array> => ({ values: Int32Array.from(inputs, of) })
  return batchOf(pairSchema, inputs.length, {
    prompt: turnsFor(prompts),
    chosen: turnsFor(chosen),
    rejected: turnsFor(rejected),
    pair_id: ids(i => [prompts[i], chosen[i], rejected[i]]),
    prompt_id: ids(i => prompts[i]),
    chosen_id: ids(i => chosen[i]),
    rejected_id: ids(i => rejected[i]),
    source: utf8Of(inputs.map(p => p.source ?? 'test')),
    source_id: utf8Of(inputs.map(p => p.source_id ?? null)),
    license: utf8Of(inputs.map(p => p.license ?? null)),
    lang: utf8Of(inputs.map(p => p.lang ?? null)),
    label_kind: { values: Uint8Array.from(inputs, p => labelKinds.indexOf(p.label_kind ?? 'human')) },
    priority: ints(p => p.priority ?? 0),
    tie: { values: Uint8Array.from(inputs, p => (p.tie ? 1 : 0)) },
    shown_first: { values: Uint8Array.from(inputs, p => shown.indexOf(p.shown_first ?? 'unknown')) },
    row: ints((p, i) => p.row ?? i),
    ordinal: ints((_, i) => i),
    text_bytes: ints((_, i) => bytesOf(prompts[i]) + bytesOf(chosen[i]) + bytesOf(rejected[i])),
    chosen_bytes: ints((_, i) => bytesOf(chosen[i])),
    rejected_bytes: ints((_, i) => bytesOf(rejected[i])),
    votes: votesColumn(inputs.map(p => p.votes ?? [])),
    scores: scoresColumn(inputs.map(p => Object.entries(p.scores ?? {}))),
  })
}

type TurnInput = { readonly role: (typeof roles)[number]; readonly content: string }

const turnsFrom = (text: Text, role: 'user' | 'assistant'): readonly TurnInput[] =>
  typeof text === 'string' ? [{ role, content: text }] : text

const turnsFor = (rows: readonly (readonly TurnInput[])[]): Turns =>
  turnsColumn(rows.map(row => row.map(({ role, content }) => ({ role: roles.indexOf(role), content }))))

function votesColumn(rows: readonly NonNullable<PairInput['votes']>[]) {
  const all = rows.flat()
  return listOf(
    rows.map(r => r.length),
    batchOf(pairFacts.votes.list, all.length, {
      annotator: utf8Of(all.map(v => v.annotator)),
      vote: { values: Uint8Array.from(all, v => votes.indexOf(v.vote)) },
    }),
  )
}

function scoresColumn(rows: readonly (readonly [string, readonly [number, number]])[][]) {
  const all = rows.flat()
  return listOf(
    rows.map(r => r.length),
    batchOf(pairFacts.scores.list, all.length, {
      model: utf8Of(all.map(([model]) => model)),
      chosen: { values: Float64Array.from(all, ([, [chosen]]) => chosen) },
      rejected: { values: Float64Array.from(all, ([, [, rejected]]) => rejected) },
    }),
  )
}

const bytesOf = (turns: readonly TurnInput[]): number => turns.reduce((n, turn) => n + Buffer.byteLength(turn.content), 0)

const idOf = (content: unknown): Uint8Array => createHash('sha256').update(JSON.stringify(content)).digest().subarray(0, 16)
