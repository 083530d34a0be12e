/** Prompts with items of benchmarks in them, and the evidence that decontaminate finds. */
import { readFileSync } from 'node:fs'
import { decontaminate } from '../stages/decontaminate.ts'
import { driveStage, type PairInput, type Text } from './drive.ts'

const read = (name: string): string => readFileSync(new URL(`contamination/${name}.jsonl`, import.meta.url), 'utf8')
const rows = <T>(name: string): T[] =>
  read(name)
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as T)

export const items = rows<{ benchmark: string; id: string; text: string | string[] }>('benchmark').flatMap(({ id, text }) =>
  [text].flat().map(t => ({ id, text: t })),
)

export const negatives = rows<{ kind: string; prompt: string }>('hard-negatives')
export const files = { 'b.jsonl': read('benchmark') }

export interface Found {
  readonly benchmark: string
  readonly item: string
  readonly span: string
  readonly coverage: number
  readonly kind: string
  readonly field: string
  readonly turn: number
  readonly begin: number
  readonly end: number
  readonly turn_coverage: number
}

/** Evidence of each prompt, under the repository's own benchmark unless told otherwise. */
export async function contaminationOf(prompts: readonly (Text | PairInput)[], params: object = {}, benchmark = files['b.jsonl']) {
  const pairs = prompts.map(
    (p, i): PairInput => (typeof p === 'string' || Array.isArray(p) ? { prompt: p as Text, chosen: `c${i}` } : (p as PairInput)),
  )
  const driven = await driveStage(decontaminate, { benchmarks: ['b.jsonl'], ...params }, pairs, { files: { 'b.jsonl': benchmark } })
  const found = driven.verdicts.map(v => v.add.contamination as Found[] | null)
  return { ...driven, found }
}

export const missed = (found: readonly (Found[] | null)[], wanted: readonly { id: string }[], prompts: readonly Text[]): Text[] =>
  prompts.filter((_, i) => !found[i]?.some(f => f.item === wanted[i].id))

export const TWENTY = 'Twenty tall trees stand along the quiet road that leads from our village to the old mill by the river'
export const line = (id: string, text: string | string[], benchmark = 'b'): string => `${JSON.stringify({ benchmark, id, text })}\n`
export const BENCHMARK =
  line('tall', TWENTY) + line('short', 'Why is grass green?') + line('turns', ['Say hello to the queen of Sheba', 'Now in Latin'])
