/**
 * The process in which one ONNX reward model scores: onnxruntime blocks its thread and can take a whole process down, so it has one of its
 * own. Each text is run alone: a score then cannot depend on its company, nothing is padded, and on a CPU batches are no faster.
 */
import { readdirSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { InferenceSession, Tensor, TypedTensor } from 'onnxruntime-node'
import { roles, stringAt, type Turns, type Utf8 } from '../batch.ts'
import { UserError } from '../errors.ts'
import { type Encoded, encoderOf, type Message, promptEncoder } from './conversation.ts'
import { readFolder, taskOf } from './folder.ts'
import { type Tried, trial } from './onnx-trial.ts'
import { readUseLite, USE_LITE, USE_LITE_DIMS, USE_LITE_TOKENS, useLiteIds } from './use-lite.ts'
import { featuresOf, readView, type View, viewGraph } from './view-folder.ts'

export type Request =
  | { readonly open: { readonly label: string; readonly folder: string; readonly embeds: boolean } }
  | { readonly try: true }
  | { readonly score: Chunk }
/** Rows to score: `prompt` and `responses` correspond. */
export interface Chunk {
  readonly rows: number
  readonly prompt: Turns
  readonly responses: Utf8
}
/** `cut`: 1 for each row whose text was cut to what the model takes. */
export interface Scored {
  readonly scores: Float32Array
  readonly cut: Uint8Array
}
export type Answer =
  | { readonly ready: true; readonly dims: number }
  | Scored
  | { readonly failed: string; readonly user: boolean; readonly stack?: string }

type Runtime = typeof import('onnxruntime-node')

interface Model extends Tried {
  /** What complaints call it. */
  readonly where: string
  /** Numbers a text. */
  readonly dims: number
}

let model: Model | undefined

async function answer(request: Request): Promise<Answer> {
  if ('open' in request) {
    model = await openModel(request.open.label, request.open.folder, request.open.embeds)
    return { ready: true, dims: model.dims }
  }
  if ('score' in request) return scoreChunk(model!, request.score)
  const fault = await trial(model!)
  if (fault !== undefined) throw new UserError(`${model!.where}: ${fault}`)
  return { ready: true, dims: model!.dims }
}

async function openModel(label: string, folder: string, embeds: boolean): Promise<Model> {
  if (embeds && folder === USE_LITE) return openUseLite(label)
  const view = embeds ? undefined : readView(label, folder)
  if (view) return openView(label, viewGraph(folder), view)
  const read = readFolder(label, folder, embeds)
  const encode = embeds ? promptEncoder(label, read) : encoderOf(label, read)
  const runtime = await loadRuntime(label)
  const where = `${label}: ${read.graph}`
  const session = await openSession(where, runtime, read.graph, embeds)
  const runAll = runnerOf(where, runtime, session, embeds)
  const run = async (encoded: NonNullable<Encoded>): Promise<ArrayLike<number>> => (await runAll([encoded], 0))[0]
  const sample = encode([{ role: 'user', content: 'What is 6 x 7?' }], '42')
  const dims = sample ? (await run(sample)).length : 1
  const { pad_token_id, max_tokens } = read
  const runTogether = async (many: readonly NonNullable<Encoded>[]): Promise<number[]> =>
    (await runAll(many, pad_token_id!)).map(([score]) => score)
  return { where, encode, run, dims, max_tokens, ...(pad_token_id === undefined ? {} : { runTogether }) }
}

/** A text is read in windows of as many tokens as the model takes, and means what they mean on average. */
async function openUseLite(label: string): Promise<Model> {
  const { graph, tokenizer } = readUseLite(label)
  const runtime = await loadRuntime(label)
  const runAll = runnerOf(label, runtime, await openSession(label, runtime, graph, true), true)
  return {
    where: label,
    dims: USE_LITE_DIMS,
    encode: prompt => useLiteIds(tokenizer, prompt.map(turn => turn.content).join(' ')),
    run: async ({ ids }) => {
      const sum = new Float64Array(USE_LITE_DIMS)
      for (let from = 0; from < ids.length; from += USE_LITE_TOKENS) {
        const [said] = await runAll([{ ids: ids.slice(from, from + USE_LITE_TOKENS), truncated: false }], 0)
        for (let k = 0; k < sum.length; k++) sum[k] += said[k]
      }
      const length = Math.sqrt(sum.reduce((n, value) => n + value * value, 0))
      return length > 0 ? sum.map(value => value / length) : sum
    },
  }
}

/** A model that goldpan trained. */
async function openView(label: string, graph: string, view: View): Promise<Model> {
  const runtime = await loadRuntime(label)
  const session = await openSession(`${label}: ${graph}`, runtime, graph, false)
  const features = featuresOf(view)
  return {
    where: `${label}: ${graph}`,
    dims: 1,
    encode: (prompt, response) => ({ ...features(prompt, response), truncated: false }),
    run: async ({ ids, values }) => {
      const dims = [1, ids.length]
      const feeds = {
        ids: new runtime.Tensor('int64', BigInt64Array.from(ids, BigInt), dims),
        values: new runtime.Tensor('float32', Float32Array.from(values!), dims),
      }
      return [oneScore(graph, (await session.run(feeds)).logits)]
    },
  }
}

async function loadRuntime(label: string): Promise<Runtime> {
  try {
    return await import('onnxruntime-node')
  } catch {
    const install = 'ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node'
    throw new UserError(`${label}: needs the optional package onnxruntime-node, which is not installed; run: ${install}`)
  }
}

/**
 * `graph`: its path, or its bytes. Weights in files of their own are mapped and shared by all processes, unless they are packed for the processor:
 * another process then costs 10 MB instead of 135. Weights inside the graph are packed, which is a fifth faster (BENCH.md, Scoring).
 */
async function openSession(where: string, runtime: Runtime, graph: string | Uint8Array, embeds: boolean): Promise<InferenceSession> {
  try {
    return await runtime.InferenceSession.create(graph as string, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      ...(typeof graph === 'string' && hasDataFiles(graph) ? { extra: { session: { disable_prepacking: '1' } } } : {}),
    })
  } catch (error) {
    const said = (error as Error).message.split('\n')[0]
    throw new UserError(
      `${where}: onnxruntime cannot load it (${said}); export it again with standard operators: optimum-cli export onnx --task ${taskOf(embeds)}`,
    )
  }
}

