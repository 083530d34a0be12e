import { join } from 'node:path'
import type { ModelConfig, ServedConfig } from '../config-schema.ts'
import { remembered } from '../digests.ts'
import { UserError } from '../errors.ts'
import { locateFolder } from '../planned-models.ts'
import type { Embedder, Scorer, Side } from '../scorer.ts'
import { cached, hasScores } from './cached.ts'
import { openHttp } from './http.ts'
import { openOnnx, openOnnxEmbedder, openTriedOnnx } from './onnx.ts'

/** A model as planned; `digest` names all that decides what it says. */
type Planned = ModelConfig & { readonly digest: string }

/** Where folders named in the config are, and where scores are kept. */
interface Place {
  readonly paths: Readonly<Record<string, string>>
  readonly store: { readonly root: string }
}

/** A configured reward model; what it has said before comes from the store, and it is opened for the first text that is not there. */
export async function openScorer(name: string, model: Planned, { paths, store }: Place): Promise<Scorer> {
  return cached(whenAsked(name, model, { paths, store }), model.digest, scoresIn(store.root))
}

const scoresIn = (root: string): string => join(root, 'scores')

function whenAsked(name: string, model: Planned, place: Place): Scorer {
  let scorer: Promise<Scorer> | undefined
  const asked = (): Promise<Scorer> => (scorer ??= opened(name, model, place))
  const compares = 'http' in model && model.protocol === 'openai'
  return {
    id: `${name} ${model.digest}`,
    score: async (prompt, responses, cut) => (await asked()).score(prompt, responses, cut),
    ...(compares ? { margins: async (a: Side, b: Side) => (await asked()).margins!(a, b) } : {}),
    close: async () =>
      scorer?.then(
        one => one.close(),
        () => undefined,
      ),
  }
}

async function opened(name: string, model: Planned, { paths, store }: Place): Promise<Scorer> {
  if (!('onnx' in model)) return served(name, model, paths)
  const folder = paths[model.onnx]
  const found = await locateFolder(folder, '', `models.${name}`, {}, remembered(store.root, false))
  if (found !== model.digest)
    throw new UserError(
      `models.${name}: ${folder}: expected the files of the plan (digest ${model.digest}), got others (${found}); they changed while the build ran, or this machine has another model there: run again`,
    )
  return openOnnx(name, folder, model.digest)
}

/** Opens a model without a store of its scores, and tries it: a UserError with the figure where its scores cannot be used. */
export const openTried = (name: string, model: Planned, paths: Place['paths']): Promise<Scorer> =>
  'onnx' in model ? openTriedOnnx(name, paths[model.onnx], model.digest) : served(name, model, paths)

/** A server is tried whenever it is opened. */
const served = (name: string, model: Planned & ServedConfig, paths: Place['paths']): Promise<Scorer> =>
  openHttp(name, { ...model, folder: model.template === undefined ? undefined : paths[model.template] }, model.digest)

/**
 * Tries every model before any work is done: a UserError where one cannot be used. A server whose scores the store at `root` holds may be
 * needed no more: `note` is told, and the build fails at the first text that it has not scored.
 */
export async function tryModels(
  models: Readonly<Record<string, Planned>>,
  { paths, store }: Place,
  note: (line: string) => void,
): Promise<void> {
  for (const [name, model] of Object.entries(models)) {
    try {
      await (await openTried(name, model, paths)).close()
    } catch (error) {
      if ('onnx' in model || !(error instanceof UserError) || !(await hasScores(model.digest, scoresIn(store.root)))) throw error
      note(`${error.message}; going on with the scores that the store has`)
    }
  }
}

/** Opens an embedding model; `named` is the folder as the config has it, or the name of the one that goldpan makes itself, which has no folder. */
export const openEmbedder = (named: string, folder: string | undefined): Promise<Embedder> => openOnnxEmbedder(named, folder ?? named)
