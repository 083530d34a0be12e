/** Small graphs for tests. */
import { FLOAT, FLOAT16, INT64, input as inputOf, modelOf, node, output, tensor } from '../pipeline/scorers/onnx-writer.ts'

export interface GraphOptions {
  /** Logits a text. */
  readonly logits?: number
  readonly half?: boolean
  /** Name of the operator that sums. */
  readonly op?: string
  readonly input?: string
  /** Whether pads are left out of the sum. */
  readonly heeds_mask?: boolean
  /** Whether the sum is moved by chance. */
  readonly draws?: boolean
}

/** A reward model whose score is the sum of its tokens' weights. */
export function weightedSum(
  weights: Float32Array,
  { logits = 1, half = false, op = 'ReduceSum', input = 'input_ids', heeds_mask = true, draws = false }: GraphOptions = {},
): Buffer {
  const table = new Float32Array(weights.length * logits)
  for (let i = 0; i < table.length; i++) table[i] = weights[Math.floor(i / logits)]
  return modelOf('weighted-sum', [
    node('Gather', ['weights', input], 'picked'),
    node('Cast', ['attention_mask'], 'mask', { ints: { to: FLOAT } }),
    node('Unsqueeze', ['mask', 'last'], 'columns'),
    node('Mul', ['picked', 'columns'], 'masked'),
    node('RandomNormalLike', ['masked'], 'chance'),
    node('Mul', ['masked', 'chance'], 'moved'),
    node(op, [draws ? 'moved' : heeds_mask ? 'masked' : 'picked', 'axis'], half ? 'wide' : 'logits', { ints: { keepdims: 0 } }),
    ...(half ? [node('Cast', ['wide'], 'logits', { ints: { to: FLOAT16 } })] : []),
    tensor('weights', [weights.length, logits], table),
    tensor('last', [1], BigInt64Array.of(2n)),
    tensor('axis', [1], BigInt64Array.of(1n)),
    inputOf(input, INT64, ['batch', 'tokens']),
    inputOf('attention_mask', INT64, ['batch', 'tokens']),
    output('logits', half ? FLOAT16 : FLOAT, ['batch', logits]),
  ])
}

/** An embedding model: each token's row of the table, [1, tokens, dims], as last_hidden_state. */
export const tokenRows = (table: Float32Array, dims: number): Buffer =>
  modelOf('token-rows', [
    node('Gather', ['table', 'input_ids'], 'last_hidden_state'),
    tensor('table', [table.length / dims, dims], table),
    inputOf('input_ids', INT64, ['batch', 'tokens']),
    output('last_hidden_state', FLOAT, ['batch', 'tokens', dims]),
  ])
