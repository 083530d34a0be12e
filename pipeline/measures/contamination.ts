/** What prompts, or responses, have in common with benchmark items, before it is judged. */
import { type Batch, batchOf, type Columns, columnsOf, listOf, roles, type Schema, stringAt, type Turns, type Utf8, utf8Of } from '../batch.ts'
import { type BenchmarkItem, benchmarkItems } from '../codecs/benchmark.ts'
import { buildNgramIndex, type NgramIndex } from '../kernels/ngram-index.ts'
import { NgramMatcher } from '../kernels/ngram-matches.ts'
import { plainWords } from '../kernels/plain-words.ts'
import type { Tokens } from '../kernels/tokens.ts'
import { pairTexts } from '../pair.ts'
import { type Context, defineMeasure } from '../stage.ts'

export const searches = ['user', 'system', 'responses', 'all'] as const
export type Search = (typeof searches)[number]

export type ContaminationParams = {
  readonly benchmarks: readonly string[]
  /** Words of an n-gram. */
  readonly ngram: number
  readonly fields: Search
  /** By benchmark, where it differs. */
  readonly overrides: Readonly<Record<string, { readonly ngram?: number; readonly fields?: Search }>>
}

export const hitFields = ['prompt', 'chosen', 'rejected'] as const

/** One run of shared words. Counts are of words, `begin` and `end` bytes of the turn's content; `span` is the text, cut where long. */
const hit = {
  text: 'i32',
  from: 'i32',
  words: 'i32',
  field: { labels: hitFields },
  turn: 'i32',
  at: 'i32',
  turn_words: 'i32',
  begin: 'i32',
  end: 'i32',
  span: 'utf8',
} as const
export const hitColumns = { hits: { list: hit } } as const

/** Texts of all benchmarks, indexed; a text that several items of a benchmark share is one. */
export interface BenchmarkIndex {
  readonly ngrams: NgramIndex
  readonly benchmarks: readonly string[]
  /** By text: the first item that has it. */
  readonly items: readonly string[]
  /** By text: where it counts, as bits of `SEARCHED`. */
  readonly searched: Uint8Array
  readonly texts: number
  /** Items no text of which has a word. */
  readonly wordless: number
}

const USER = 1
const SYSTEM = 2
const RESPONSE = 4
const OTHER = 8
const SEARCHED: Record<Search, number> = { user: USER, system: SYSTEM, responses: RESPONSE, all: USER | SYSTEM | RESPONSE | OTHER }

let last: { key: string; index: Promise<BenchmarkIndex> } | undefined

/** Builds the index of the params' files, or gives the one that this worker has just built of the same. */
export function openBenchmarks(params: ContaminationParams, context: Pick<Context, 'file'>): Promise<BenchmarkIndex> {
  const { benchmarks, ngram, fields, overrides } = params
  const key = JSON.stringify({ benchmarks, ngram, fields, overrides })
  return readAll(benchmarks, context).then(files => {
    const contents = `${key} ${files.map(bytes => checksum(bytes)).join(' ')}`
    if (last?.key !== contents) last = { key: contents, index: Promise.resolve(indexOf(params, files)) }
    return last.index
  })
}
