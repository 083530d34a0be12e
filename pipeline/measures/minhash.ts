/** Band keys of a pair, by which near-duplicates find each other, and how like each other its two responses are. */
import { z } from 'zod'
import { type Batch, batchOf, type Columns, columnsOf, listOf, type Schema } from '../batch.ts'
import { bandKeys, type FieldSignatures } from '../kernels/band-keys.ts'
import { jaccardAbove } from '../kernels/jaccard.ts'
import { agreement, type Family, familyOf } from '../kernels/minhash.ts'
import { signatures } from '../kernels/signatures.ts'
import { distinctShingles, joinWords, type Words, wordsOf } from '../kernels/words.ts'
import { pairTexts } from '../pair.ts'
import { defineMeasure } from '../stage.ts'

export const comparedFields = ['prompt', 'chosen', 'rejected'] as const
export type ComparedField = (typeof comparedFields)[number]

export type MinHashParams = {
  /** Words a shingle. */
  readonly ngram: number
  readonly bands: number
  /** Signature values a band, over all fields. */
  readonly rows: number
  readonly on: readonly ComparedField[]
  /** Field by field, or the fields of `on` end to end as one text. */
  readonly compare: 'fields' | 'text'
  /** From which Jaccard similarity on that of chosen and rejected is wanted; null = never. */
  readonly sides: number | null
}

/** Params of every stage that compares by MinHash; `what` = what has the similarity. */
export const comparison = (what: string) => ({
  threshold: z.number().min(0.1).max(1).default(0.8).describe(`Jaccard similarity from which on ${what} are near-duplicates`),
  ngram: z.int().min(1).max(64).default(5).describe('length of a shingle; words'),
  recall: z
    .number()
    .min(0.5)
    .max(0.9999)
    .default(0.995)
    .describe('share to be found of the near-duplicates between the threshold and half-way to 1; chooses bands and rows'),
})

export const bandField = { list: { hi: 'i32', lo: 'i32' } } as const

/** How a band's rows are dealt to the fields: responses get as many each as leave the prompt at least one, which is shared so often. */
function rowsByField({ on, compare, rows }: Pick<MinHashParams, 'on' | 'compare' | 'rows'>): Readonly<Record<string, number>> {
  if (compare === 'text' || on.length === 1) return Object.fromEntries(on.map(field => [field, rows]))
  const response = Math.floor(on.includes('prompt') ? (rows - 1) / (on.length - 1) : rows / 2)
  return Object.fromEntries(on.map(field => [field, field === 'prompt' ? rows - response * (on.length - 1) : response]))
}

const responsesOf = (on: readonly ComparedField[]): boolean => on.includes('chosen') && on.includes('rejected')

export const minhash = defineMeasure<MinHashParams>({
  name: 'minhash',
  version: 3,
  reads: pairTexts,
  adds: ({ sides }): Schema => (sides === null ? { band_keys: bandField } : { band_keys: bandField, sides_jaccard: 'f32' }),
  open: (params, { seed }) => {
    const shares = rowsByField(params)
    const family = familyOf(seed, params.bands * Math.max(...Object.values(shares)))
    return batch => measure(params, shares, family, batch)
  },
})

function measure(params: MinHashParams, shares: Readonly<Record<string, number>>, family: Family, batch: Batch): Columns<Schema> {
  const texts = columnsOf(batch, pairTexts)
  const words = params.on.map(field => wordsOf(texts[field]))
  const fields = params.compare === 'text' && words.length > 1 ? [joinWords(words, batch.rows)] : words
  const signed = fields.map((field, i) => signField(field, batch.rows, shares[params.on[i]], params, family))
  const crossable = params.compare === 'fields' && responsesOf(params.on)
  const straight = crossable ? signed.slice(0, -2) : signed
  const responses = crossable ? ([signed.at(-2)!, signed.at(-1)!] as const) : undefined
  const { hi, lo } = bandKeys(batch.rows, params.bands, straight, responses)
  const keys = batchOf(bandField.list, hi.length, { hi: { values: hi }, lo: { values: lo } })
  const band_keys = listOf(new Int32Array(batch.rows).fill(params.bands), keys)
  if (params.sides === null) return { band_keys }
  const sides = [wordsOf(texts.chosen), wordsOf(texts.rejected)] as const
  return { band_keys, sides_jaccard: sidesJaccard(sides, responses, batch.rows, params, params.sides) }
}

function signField(words: Words, pairs: number, rows: number, { bands, ngram }: MinHashParams, family: Family): FieldSignatures {
  return { values: signatures(words, pairs, ngram, family, bands * rows), rows }
}

/** The true similarity of a pair's responses where it is at least `least`, else null. */
function sidesJaccard(
  [chosen, rejected]: readonly [Words, Words],
  signed: readonly [FieldSignatures, FieldSignatures] | undefined,
  pairs: number,
  { bands, ngram }: MinHashParams,
  least: number,
) {
  const values = new Float32Array(pairs)
  const valid = new Uint8Array(pairs)
  const size = signed ? bands * signed[0].rows : 0
  // an estimate more than six standard deviations below is taken at its word
  const unlikely = least - 3 / Math.sqrt(size)
  for (let i = 0; i < pairs; i++) {
    if (signed && agreement(signed[0].values, i * size, signed[1].values, i * size, size) < unlikely) continue
    const a = distinctShingles(chosen, i, ngram)
    const b = distinctShingles(rejected, i, ngram)
    const jaccard = jaccardAbove(least, a, 0, a.length, b, 0, b.length)
    if (jaccard < 0) continue
    values[i] = jaccard
    valid[i] = 1
  }
  return { values, valid }
}
