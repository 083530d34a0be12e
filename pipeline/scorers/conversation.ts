/** From a prompt and a response to the tokens that a reward model was trained on. */
import { Template } from '@huggingface/jinja'
import { Tokenizer } from '@huggingface/tokenizers'
import { UserError } from '../errors.ts'
import { type ModelFolder, readTemplate, tokenText } from './folder.ts'

export interface Message {
  readonly role: string
  readonly content: string
}

/** Token ids of an input; undefined where the response alone is longer than the model's maximum, or the template refuses the turns. */
export type Encoded =
  | {
      readonly ids: readonly number[]
      readonly types?: readonly number[]
      /** Of features, where the model takes no tokens. */
      readonly values?: readonly number[]
      readonly truncated: boolean
    }
  | undefined

export type Encoder = (prompt: readonly Message[], response: string) => Encoded

/** Templates that print today's date get this one, which is the default of those that know no clock. */
const DATE = '26 Jul 2024'

/** The encoder of an embedding model: the prompt's turns on lines of their own, cut at the end. */
export function promptEncoder(label: string, model: ModelFolder): Encoder {
  const tokenizer = tokenizerOf(label, model)
  return prompt => {
    const { ids } = tokenizer.encode(prompt.map(turn => turn.content).join('\n'))
    return { ids: ids.slice(0, model.max_tokens), truncated: ids.length > model.max_tokens }
  }
}

/** The encoder of a model: its own chat template, or the pair of texts where it has none. */
export function encoderOf(label: string, model: ModelFolder): Encoder {
  const where = `${label}: ${model.folder}`
  const tokenizer = tokenizerOf(label, model)
  return model.chat_template === undefined ? pairEncoder(tokenizer, model) : templateEncoder(where, tokenizer, model, model.chat_template)
}

function tokenizerOf(label: string, model: ModelFolder): Tokenizer {
  try {
    return new Tokenizer(model.tokenizer, model.tokenizer_config)
  } catch (error) {
    const where = `${label}: ${model.folder}`
    throw new UserError(`${where}: tokenizer.json: cannot be used (${(error as Error).message}); export it again from a fast tokenizer`)
  }
}

function templateEncoder(where: string, tokenizer: Tokenizer, model: ModelFolder, source: string): Encoder {
  const bos = tokenText(model.tokenizer_config.bos_token)
  const shared = {
    bos_token: bos ?? '',
    eos_token: tokenText(model.tokenizer_config.eos_token) ?? '',
    add_generation_prompt: false,
    fixed_date: () => DATE,
  }
  const render = rendererOf(where, source, shared)
  const adds_bos = bos !== undefined && tokenizer.encode('a').ids[0] === tokenizer.encode(bos, { add_special_tokens: false }).ids[0]
  return (prompt, response) => {
    let text: string
    try {
      text = render([...prompt, { role: 'assistant', content: response }])
    } catch {
      return undefined
    }
    // the template writes a BOS and the tokenizer adds another: a model was trained on one
    if (adds_bos && text.startsWith(bos)) text = text.slice(bos.length)
    const { ids } = tokenizer.encode(text)
    if (ids.length <= model.max_tokens) return { ids, truncated: false }
    const own = tokenizer.encode(response, { add_special_tokens: false }).ids.length
    return cutLeft(ids, own, model.max_tokens, adds_bos ? 1 : 0)
  }
}

/** Writes conversations by the template of a folder, for servers that take text and add the BOS themselves. */
export function rendererIn(label: string, folder: string): (messages: readonly Message[]) => string {
  const { source, eos_token } = readTemplate(label, folder)
  return rendererOf(`${label}: ${folder}`, source, { bos_token: '', eos_token, add_generation_prompt: false, fixed_date: () => DATE })
}

function rendererOf(where: string, source: string, shared: object): (messages: readonly Message[]) => string {
  try {
    const template = new Template(source.replaceAll('strftime_now', 'fixed_date'))
    const render = (messages: readonly Message[]): string => template.render({ ...shared, messages })
    render([
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
    ])
    return render
  } catch (error) {
    throw new UserError(`${where}: chat template: cannot be used (${(error as Error).message}); take the one of the model's own tokenizer`)
  }
}

/** Leaves the first `head` and the last tokens: the prompt is cut from the left, never the response. */
function cutLeft(ids: readonly number[], response_tokens: number, most: number, head: number): Encoded {
  if (head + response_tokens > most) return undefined
  return { ids: [...ids.slice(0, head), ...ids.slice(ids.length - (most - head))], truncated: true }
}

/** Prompt and response as the two texts of a classifier; turns of the prompt are put on lines of their own. */
function pairEncoder(tokenizer: Tokenizer, model: ModelFolder): Encoder {
  const encode = (prompt: string, response: string) => tokenizer.encode(prompt, { text_pair: response, return_token_type_ids: true })
  return (prompt, response) => {
    let text = prompt.map(turn => turn.content).join('\n')
    let encoded = encode(text, response)
    const truncated = encoded.ids.length > model.max_tokens
    // special tokens go between the texts, so the prompt is shortened as text until both fit
    while (encoded.ids.length > model.max_tokens) {
      if (text === '') return undefined
      const excess = (encoded.ids.length - model.max_tokens) / encoded.ids.length
      text = withoutHead(text, Math.max(1, Math.floor(text.length * excess)))
      encoded = encode(text, response)
    }
    return { ids: encoded.ids, types: encoded.token_type_ids, truncated }
  }
}

/** Never leaves the second half of a surrogate pair in front. */
function withoutHead(text: string, units: number): string {
  const low = text.charCodeAt(units)
  return text.slice(low >= 0xdc00 && low < 0xe000 ? units + 1 : units)
}
