import { join } from 'node:path'
import type { ModelConfig } from '../config.ts'
import type { Embedder, Scorer } from '../scorer.ts'
import { cached } from './cached.ts'
import { openHttp } from './http.ts'
import { openOnnx, openOnnxEmbedder, tryOnnx } from './onnx.ts'

/** A model as planned; `digest` names all that decides what it says. */
type Planned = ModelConfig & { readonly digest: string }

/** Where folders named in the config are, and where scores are kept. */
interface Place {
  readonly paths: Readonly<Record<string, string>>
  readonly store: { readonly root: string }
}

/** Opens a configured reward model; what it has said before comes from the store. */
export async function openScorer(name: string, model: Planned, { paths, store }: Place): Promise<Scorer> {
  return cached(await opened(name, model, paths), model.digest, join(store.root, 'scores'))
}

const opened = (name: string, model: Planned, paths: Place['paths']): Promise<Scorer> =>
  'onnx' in model
    ? openOnnx(name, paths[model.onnx], model.digest)
    : openHttp(name, { ...model, folder: model.template === undefined ? undefined : paths[model.template] }, model.digest)

/** Tries every model before any work is done: a UserError where one cannot be used. */
export async function tryModels(models: Readonly<Record<string, Planned>>, paths: Place['paths']): Promise<void> {
  for (const [name, model] of Object.entries(models))
    if ('onnx' in model) await tryOnnx(name, paths[model.onnx])
    else await (await opened(name, model, paths)).close()
}

/** Opens an embedding model; `named` is the folder as the config has it, or the name of the one that goldpan makes itself, which has no folder. */
export const openEmbedder = (named: string, folder: string | undefined): Promise<Embedder> => openOnnxEmbedder(named, folder ?? named)
