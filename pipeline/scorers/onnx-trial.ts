/** Tries a reward model on a few texts before a run, in the process that scores. */
import type { Encoded, Encoder } from './conversation.ts'
import { driftOf, faultOf, PROBES } from './probes.ts'

type Input = NonNullable<Encoded>

export interface Tried {
  readonly encode: Encoder
  readonly run: (encoded: Input) => Promise<ArrayLike<number>>
  /** Scores texts in one batch, padded on the right; absent where the model names no pad token or takes no tokens. */
  readonly runTogether?: (encoded: readonly Input[]) => Promise<readonly number[]>
  /** Longest input; tokens. Absent where a model takes no tokens: it may then know no word of the probes. */
  readonly max_tokens?: number
}

/** Longer inputs take too long to try. */
const MOST_TRIED_TOKENS = 512

/** Why the model cannot be used; undefined where it can. Scores must be the same alone, again in another order, in a batch, and after a cut. */
export async function trial(model: Tried): Promise<string | undefined> {
  const inputs = PROBES.map(([prompt, response]) => model.encode([{ role: 'user', content: prompt }], response))
  const taken = inputs.filter(input => input !== undefined)
  const alone = await oneByOne(model, taken)
  const fault = model.max_tokens === undefined ? finiteFault(alone) : faultIn(inputs, alone)
  if (fault !== undefined) return fault
  const again = (await oneByOne(model, [...taken].reverse())).reverse()
  return (
    driftOf(alone, again, 'with the order of the texts', 'nodes that keep a state or draw by chance (dropout)') ??
    (await companyFault(model, taken, alone)) ??
    (await cutFault(model))
  )
}

async function oneByOne({ run }: Tried, inputs: readonly Input[]): Promise<number[]> {
  const scores: number[] = []
  for (const input of inputs) scores.push((await run(input))[0])
  return scores
}

const finiteFault = (scores: readonly number[]): string | undefined =>
  scores.every(Number.isFinite) ? undefined : 'it gives NaN or infinite scores'

/** A probe that the encoder refuses is no fault of the scores. */
function faultIn(inputs: readonly Encoded[], alone: readonly number[]): string | undefined {
  let at = 0
  const scores = inputs.map(input => (input ? alone[at++] : 0))
  return faultOf(
    scores,
    inputs.map(input => input?.truncated === false),
  )
}

async function companyFault({ runTogether }: Tried, inputs: readonly Input[], alone: readonly number[]): Promise<string | undefined> {
  if (!runTogether || inputs.length === 0) return undefined
  let together: readonly number[]
  try {
    together = await runTogether(inputs)
  } catch {
    // exported for one text at a time, which is how it is used
    return undefined
  }
  return driftOf(alone, together, 'in a batch', 'attention_mask and pad_token_id, which its pooling must heed')
}

/** Two prompts that differ only in what is cut off must come to one input, with the whole response in it, and the model must take one so long. */
async function cutFault({ encode, run, max_tokens }: Tried): Promise<string | undefined> {
  if (max_tokens === undefined || max_tokens > MOST_TRIED_TOKENS) return undefined
  const tail = 'word '.repeat(max_tokens)
  const [one, other] = ['first', 'other'].map(head => encode([{ role: 'user', content: `${`${head} `.repeat(8)}${tail}` }], 'yes'))
  if (!one || !other) return undefined
  // of two texts the first is cut as text, not by tokens, so that what is left of it depends on its length
  if (one.types !== undefined) return undefined
  if (one.ids.length > max_tokens || one.ids.join() !== other.ids.join())
    return 'a prompt that is too long is not cut from the left: its template or tokenizer rewrites it'
  const scores = await oneByOne({ encode, run }, [one, other]).catch((error: Error) => error)
  if (scores instanceof Error)
    return `it does not take the ${max_tokens} tokens that its config names (${scores.message.split('\n')[0]}); set model_max_length in tokenizer_config.json`
  return scores.every(Number.isFinite)
    ? driftOf([scores[0]], [scores[1]], 'with words that are cut off', 'its tokenizer')
    : `it gives NaN for a text of ${max_tokens} tokens; set model_max_length in tokenizer_config.json`
}
