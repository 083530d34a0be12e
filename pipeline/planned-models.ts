/** The reward models of a config as a plan has them: by the digest of all that decides what they say. */
import type { LoadedConfig } from './config.ts'
import type { ModelConfig, ServedConfig } from './config-schema.ts'
import { UserError } from './errors.ts'
import { modelFiles, templateFiles } from './files.ts'
import { digestOf, keyOf } from './keys.ts'
import { type Digest, plannedFile } from './planned-file.ts'
import type { Json } from './stage.ts'

export type PlannedModels = Readonly<Record<string, ModelConfig & { readonly digest: string }>>

/** The models of a config, each with the digest of all that decides what it says; notes in `paths` where their folders are. */
export async function planModels(
  loaded: LoadedConfig,
  base: string,
  paths: Record<string, string>,
  digest: Digest = plannedFile,
): Promise<PlannedModels> {
  const models: Record<string, ModelConfig & { readonly digest: string }> = {}
  for (const [name, model] of Object.entries(loaded.config.models)) {
    const at = loaded.at(['models', name])
    if ('onnx' in model) models[name] = { ...model, digest: await locateFolder(model.onnx, base, at, paths, digest) }
    else models[name] = { ...model, digest: await digestOfServed(model, base, at, paths) }
  }
  return models
}

/** Names a served model and all that changes its scores; not where it is served. */
async function digestOfServed(
  { protocol, model, template, squashed }: ServedConfig,
  base: string,
  at: string,
  paths: Record<string, string>,
): Promise<string> {
  if (protocol === 'sglang' && template === undefined)
    throw new UserError(`${at}: protocol sglang scores text as it is; name the folder of the model's tokenizer_config.json with template`)
  if (template === undefined) return keyOf('served', protocol, model, squashed)
  const { folder, files } = templateFiles(template, base, at)
  paths[template] = folder
  return keyOf('served', protocol, model, squashed, await Promise.all(files.map(async file => [file.shown, await digestOf(file.path)])))
}

/** Models as they enter the keys of steps: a served one may move. */
export const keyedModels = (models: PlannedModels): Json =>
  Object.fromEntries(Object.entries(models).map(([name, model]) => [name, 'onnx' in model ? model : { digest: model.digest }]))

/** Notes where a model's folder is; the digest of all its files. */
export async function locateFolder(
  named: string,
  base: string,
  where: string,
  paths: Record<string, string>,
  digest: Digest,
): Promise<string> {
  const { folder, files } = modelFiles(named, base, where)
  paths[named] = folder
  return keyOf((await Promise.all(files.map(async file => [file.shown, (await digest(file)).sha256]))) as Json)
}
