/** Writes a tiny reward model as an ONNX folder: its score is the sum of the weights of the tokens it sees. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type GraphOptions, tokenRows, weightedSum } from './onnx-graph.ts'

/** Each word's weight is a power of two, so that a score tells exactly which tokens the model saw. */
export const words = ['[UNK]', '<s>', '[user]', '[assistant]', '[system]', 'a', 'b', 'c', 'd', '.']
export const weights = Float32Array.from(words, (_, id) => 2 ** id)

export const TEMPLATE = '{{ bos_token }}{% for m in messages %} [{{ m.role }}] {{ m.content }}{% endfor %}'
const special = (id: number) => ({
  id,
  content: words[id],
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
})
const tokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [1, 2, 3, 4].map(special),
  normalizer: null,
  pre_tokenizer: { type: 'WhitespaceSplit' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
  },
  decoder: null,
  model: {
    type: 'WordPiece',
    vocab: Object.fromEntries(words.map((word, id) => [word, id])),
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
  },
}

export interface Made extends GraphOptions {
  readonly template?: string | null
  readonly max?: number
  readonly labels?: number
  readonly at?: string
  /** Whether the config names a pad token. */
  readonly pads?: boolean
  /** Of every word. */
  readonly weigh?: (id: number) => number
}

/** The folder, fresh. */
export function onnxFolder({
  template = TEMPLATE,
  max = 512,
  labels = 1,
  at = 'model.onnx',
  pads = true,
  weigh,
  ...graph
}: Made = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'goldpan-onnx-'))
  mkdirSync(join(folder, 'onnx'))
  const json = (name: string, content: object) => writeFileSync(join(folder, name), JSON.stringify(content))
  json('config.json', {
    id2label: Object.fromEntries(Array.from({ length: labels }, (_, i) => [i, `L${i}`])),
    max_position_embeddings: max,
    ...(pads ? { pad_token_id: 0 } : {}),
  })
  json('tokenizer.json', tokenizer)
  json('tokenizer_config.json', {
    bos_token: { content: '<s>' },
    unk_token: '[UNK]',
    ...(template === null ? {} : { chat_template: template }),
  })
  writeFileSync(join(folder, at), weightedSum(weigh ? weights.map((_, id) => weigh(id)) : weights, graph))
  return folder
}

/** The folder of an embedding model, fresh: a word's vector is its own, but synonyms, given as lists, share one. */
export function embeddingFolder(synonyms: readonly (readonly string[])[], dims: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'goldpan-embedding-'))
  const json = (name: string, content: object) => writeFileSync(join(folder, name), JSON.stringify(content))
  const known = ['[UNK]', '<s>', ...synonyms.flat()]
  const meanings = [-1, -1, ...synonyms.flatMap((group, g) => group.map(() => g))]
  const model = { ...tokenizer.model, vocab: Object.fromEntries(known.map((word, id) => [word, id])) }
  json('config.json', { model_type: 'bert', id2label: { 0: 'A', 1: 'B' } })
  json('tokenizer.json', { ...tokenizer, added_tokens: [special(1)], model })
  json('tokenizer_config.json', { unk_token: '[UNK]' })
  const table = Float32Array.from({ length: known.length * dims }, (_, i) => (meanings[Math.floor(i / dims)] === i % dims ? 1 : 0))
  writeFileSync(join(folder, 'model.onnx'), tokenRows(table, dims))
  return folder
}
