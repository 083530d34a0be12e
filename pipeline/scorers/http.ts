/** A reward model or judge behind a server. */
import { roles, stringAt, type Turns, type Utf8 } from '../batch.ts'
import type { ServedConfig } from '../config-schema.ts'
import { PendingError, UserError } from '../errors.ts'
import type { Scorer, Side } from '../scorer.ts'
import { type Message, rendererIn } from './conversation.ts'
import { HttpClient, Refused } from './http-client.ts'
import { driftOf, faultOf, PROBES } from './probes.ts'
import { batchOfProtocol, type Call, callOf, type Input, judgeCall } from './protocols.ts'

const PROBE_RETRIES = 1
export interface Served extends ServedConfig {
  /** Folder of tokenizer_config.json and chat template, where the config names one. */
  readonly folder?: string
}

/** Connects to the server and tries it; one that is down, refuses the key or gives no usable scores is a UserError. */
export async function openHttp(name: string, served: Served, digest: string): Promise<Scorer> {
  const scorer = new HttpScorer(name, served, digest)
  await scorer.open()
  const shared = { id: scorer.id, close: async () => undefined }
  // who has `margins` is taken for a judge
  if (served.protocol !== 'openai') return { ...shared, score: (prompt, responses) => scorer.score(prompt, responses) }
  const score = (): Promise<never> => Promise.reject(new Error(`${scorer.id}: a judge compares, it gives no scores`))
  return { ...shared, score, margins: (a, b) => scorer.margins(a, b) }
}

class HttpScorer {
  readonly id: string
  readonly #label: string
  readonly #served: Served
  readonly #client: HttpClient
  readonly #render: ((messages: readonly Message[]) => string) | undefined
  #batch: number
  #squashed = false
  #down: PendingError | undefined

  constructor(name: string, served: Served, digest: string) {
    this.id = `${name} ${digest}`
    this.#label = `models.${name}`
    this.#served = served
    const key = served.key_env === undefined ? undefined : process.env[served.key_env]
    if (served.key_env !== undefined && !key)
      throw new UserError(`${this.#label}: key_env: the environment variable ${served.key_env} is not set; export it and run again`)
    const { concurrency, timeout_ms, retries } = served
    this.#client = new HttpClient({ url: served.http.replace(/\/+$/, ''), key, concurrency, timeout_ms, retries })
    this.#render = served.folder === undefined ? undefined : rendererIn(this.#label, served.folder)
    this.#batch = batchOfProtocol(served.protocol, this.#render !== undefined, served.batch)
  }

