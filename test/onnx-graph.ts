/** Writes small ONNX graphs: the protobuf of onnx.proto, as far as these tests need it (ir 8, opset 17). */

class Message {
  readonly #parts: Buffer[] = []

  int(field: number, value: number): this {
    this.#parts.push(varint(field << 3), varint(value))
    return this
  }
  bytes(field: number, value: Uint8Array | string): this {
    const bytes = Buffer.from(value as Uint8Array)
    this.#parts.push(varint((field << 3) | 2), varint(bytes.length), bytes)
    return this
  }
  message(field: number, value: Message): this {
    return this.bytes(field, value.done())
  }
  done(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value & 0x7f) | 0x80)
  return Buffer.from([...bytes, value])
}

const FLOAT = 1
const INT64 = 7
const FLOAT16 = 10

const node = (op: string, inputs: readonly string[], output: string, attributes: readonly Message[] = []): Message => {
  const message = new Message()
  for (const input of inputs) message.bytes(1, input)
  message.bytes(2, output).bytes(4, op)
  for (const attribute of attributes) message.message(5, attribute)
  return message
}
const intAttribute = (name: string, value: number): Message => new Message().bytes(1, name).int(3, value).int(20, 2)
const tensor = (name: string, type: number, dims: readonly number[], raw: Uint8Array): Message => {
  const message = new Message()
  for (const dim of dims) message.int(1, dim)
  return message.int(2, type).bytes(8, name).bytes(9, raw)
}
const value = (name: string, type: number, dims: readonly (string | number)[]): Message => {
  const shape = new Message()
  for (const dim of dims) shape.message(1, typeof dim === 'number' ? new Message().int(1, dim) : new Message().bytes(2, dim))
  return new Message().bytes(1, name).message(2, new Message().message(1, new Message().int(1, type).message(2, shape)))
}

export interface GraphOptions {
  /** Logits a text. */
  readonly logits?: number
  readonly half?: boolean
  /** Name of the operator that sums. */
  readonly op?: string
  readonly input?: string
}

/** A reward model whose score is the sum of its tokens' weights. */
export function weightedSum(
  weights: Float32Array,
  { logits = 1, half = false, op = 'ReduceSum', input = 'input_ids' }: GraphOptions = {},
): Buffer {
  const table = new Float32Array(weights.length * logits)
  for (let i = 0; i < table.length; i++) table[i] = weights[Math.floor(i / logits)]
  const nodes = [
    node('Gather', ['weights', input], 'picked'),
    node('Cast', ['attention_mask'], 'mask', [intAttribute('to', FLOAT)]),
    node('Unsqueeze', ['mask', 'last'], 'columns'),
    node('Mul', ['picked', 'columns'], 'masked'),
    node(op, ['masked', 'axis'], half ? 'wide' : 'logits', [intAttribute('keepdims', 0)]),
    ...(half ? [node('Cast', ['wide'], 'logits', [intAttribute('to', FLOAT16)])] : []),
  ]
  const graph = new Message()
  for (const n of nodes) graph.message(1, n)
  graph.bytes(2, 'weighted-sum')
  graph.message(5, tensor('weights', FLOAT, [weights.length, logits], new Uint8Array(table.buffer)))
  graph.message(5, tensor('last', INT64, [1], new Uint8Array(BigInt64Array.from([2n]).buffer)))
  graph.message(5, tensor('axis', INT64, [1], new Uint8Array(BigInt64Array.from([1n]).buffer)))
  graph.message(11, value(input, INT64, ['batch', 'tokens'])).message(11, value('attention_mask', INT64, ['batch', 'tokens']))
  graph.message(12, value('logits', half ? FLOAT16 : FLOAT, ['batch', logits]))
  const opset = new Message().bytes(1, '').int(2, 17)
  return new Message().int(1, 8).message(7, graph).message(8, opset).done()
}

/** An embedding model: each token's row of the table, [1, tokens, dims], as last_hidden_state. */
export function tokenRows(table: Float32Array, dims: number): Buffer {
  const graph = new Message().message(1, node('Gather', ['table', 'input_ids'], 'last_hidden_state')).bytes(2, 'token-rows')
  graph.message(5, tensor('table', FLOAT, [table.length / dims, dims], new Uint8Array(table.buffer)))
  graph.message(11, value('input_ids', INT64, ['batch', 'tokens']))
  graph.message(12, value('last_hidden_state', FLOAT, ['batch', 'tokens', dims]))
  const opset = new Message().bytes(1, '').int(2, 17)
  return new Message().int(1, 8).message(7, graph).message(8, opset).done()
}
