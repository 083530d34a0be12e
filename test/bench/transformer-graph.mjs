/**
 * A BERT-shaped encoder (Devlin et al. 2018; post-LN, learnt places, masked mean pool, one logit) with weights drawn from a seed, for
 * benches: scores say nothing, but the graph costs what one of its shape costs and minds padding as those do.
 */
import { FLOAT, INT64, input, modelOf, node, output, tensor } from '../../dist/pipeline/scorers/onnx-writer.js'
import { draws } from '../draws.mjs'

/** About normal with the deviation that keeps sums of `width` of them near 1. */
function weights(draw, size, width) {
  const scale = Math.sqrt(3 / width)
  return Float32Array.from({ length: size }, () => (2 * draw() - 1) * scale)
}

/** @returns {Buffer} model.onnx: input_ids, attention_mask [batch, tokens] -> logits [batch, 1] */
export function transformerGraph({ vocabulary, layers = 6, width = 384, heads = 12, inner = 1536, places = 512, seed = 1 }) {
  const draw = draws(seed)
  const written = []
  let count = 0
  const op = (name, inputs, attributes) => {
    const said = `v${count++}`
    written.push(node(name, inputs, said, attributes))
    return said
  }
  const floats = (dims, values) => {
    const name = `w${count++}`
    written.push(tensor(name, dims, values))
    return name
  }
  const ints = (...values) => {
    const name = `w${count++}`
    written.push(tensor(name, [values.length], BigInt64Array.from(values, BigInt)))
    return name
  }
  const table = (rows, columns, fan = rows) => floats([rows, columns], weights(draw, rows * columns, fan))
  const dense = (x, from, to) => op('Add', [op('MatMul', [x, table(from, to)]), floats([to], weights(draw, to, from))])
  const normal = x =>
    op('LayerNormalization', [x, floats([width], new Float32Array(width).fill(1)), floats([width], new Float32Array(width))], { ints: { axis: -1 } })
  const split = (x, perm) => op('Transpose', [op('Reshape', [x, ints(0, 0, heads, width / heads)])], { ints: { perm } })

  const mask = op('Cast', ['attention_mask'], { ints: { to: FLOAT } })
  const hidden = op('Unsqueeze', [op('Mul', [op('Sub', [mask, floats([], Float32Array.of(1))]), floats([], Float32Array.of(1e9))]), ints(1, 2)])
  const length = op('Slice', [op('Shape', ['input_ids']), ints(1), ints(2)])
  const place = op('Slice', [table(places, width, 1), ints(0), length, ints(0)])
  let x = normal(op('Add', [op('Gather', [table(vocabulary, width, 1), 'input_ids']), place]))
  for (let layer = 0; layer < layers; layer++) {
    const [q, k, v] = [[0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]].map(perm => split(dense(x, width, width), perm))
    const scaled = op('Mul', [op('MatMul', [q, k]), floats([], Float32Array.of(1 / Math.sqrt(width / heads)))])
    const mixed = op('MatMul', [op('Softmax', [op('Add', [scaled, hidden])], { ints: { axis: -1 } }), v])
    const together = op('Reshape', [op('Transpose', [mixed], { ints: { perm: [0, 2, 1, 3] } }), ints(0, 0, width)])
    x = normal(op('Add', [x, dense(together, width, width)]))
    x = normal(op('Add', [x, dense(op('Relu', [dense(x, width, inner)]), inner, width)]))
  }
  const columns = op('Unsqueeze', [mask, ints(2)])
  const total = op('ReduceSum', [op('Mul', [x, columns]), ints(1)], { ints: { keepdims: 0 } })
  const mean = op('Div', [total, op('ReduceSum', [columns, ints(1)], { ints: { keepdims: 0 } })])
  written.push(node('MatMul', [mean, table(width, 1)], 'logits'))
  const dims = ['batch', 'tokens']
  return modelOf('transformer', [
    ...written,
    input('input_ids', INT64, dims),
    input('attention_mask', INT64, dims),
    output('logits', FLOAT, ['batch', 1]),
  ])
}
