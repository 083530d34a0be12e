/** Requests to one scoring server: bounded, paced by what it bears, tried again where that can help. */
import { DelegateBackoff, handleWhen, type IRetryBackoffContext, retry } from 'cockatiel'
import type { Call } from './protocols.ts'

/** Why a request got no answer. `again`: a later try may get one. `status` 0 = no whole answer came. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: number
  readonly again: boolean
  readonly wait_ms: number | undefined

  constructor(message: string, status: number, again: boolean, wait_ms?: number) {
    super(message)
    this.status = status
    this.again = again
    this.wait_ms = wait_ms
  }
}

export interface ClientOptions {
  readonly url: string
  /** Goes into the header Authorization and nowhere else. */
  readonly key?: string
  readonly concurrency: number
  readonly timeout_ms: number
  readonly retries: number
  /** First pause before a second try; doubled at each further one. */
  readonly pause_ms?: number
}

const LONGEST_PAUSE_MS = 30_000
const FIRST_LIMIT = 8
/** Rounds that must go well before a server that has had too much is given one request more; doubled each time it has too much again. */
const FIRST_PATIENCE = 128

export class HttpClient {
  readonly #options: ClientOptions
  readonly #waiting: (() => void)[] = []
  #limit: number
  #running = 0
  #calm = 0
  /** Rounds to the next growth; 0 = the server has never had too much. */
  #patience = 0
  /** When the server last began to refuse, and how few at a time it is known to bear. */
  #crowded_at = 0
  #borne = 1
  #resumes = 0

  constructor(options: ClientOptions) {
    this.#options = options
    this.#limit = Math.min(FIRST_LIMIT, options.concurrency)
  }

  /** The numbers that the server answers; a Refused where it gives none after all tries. */
  ask(call: Call, retries = this.#options.retries): Promise<readonly number[]> {
    const backoff = new DelegateBackoff<IRetryBackoffContext<unknown>>(({ attempt, result }) => this.#pause(attempt, result))
    const tries = retry(
      handleWhen(error => error instanceof Refused && error.again),
      { maxAttempts: retries, backoff },
    )
    return tries.execute(() => this.#withinLimit(() => this.#once(call)))
  }

  /** A number from GET path, if the server has one under that name. */
  async number(path: string, name: string): Promise<number | undefined> {
    try {
      const response = await fetch(this.#options.url + path, {
        headers: this.#headers(),
        signal: AbortSignal.timeout(this.#options.timeout_ms),
        redirect: 'error',
      })
      const said = parsed(await bodyOf(response, performance.now() + this.#options.timeout_ms)) as Record<string, unknown>
      return typeof said[name] === 'number' ? said[name] : undefined
    } catch {
      return undefined
    }
  }

  #pause(attempt: number, result: unknown): number {
    const { pause_ms = 250 } = this.#options
    const grown = Math.min(LONGEST_PAUSE_MS, pause_ms * 2 ** attempt)
    const asked = (result as { error?: Refused } | undefined)?.error?.wait_ms ?? 0
    // half of it by chance, so that those refused together do not come back together
    return Math.max(asked, grown / 2 + (grown / 2) * Math.random())
  }

  async #withinLimit<T>(work: () => Promise<T>): Promise<T> {
    while (this.#running >= this.#limit) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#running++
    try {
      const pause = this.#resumes - Date.now()
      if (pause > 0) await new Promise(resolve => setTimeout(resolve, pause))
      return await this.#paced(work)
    } finally {
      this.#running--
      for (let free = this.#limit - this.#running; free > 0 && this.#waiting.length > 0; free--) this.#waiting.shift()!()
    }
  }

  async #paced<T>(work: () => Promise<T>): Promise<T> {
    const sent = performance.now()
    try {
      const answer = await work()
      this.#grow()
      return answer
    } catch (error) {
      if (error instanceof Refused && error.again) this.#shrink(error, sent)
      throw error
    }
  }

  /** Once as many as are allowed went well, twice as many; rarely one more for a server that has once had too much. */
  #grow(): void {
    if (++this.#calm < this.#limit * Math.max(1, this.#patience)) return
    this.#calm = 0
    this.#limit = Math.min(this.#options.concurrency, this.#patience > 0 ? this.#limit + 1 : this.#limit * 2)
  }

  /**
   * As many at a time as a server keeps that says it has too much to do: those that it has neither answered nor refused. A fault of one text
   * says nothing of that.
   */
  #shrink({ status, wait_ms }: Refused, sent: number): void {
    if (wait_ms !== undefined) this.#resumes = Math.max(this.#resumes, Date.now() + wait_ms)
    if (status !== 429 && status !== 503) return
    this.#calm = 0
    if (sent >= this.#crowded_at) {
      this.#crowded_at = performance.now()
      this.#patience = Math.max(FIRST_PATIENCE, this.#patience * 2)
      this.#borne = Math.ceil(this.#limit / 2)
    }
    // a little fewer, for some were taken only when others were done; never below what went well before
    this.#limit = Math.min(this.#limit, Math.max(this.#borne, Math.floor(0.9 * (this.#running - 1))))
  }

  #headers(): Record<string, string> {
    const { key } = this.#options
    return { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) }
  }

  async #once(call: Call): Promise<readonly number[]> {
    const { url, timeout_ms } = this.#options
    let status = 0
    let text: string
    let wait: string | null
    try {
      const signal = AbortSignal.timeout(timeout_ms)
      const deadline = performance.now() + timeout_ms
      const response = await fetch(url + call.path, {
        method: 'POST',
        headers: this.#headers(),
        body: JSON.stringify(call.body),
        signal,
        redirect: 'error',
      })
      status = response.status
      wait = response.headers.get('retry-after')
      text = await bodyOf(response, deadline)
    } catch (error) {
      throw new Refused(this.#reason(error as Error), 0, true)
    }
    if (status === 429 || status >= 500) throw new Refused(this.#quote(status, text), status, true, waitOf(wait))
    if (status >= 400) throw new Refused(this.#quote(status, text), status, false)
    const said = call.read(parsed(text))
    if (!said) throw new Refused(`${call.path} answered something else than scores: ${this.#hidden(text).slice(0, 120)}`, status, true)
    return said
  }

  #reason(error: Error): string {
    if (error.name === 'TimeoutError') return `no answer within ${this.#options.timeout_ms} ms`
    const { code, message } = (error.cause ?? error) as { code?: string; message: string }
    return this.#hidden(code ?? message)
  }

  #quote(status: number, text: string): string {
    return `HTTP ${status}: ${this.#hidden(text).slice(0, 200)}`
  }

  /** In one line, without codes that a terminal obeys; a server may repeat what it was sent. */
  #hidden(text: string): string {
    const { key } = this.#options
    const shown = text.slice(0, 10_000)
    return (key ? shown.replaceAll(key, '***') : shown).replaceAll(/[\s\p{Cc}]+/gu, ' ')
  }
}

/** Answers are numbers, at most a few for every text of a batch; what is longer is none. */
const MOST_BYTES = 16 * 2 ** 20

/** The text of an answer; a server that sends without end is left, before it fills the memory. */
async function bodyOf(response: Response, deadline: number): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.length
    if (bytes > MOST_BYTES) throw new Error(`it sends more than ${MOST_BYTES / 2 ** 20} MiB`)
    if (performance.now() > deadline) throw new DOMException('too slow', 'TimeoutError')
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Retry-After in seconds or as a date. */
function waitOf(header: string | null): number | undefined {
  if (header === null) return undefined
  const ms = /^\d+(\.\d+)?$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), 10 * LONGEST_PAUSE_MS) : undefined
}
