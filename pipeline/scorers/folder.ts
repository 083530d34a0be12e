/** Reward models as a folder: the layout that optimum-cli and transformers.js write. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../errors.ts'

/** What the folder of a reward model says, checked. */
export interface ModelFolder {
  readonly folder: string
  /** Path of the graph. */
  readonly graph: string
  readonly tokenizer: object
  readonly tokenizer_config: TokenizerConfig
  /** Jinja source; absent = the model takes prompt and response as a pair of texts. */
  readonly chat_template?: string
  /** Longest input it takes; tokens. */
  readonly max_tokens: number
  /** What shorter texts of a batch are filled up with. */
  readonly pad_token_id?: number
}

export interface TokenizerConfig {
  readonly bos_token?: string | { readonly content: string } | null
  readonly eos_token?: string | { readonly content: string } | null
  readonly model_max_length?: number
  readonly chat_template?: string | readonly { readonly name: string; readonly template: string }[]
}

interface ModelConfig {
  readonly num_labels?: number
  readonly id2label?: Readonly<Record<string, string>>
  readonly max_position_embeddings?: number
  readonly pad_token_id?: number | null
}

/** Where graphs lie in the layouts seen, the most exact first. */
const GRAPHS = ['model.onnx', 'onnx/model.onnx', 'model_quantized.onnx', 'onnx/model_quantized.onnx']
/** What Skywork-Reward-V2 was trained with; longer inputs are cut. */
const MOST_TOKENS = 16_384

/** What an exporter calls it. */
export const taskOf = (embeds: boolean): string => (embeds ? 'feature-extraction' : 'text-classification')

/** Reads and checks everything but the graph; `embeds`: the model's labels do not matter. Faults are the user's: they name the folder and what to do. */
export function readFolder(label: string, folder: string, embeds = false): ModelFolder {
  const where = `${label}: ${folder}`
  const config = readJson<ModelConfig>(where, join(folder, 'config.json'))
  if (!config) throw new UserError(`${where}: no config.json; export the model with optimum-cli export onnx --task ${taskOf(embeds)}`)
  const labels = config.num_labels ?? (config.id2label ? Object.keys(config.id2label).length : 1)
  if (labels !== 1 && !embeds)
    throw new UserError(
      `${where}: config.json: expected a reward model with 1 label, got ${labels} labels; export one whose num_labels is 1`,
    )
  const tokenizer = readJson<object>(where, join(folder, 'tokenizer.json'))
  if (!tokenizer)
    throw new UserError(`${where}: no tokenizer.json; save the tokenizer beside the graph (tokenizer.save_pretrained of a fast tokenizer)`)
  const tokenizer_config = readJson<TokenizerConfig>(where, join(folder, 'tokenizer_config.json')) ?? {}
  return {
    folder,
    graph: graphOf(where, folder),
    tokenizer,
    tokenizer_config,
    chat_template: templateOf(where, folder, tokenizer_config),
    max_tokens: Math.min(config.max_position_embeddings ?? MOST_TOKENS, tokenizer_config.model_max_length ?? MOST_TOKENS, MOST_TOKENS),
    ...(typeof config.pad_token_id === 'number' ? { pad_token_id: config.pad_token_id } : {}),
  }
}

function graphOf(where: string, folder: string): string {
  const known = GRAPHS.map(path => join(folder, path)).find(existsSync)
  if (known) return known
  const others = ['', 'onnx/'].flatMap(sub => filesOf(join(folder, sub)).map(file => sub + file)).filter(path => path.endsWith('.onnx'))
  if (others.length === 1) return join(folder, others[0])
  const found =
    others.length > 0 ? `several graphs (${others.join(', ')}); keep one, or call it model.onnx` : 'no model.onnx, nor onnx/model.onnx'
  throw new UserError(`${where}: ${found}`)
}

const filesOf = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).sort() : [])

/** The chat template of a folder that need not hold a model, and the special tokens that it may write. */
export function readTemplate(label: string, folder: string): { source: string; eos_token: string } {
  const where = `${label}: ${folder}`
  const config = readJson<TokenizerConfig>(where, join(folder, 'tokenizer_config.json')) ?? {}
  const source = templateOf(where, folder, config)
  if (source === undefined) throw new UserError(`${where}: no chat template; add chat_template.jinja, or leave template out`)
  return { source, eos_token: tokenText(config.eos_token) ?? '' }
}

function templateOf(where: string, folder: string, { chat_template }: TokenizerConfig): string | undefined {
  const file = join(folder, 'chat_template.jinja')
  if (existsSync(file)) return readFileSync(file, 'utf8')
  const json = readJson<{ chat_template?: string }>(where, join(folder, 'chat_template.json'))
  if (json?.chat_template) return json.chat_template
  if (typeof chat_template === 'string') return chat_template
  return (chat_template?.find(t => t.name === 'default') ?? chat_template?.[0])?.template
}

function readJson<T>(where: string, path: string): T | undefined {
  if (!existsSync(path)) return undefined
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch (error) {
    throw new UserError(`${where}: ${path}: not JSON (${(error as Error).message}); export the model again`)
  }
}

/** The text of a special token, which some configs wrap. */
export const tokenText = (token: TokenizerConfig['bos_token']): string | undefined =>
  typeof token === 'object' && token !== null ? token.content : (token ?? undefined)
