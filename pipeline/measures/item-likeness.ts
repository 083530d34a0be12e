/** Which benchmark item a prompt is most like, by embeddings: a paraphrase shares no n-gram with what it says again. */
import { batchOf, columnsOf, listOf, roles, type Turns, turnsColumn, turnsOf } from '../batch.ts'
import { benchmarkItems } from '../codecs/benchmark.ts'
import { UserError } from '../errors.ts'
import { gather } from '../gather.ts'
import { hashedEmbedding } from '../kernels/hashed-embedding.ts'
import { nearestAmong } from '../kernels/nearest.ts'
import { type Context, defineMeasure, type MeasureContext } from '../stage.ts'
import { distinctPrompts, embedUnits } from './prompt-embedding.ts'

export type ItemLikenessParams = {
  readonly benchmarks: readonly string[]
  /** Folder of the model; null = hashed words. */
  readonly onnx: string | null
  readonly dims: number
}

/** By place in `itemTexts`, null where nothing is like; of the user turn that is most like an item. */
export const likenessColumns = { like_item: 'i32', like_cosine: 'f32' } as const

const reads = { prompt: turnsOf } as const
const USER = roles.indexOf('user')

export interface ItemText {
  readonly benchmark: string
  readonly id: string
  readonly text: string
}

/** Every text of every item, in the order of the files. */
export async function itemTexts(benchmarks: readonly string[], context: Pick<Context, 'file'>): Promise<ItemText[]> {
  const files = await Promise.all(benchmarks.map(path => context.file(path)))
  const items = (await Promise.all(files.map((bytes, i) => benchmarkItems(bytes, benchmarks[i])))).flat()
  return items.flatMap(({ benchmark, id, texts }) => texts.map(text => ({ benchmark, id, text })))
}

export const itemLikeness = defineMeasure<ItemLikenessParams>({
  name: 'item-likeness',
  version: 3,
  reads,
  adds: () => likenessColumns,
  files: ({ benchmarks }) => benchmarks,
  open: async (params, context) => {
    const texts = await itemTexts(params.benchmarks, context)
    const embed = await openEmbedding(params, context)
    const nearest = await nearestAmong(await embed(userTurn(texts), texts.length), params.dims)
    return async batch => {
      const { turns, row } = userTurnsOf(columnsOf(batch, reads).prompt, batch.rows)
      const { distinct, of } = distinctPrompts(turns, row.length)
      const { prompt } = gather(batchOf(reads, row.length, { prompt: turns }), distinct).columns
      return likest(nearest(await embed(prompt, distinct.length)), of, row, batch.rows)
    }
  },
})

type Embed = (turns: Turns, rows: number) => Promise<Float32Array>

async function openEmbedding({ onnx, dims }: ItemLikenessParams, { seed, embedder }: MeasureContext): Promise<Embed> {
  if (onnx === null) return async (turns, rows) => hashedEmbedding(turns, rows, dims, seed)
  const model = await embedder!(onnx)
  if (model.dims !== dims) throw new UserError(`decontaminate: second_look.dims: expected ${model.dims}, as ${onnx} gives, got ${dims}`)
  return (turns, rows) => embedUnits(model, turns, rows)
}

const userTurn = (texts: readonly ItemText[]): Turns => turnsColumn(texts.map(({ text }) => [{ role: USER, content: text }]))

/** Every user turn as a prompt of its own, and the row that it is of. */
function userTurnsOf({ starts, items }: Turns, rows: number): { turns: Turns; row: Int32Array } {
  const row: number[] = []
  const index: number[] = []
  for (let i = 0; i < rows; i++)
    for (let k = starts[i]; k < starts[i + 1]; k++) {
      if (items.columns.role.values[k] !== USER) continue
      row.push(i)
      index.push(k)
    }
  const turns = gather(items, Int32Array.from(index))
  return {
    turns: listOf(
      index.map(() => 1),
      turns,
    ),
    row: Int32Array.from(row),
  }
}

/** The most like of each row's turns; `of` gives a turn's place among the distinct ones. */
function likest(found: { readonly of: Int32Array; readonly cosine: Float64Array }, of: Int32Array, row: Int32Array, rows: number) {
  const item = new Int32Array(rows)
  const cosine = new Float32Array(rows)
  const valid = new Uint8Array(rows)
  for (let turn = 0; turn < row.length; turn++) {
    const at = of[turn]
    const i = row[turn]
    if (found.of[at] < 0 || Math.fround(found.cosine[at]) <= cosine[i]) continue
    item[i] = found.of[at]
    cosine[i] = found.cosine[at]
    valid[i] = 1
  }
  return { like_item: { values: item, valid }, like_cosine: { values: cosine, valid } }
}
