/**
 * A reward model that goldpan trained, as a folder: model.onnx adds up weights of numbered features (inputs ids and values, output logits), and
 * goldpan.json says which features of a prompt and a response they are. No tokenizer is needed.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type Turns, turnsColumn, utf8Of } from '../batch.ts'
import { UserError } from '../errors.ts'
import { qualityFeatures, writeQuality } from '../kernels/quality-features.ts'
import { QualityReader, sideOf } from '../kernels/quality-reader.ts'
import { ResponseTerms } from '../kernels/text-terms.ts'
import { tokensOf } from '../kernels/tokens.ts'
import { makeFolder } from '../make-folder.ts'
import type { Message } from './conversation.ts'
import { FLOAT, INT64, input, modelOf, node, output, tensor } from './onnx-writer.ts'
import { scoringGraph, USE_LITE, USE_LITE_TOKENS, useLiteIds, useLiteTokenizer } from './use-lite.ts'

const SIDECAR = 'goldpan.json'
const GRAPH = 'model.onnx'

const sidecar = z.discriminatedUnion('view', [
  /** Feature ids are the upper `bits` bits of a term's hash; each term of the response counts 1. */
  z.looseObject({ format: z.literal(1), view: z.literal('hashed-terms'), terms_version: z.int(), bits: z.int().min(1).max(24) }),
  /** Feature ids are places in this list. */
  z.looseObject({ format: z.literal(1), view: z.literal('response-quality'), features: z.array(z.string()) }),
  /** Feature ids are tokens of Universal Sentence Encoder Lite, each counts 1; pads of 0 fill the last window. */
  z.looseObject({ format: z.literal(1), view: z.literal('use-lite') }),
])
export type View = z.infer<typeof sidecar>

export interface Features {
  readonly ids: readonly number[]
  readonly values: readonly number[]
}

/** Of terms as they are hashed now. */
export const TERMS_VERSION = 1

/** The bytes of the graph: logits = sum of values * weights[ids]. */
const graphOf = (weights: Float32Array): Buffer =>
  modelOf('goldpan-view', [
    node('Gather', ['weights', 'ids'], 'picked'),
    node('Mul', ['picked', 'values'], 'weighted'),
    node('ReduceSum', ['weighted', 'last'], 'logits', { ints: { keepdims: 1 } }),
    tensor('weights', [weights.length], weights),
    tensor('last', [1], BigInt64Array.of(1n)),
    input('ids', INT64, ['batch', 'features']),
    input('values', FLOAT, ['batch', 'features']),
    output('logits', FLOAT, ['batch', 1]),
  ])

/** Writes the folder, over one of the same name. `weights`: of features, of use-lite those of the numbers of a vector. */
export function writeView(folder: string, view: View, weights: Float32Array): void {
  makeFolder(folder)
  writeFileSync(join(folder, GRAPH), view.view === 'use-lite' ? scoringGraph(folder, weights) : graphOf(weights))
  writeFileSync(join(folder, SIDECAR), `${JSON.stringify(view, null, 2)}\n`)
}

/** What the folder says of itself; undefined where it is none of ours. */
export function readView(label: string, folder: string): View | undefined {
  const path = join(folder, SIDECAR)
  if (!existsSync(path)) return undefined
  const again = 'export the model again: goldpan models export'
  let json: unknown
  try {
    json = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    throw new UserError(`${label}: ${path}: is not JSON; ${again}`)
  }
  const parsed = sidecar.safeParse(json)
  if (!parsed.success)
    throw new UserError(`${label}: ${path}: ${parsed.error.issues[0].path.join('.')}: ${parsed.error.issues[0].message}; ${again}`)
  const view = parsed.data
  if (view.view === 'hashed-terms' && view.terms_version !== TERMS_VERSION)
    throw new UserError(`${label}: ${path}: terms_version: expected ${TERMS_VERSION}, got ${view.terms_version}; ${again}`)
  if (view.view === 'response-quality' && view.features.join() !== qualityFeatures.join())
    throw new UserError(`${label}: ${path}: features: not those that this version of goldpan reads; ${again}`)
  return view
}

export const viewGraph = (folder: string): string => join(folder, GRAPH)

/** What the graph is given of a prompt and a response. */
export function featuresOf(view: View): (prompt: readonly Message[], response: string) => Features {
  if (view.view === 'hashed-terms') {
    const finder = new ResponseTerms()
    return (prompt, response) => {
      const words = (texts: readonly string[]): Uint32Array => tokensOf(utf8Of([...texts])).hashes
      const terms = finder.of(words(prompt.map(turn => turn.content)), words([response]))
      return padded(Array.from(terms, term => term >>> (32 - view.bits)))
    }
  }
  if (view.view === 'use-lite') {
    const tokenizer = useLiteTokenizer(USE_LITE)
    return (_, response) => {
      const { ids } = useLiteIds(tokenizer, response)
      const pads = new Array<number>(Math.ceil(Math.max(1, ids.length) / USE_LITE_TOKENS) * USE_LITE_TOKENS - ids.length).fill(0)
      return { ids: [...ids, ...pads], values: [...ids.map(() => 1), ...pads] }
    }
  }
  const reader = new QualityReader()
  const values = new Float64Array(qualityFeatures.length)
  return (prompt, response) => {
    writeQuality(reader.count(sideOf(turnsOfOne(prompt)), sideOf(turnsOfOne([{ role: 'assistant', content: response }])), 0), 0, values)
    return { ids: [...values.keys()], values: [...values] }
  }
}

/** An empty response has one feature of value 0, as graphs like no empty inputs. */
const padded = (ids: readonly number[]): Features => (ids.length > 0 ? { ids, values: ids.map(() => 1) } : { ids: [0], values: [0] })

const turnsOfOne = (messages: readonly Message[]): Turns => turnsColumn([messages.map(({ content }) => ({ role: 0, content }))])
