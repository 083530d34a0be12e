/** The benchmarks of a step, read and indexed. */
import { createHash } from 'node:crypto'
import { type Utf8, utf8Of } from '../batch.ts'
import { type BenchmarkItem, benchmarkItems } from '../codecs/benchmark.ts'
import { hint, UserError } from '../errors.ts'
import { buildNgramIndex, type NgramIndex } from '../kernels/ngram-index.ts'
import { plainWords } from '../kernels/plain-words.ts'
import { weightOfWords } from '../kernels/word-weight.ts'
import type { Context } from '../stage.ts'

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

/** Texts of all benchmarks, indexed; a text that several items of a benchmark share is one. */
export interface BenchmarkIndex {
  readonly ngrams: NgramIndex
  readonly benchmarks: readonly string[]
  /** By text: the first item that has it. */
  readonly items: readonly string[]
  /** By text: where it counts, as bits of `SEARCHED`. */
  readonly searched: Uint8Array
  /** Of all benchmarks, and those of them without any word, which match nothing. */
  readonly itemCount: number
  readonly wordless: number
}

export const USER = 1
export const SYSTEM = 2
export const RESPONSE = 4
export const OTHER = 8
const SEARCHED: Record<Search, number> = { user: USER, system: SYSTEM, responses: RESPONSE, all: USER | SYSTEM | RESPONSE | OTHER }

let last: { readonly key: string; readonly index: BenchmarkIndex } | undefined

/** The index of the params' files; built again only where it is not the last one that this worker built. */
export async function openBenchmarks(params: ContaminationParams, context: Pick<Context, 'file'>): Promise<BenchmarkIndex> {
  const { benchmarks, ngram, fields, overrides } = params
  const files = await Promise.all(benchmarks.map(path => context.file(path)))
  const key = JSON.stringify([ngram, fields, overrides, benchmarks, files.map(bytes => digest(bytes))])
  if (last?.key !== key) last = { key, index: await indexOf(params, files) }
  return last.index
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** All items of the params' files; refuses overrides for a benchmark that none of them holds. */
export async function itemsIn(
  { benchmarks: paths, overrides }: Pick<ContaminationParams, 'benchmarks' | 'overrides'>,
  files: readonly Uint8Array[],
): Promise<BenchmarkItem[]> {
  const items = (await Promise.all(files.map((bytes, i) => benchmarkItems(bytes, paths[i])))).flat()
  const benchmarks = [...new Set(items.map(item => item.benchmark))]
  const unknown = Object.keys(overrides).find(name => !benchmarks.includes(name))
  if (unknown === undefined) return items
  throw new UserError(
    `decontaminate: overrides: no benchmark is called ${JSON.stringify(unknown)}${hint(unknown, benchmarks.slice(0, 20))}`,
  )
}

async function indexOf(params: ContaminationParams, files: readonly Uint8Array[]): Promise<BenchmarkIndex> {
  const { ngram, fields, overrides } = params
  const items = await itemsIn(params, files)
  const benchmarks = [...new Set(items.map(item => item.benchmark))]
  const { texts, wordless } = distinctTexts(items)
  const numbers = new Map(items.map((item, i) => [item, i]))
  const own = texts.map(({ item }) => overrides[item.benchmark])
  const column = utf8Of(texts.map(({ text }) => text))
  const ngrams = ngramLengths(
    column,
    own.map(o => o?.ngram ?? ngram),
  )
  return {
    ngrams: buildNgramIndex({
      texts: column,
      item: Int32Array.from(texts, ({ item }) => numbers.get(item)!),
      group: Int32Array.from(texts, ({ item }) => benchmarks.indexOf(item.benchmark)),
      ngram: ngrams,
    }),
    benchmarks,
    items: texts.map(({ item }) => item.id),
    searched: Uint8Array.from(own, o => SEARCHED[o?.fields ?? fields]),
    itemCount: items.length,
    wordless,
  }
}

/** In words; in Han and Hiragana as many characters, in scripts whose letters are words to the tokeniser three times as many letters. */
function ngramLengths(texts: Utf8, words: readonly number[]): Int32Array {
  const { starts, begins, ends } = plainWords(texts)
  return Int32Array.from(words, (n, t) => {
    const weight = weightOfWords(texts.bytes, begins, ends, starts[t], starts[t + 1])
    return weight < 0.4 * (starts[t + 1] - starts[t]) ? 3 * n : n
  })
}

interface ItemText {
  readonly item: BenchmarkItem
  readonly text: string
}

/** Texts as written and in the normal forms of Unicode, without those that have no word or the words of one before. */
function distinctTexts(items: readonly BenchmarkItem[]): { texts: ItemText[]; wordless: number } {
  const all = items.flatMap(item => item.texts.flatMap(text => formsOf(text).map(form => ({ item, text: form }))))
  const { starts, hashes } = plainWords(utf8Of(all.map(({ text }) => text)))
  const seen = new Set<string>()
  const worded = new Set(all.flatMap(({ item }, i) => (starts[i] < starts[i + 1] ? [item] : [])))
  const texts = all.filter(({ item }, i) => {
    const words = hashes.slice(starts[i], starts[i + 1])
    const key = `${item.benchmark} ${digest(new Uint8Array(words.buffer))}`
    if (words.length === 0 || seen.has(key)) return false
    seen.add(key)
    return true
  })
  return { texts, wordless: items.length - worded.size }
}

const formsOf = (text: string): string[] => [...new Set([text, ...['NFC', 'NFD', 'NFKC'].map(form => text.normalize(form))])]