  async open(): Promise<void> {
    if (this.#served.protocol === 'tei') {
      const most = (await this.#client.number('/info', 'max_client_batch_size')) ?? this.#batch
      if (Number.isInteger(most) && most > 0) this.#batch = Math.min(this.#batch, most)
    }
    if (this.#served.protocol === 'openai') return this.#tryJudge()
    const alone = await this.#probe(PROBES)
    const again = (await this.#probe([...PROBES].reverse())).reverse()
    const fault = faultOf(alone) ?? driftOf(alone, again, 'with the order of the texts', 'its padding')
    if (fault !== undefined) throw this.#unusable(fault)
    this.#squashed = alone.every(score => score >= 0 && score <= 1)
    if (!this.#squashed) return
    if (this.#served.squashed === 'refuse')
      throw this.#unusable('all its scores lie within 0 and 1: it applies a sigmoid; switch that off, or set squashed: logit')
    if (alone.some(score => score === 0 || score === 1))
      throw this.#unusable('its scores are cut to 0 and 1 by a sigmoid, which cannot be undone; switch the activation off on the server')
  }

  async score(prompt: Turns, responses: Utf8): Promise<Float32Array> {
    const rows = responses.offsets.length - 1
    const scores = new Float32Array(rows).fill(Number.NaN)
    const cuts = Array.from({ length: Math.ceil(rows / this.#batch) }, (_, i) => [i * this.#batch, Math.min(rows, (i + 1) * this.#batch)])
    await Promise.all(
      cuts.map(async ([from, to]) => {
        const inputs = Array.from({ length: to - from }, (_, i) => this.#input(turnsAt(prompt, from + i), stringAt(responses, from + i)))
        scores.set(await this.#scoreInputs(inputs), from)
      }),
    )
    return this.#squashed ? scores.map(logit) : scores
  }

  /** Half the difference of the log-odds in both orders: what a judge gives to a place cancels out. */
  async margins(a: Side, b: Side): Promise<Float32Array> {
    const rows = a.responses.offsets.length - 1
    const margins = new Float32Array(rows)
    await Promise.all(
      Array.from({ length: rows }, async (_, i) => {
        const conversation = written(turnsAt(a.prompt, i))
        const [ours, theirs] = [stringAt(a.responses, i), stringAt(b.responses, i)]
        const ask = (first: string, second: string): Promise<number> =>
          this.#askOne(judgeCall(this.#served.model, conversation, first, second)).then(([odds]) => odds)
        const [ahead, behind] = await Promise.all([ask(ours, theirs), ask(theirs, ours)])
        margins[i] = (ahead - behind) / 2
      }),
    )
    return margins
  }

  #input(prompt: readonly Message[], response: string): Input {
    const messages = [...prompt, { role: 'assistant', content: response }]
    return { messages, text: this.#render?.(messages) }
  }

  #call(inputs: readonly Input[]): Call {
    return callOf(this.#served.protocol as 'vllm', this.#served.model, inputs)
  }

  /** A batch that is refused for one of its texts is halved until that text is alone; it is then unscored. */
  async #scoreInputs(inputs: readonly Input[]): Promise<readonly number[]> {
    if (inputs.length === 1) return this.#askOne(this.#call(inputs))
    if (this.#down) throw this.#down
    try {
      return await this.#client.ask(this.#call(inputs))
    } catch (error) {
      if (!(error instanceof Refused) || isSettled(error.status)) throw this.#failed(error)
    }
    const half = Math.ceil(inputs.length / 2)
    const parts = await Promise.all([this.#scoreInputs(inputs.slice(0, half)), this.#scoreInputs(inputs.slice(half))])
    return parts.flat()
  }

  async #askOne(call: Call): Promise<readonly number[]> {
    if (this.#down) throw this.#down
    try {
      return await this.#client.ask(call)
    } catch (error) {
      if (!(error instanceof Refused) || isSettled(error.status)) throw this.#failed(error)
      if (error.again) await this.#checkAlive(error)
      return [Number.NaN]
    }
  }

  /** The breaker: a text failed for good; where the server answers no other either it is down, and nothing more is sent. */
  async #checkAlive(error: Refused): Promise<void> {
    try {
      await this.#client.ask(this.#probeCall(), PROBE_RETRIES)
    } catch (probe) {
      const why = probe instanceof Refused ? probe.message : error.message
      this.#down ??= new PendingError(
        `${this.#label}: ${this.#served.http}: the server does not answer any more (${why}); the scores it gave are kept: run again once it is up`,
      )
      throw this.#down
    }
  }

  /** What ends the run: a refused key or a wrong model. */
  #failed(error: unknown): Error {
    if (!(error instanceof Refused)) return error as Error
    const { http, model, protocol, key_env } = this.#served
    const hint =
      error.status === 401 || error.status === 403
        ? key_env
          ? `look at the key in ${key_env}`
          : 'set key_env to the environment variable that holds its key'
        : `look at protocol (${protocol}) and model (${model})`
    return new UserError(`${this.#label}: ${http}: ${error.message}; ${hint}`)
  }

  #probeCall(): Call {
    const [question, answer] = PROBES[0]
    if (this.#served.protocol === 'openai')
      return judgeCall(this.#served.model, written([{ role: 'user', content: question }]), answer, PROBES[1][1])
    return this.#call([this.#input([{ role: 'user', content: question }], answer)])
  }

  async #probe(texts: typeof PROBES): Promise<number[]> {
    const inputs = texts.map(([question, answer]) => this.#input([{ role: 'user', content: question }], answer))
    const scores: number[] = []
    for (let from = 0; from < inputs.length; from += this.#batch)
      scores.push(...(await this.#atStart(this.#call(inputs.slice(from, from + this.#batch)))))
    return scores
  }

  async #tryJudge(): Promise<void> {
    const [odds] = await this.#atStart(this.#probeCall())
    if (Number.isNaN(odds))
      throw this.#unusable('neither A nor B is among the likeliest first tokens of its verdict; it must answer without thinking first')
  }

  async #atStart(call: Call): Promise<readonly number[]> {
    try {
      return await this.#client.ask(call, PROBE_RETRIES)
    } catch (error) {
      if (error instanceof Refused && error.again)
        throw new UserError(
          `${this.#label}: ${this.#served.http}: the server cannot be used (${error.message}); start it, or mend the address, and run again`,
        )
      throw this.#failed(error)
    }
  }

  #unusable(why: string): UserError {
    return new UserError(`${this.#label}: ${this.#served.http}: ${why}`)
  }
}

/** Answers that no other text would change: refused keys, an unknown path, a wrong model. */
const isSettled = (status: number): boolean => [401, 403, 404, 405, 424].includes(status)

const logit = (p: number): number => (p > 0 && p < 1 ? Math.log(p / (1 - p)) : Number.NaN)

const written = (turns: readonly Message[]): string => turns.map(({ role, content }) => `${role}: ${content}`).join('\n\n')

function turnsAt({ starts, items }: Turns, row: number): Message[] {
  const { role, content } = items.columns
  return Array.from({ length: starts[row + 1] - starts[row] }, (_, k) => ({
    role: roles[role.values[starts[row] + k]],
    content: stringAt(content, starts[row] + k),
  }))
}