/** Whether weights lie beside a graph: model.onnx_data, model.onnx.data. */
const hasDataFiles = (graph: string): boolean =>
  readdirSync(dirname(graph)).some(file => file !== basename(graph) && file.startsWith(basename(graph)))

const integerTypes: Readonly<Record<string, (values: readonly number[]) => BigInt64Array | Int32Array>> = {
  int64: values => BigInt64Array.from(values, BigInt),
  int32: values => Int32Array.from(values),
}
const FILLS: Readonly<Record<string, (encoded: NonNullable<Encoded>) => readonly number[]>> = {
  input_ids: ({ ids }) => ids,
  attention_mask: ({ ids }) => ids.map(() => 1),
  token_type_ids: ({ ids, types }) => types ?? ids.map(() => 0),
  position_ids: ({ ids }) => ids.map((_, i) => i),
}

/** Outputs that are embeddings, the most exact first. */
const EMBEDDINGS = ['sentence_embedding', 'last_hidden_state', 'token_embeddings']

/** Checks inputs and outputs, and gives the function that scores texts in one batch: shorter ones are padded on the right by `pad`. */
function runnerOf(
  where: string,
  runtime: Runtime,
  session: InferenceSession,
  embeds: boolean,
): (many: readonly NonNullable<Encoded>[], pad: number) => Promise<(readonly number[])[]> {
  const inputs = session.inputMetadata.map(input => {
    const fill = FILLS[input.name]
    const integers = input.isTensor ? integerTypes[input.type] : undefined
    if (!fill || !integers)
      throw new UserError(
        `${where}: expected inputs ${Object.keys(FILLS).join(', ')} of int64, got ${input.name}; export with --task ${taskOf(embeds)}`,
      )
    return { name: input.name, fill, integers, type: (input as { type: 'int64' | 'int32' }).type }
  })
  const output = (embeds ? EMBEDDINGS : ['logits']).find(name => session.outputNames.includes(name)) ?? session.outputNames[0]
  return async (many, pad) => {
    const longest = Math.max(...many.map(({ ids }) => ids.length))
    const feeds: Record<string, Tensor> = {}
    for (const { name, fill, integers, type } of inputs) {
      const padding = name === 'input_ids' ? pad : 0
      const rows = many.flatMap(encoded => [...fill(encoded), ...new Array<number>(longest - encoded.ids.length).fill(padding)])
      feeds[name] = new runtime.Tensor(type, integers(rows) as BigInt64Array, [many.length, longest]) as TypedTensor<'int64'>
    }
    const said = (await session.run(feeds, [output]))[output]
    return embeds ? [[...oneVector(where, said)]] : scoresIn(where, said, many.length).map(score => [score])
  }
}

/** The vector of a text: as it is, or the mean over its tokens. */
function oneVector(where: string, { type, dims, data }: Tensor): Float64Array {
  if (type !== 'float32' || (dims.length !== 2 && dims.length !== 3))
    throw new UserError(
      `${where}: expected float32 embeddings [1, dims] or [1, tokens, dims], got ${type} [${dims.join(', ')}]; export with --task feature-extraction`,
    )
  const width = dims[dims.length - 1]
  const values = data as Float32Array
  const mean = new Float64Array(width)
  for (let at = 0; at < values.length; at += width) for (let k = 0; k < width; k++) mean[k] += values[at + k] / (values.length / width)
  return mean
}

const oneScore = (where: string, logits: Tensor): number => scoresIn(where, logits, 1)[0]

function scoresIn(where: string, logits: Tensor, texts: number): number[] {
  if (logits.type !== 'float32')
    throw new UserError(`${where}: expected float32 logits, got ${logits.type}; export with --dtype fp32, or cast the output`)
  if (logits.size !== texts)
    throw new UserError(
      `${where}: expected one logit a text, got ${logits.size / texts} (shape ${logits.dims.join(' x ')}); export a model whose num_labels is 1`,
    )
  return [...(logits.data as Float32Array)]
}

async function scoreChunk({ encode, run, dims }: Model, { rows, prompt, responses }: Chunk): Promise<Scored> {
  const scores = new Float32Array(rows * dims)
  const cut = new Uint8Array(rows)
  for (let i = 0; i < rows; i++) {
    const encoded = encode(messagesOf(prompt, i), stringAt(responses, i))
    if (encoded?.truncated) cut[i] = 1
    if (encoded) scores.set(await run(encoded), i * dims)
    else scores.fill(Number.NaN, i * dims, (i + 1) * dims)
  }
  return { scores, cut }
}

function messagesOf({ starts, items }: Turns, row: number): Message[] {
  const { role, content } = items.columns
  return Array.from({ length: starts[row + 1] - starts[row] }, (_, k) => ({
    role: roles[role.values[starts[row] + k]],
    content: stringAt(content, starts[row] + k),
  }))
}

process.on('message', async (request: Request) => {
  const reply = await answer(request).catch((error: Error) => ({
    failed: error.message,
    user: error instanceof UserError,
    stack: error.stack,
  }))
  process.send!(reply)
})
process.on('disconnect', () => process.exit())
