/** A reward model in an ONNX folder, scored in a child process that may die without harm. */
import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { type Batch, batchOf, slice, type Turns, turnsOf, type Utf8 } from '../batch.ts'
import { UserError } from '../errors.ts'
import { gather } from '../gather.ts'
import type { Embedder, Scorer } from '../scorer.ts'
import { compiled } from '../version.ts'
import type { Answer, Chunk, Request, Scored } from './onnx-child.ts'

const CHUNK_ROWS = 32
/** How often the process may die over the same texts before they are taken to be its death. */
const MOST_DEATHS = 3
/** Why a process ends that nothing was wrong with. */
const LACKING = 'it may lack memory: use fewer --threads or a smaller model'

/** Opens the model of a folder; `digest` names the content of all its files. A folder that cannot be used is a UserError. */
export async function openOnnx(name: string, folder: string, digest: string): Promise<OnnxScorer> {
  const scorer = new OnnxScorer(name, folder, digest)
  await scorer.open()
  return scorer
}

/** Opens the model of a folder and tries it; scores that are none, or that depend on anything but the text, are a UserError with the figure. */
export async function openTriedOnnx(name: string, folder: string, digest: string): Promise<OnnxScorer> {
  const scorer = await openOnnx(name, folder, digest)
  await scorer.tried().catch(async error => {
    await scorer.close()
    throw error
  })
  return scorer
}

/** Opens the embedding model of a folder; `named` is what complaints call it. */
export async function openOnnxEmbedder(named: string, folder: string): Promise<Embedder> {
  const model = new OnnxScorer(named, folder, '', true)
  await model.open()
  return model
}

export class OnnxScorer implements Scorer, Embedder {
  readonly id: string
  /** Numbers a text: one of a reward model. */
  dims = 1
  /** What complaints call it. */
  readonly #label: string
  readonly #folder: string
  readonly #embeds: boolean
  #child: ChildProcess | undefined
  #stderr = ''
  #last: Promise<unknown> = Promise.resolve()

  constructor(name: string, folder: string, digest: string, embeds = false) {
    this.id = `${name} ${digest}`
    this.#label = embeds ? `onnx ${name}` : `models.${name}`
    this.#folder = folder
    this.#embeds = embeds
  }

  /** The process that scores; tests end it to see it replaced. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Starts the process and loads the model; one that is ended from outside while it loads gets a new one. */
  async open(): Promise<void> {
    for (let deaths = 0; deaths < MOST_DEATHS; deaths++) if (await this.#loaded()) return
    throw new UserError(
      `${this.#label}: ${this.#folder}: the scoring process ended ${MOST_DEATHS} times while it loaded the model${this.#said()}; ${LACKING}`,
    )
  }

  async #loaded(): Promise<boolean> {
    this.#stderr = ''
    const child = fork(compiled('scorers/onnx-child.js'), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
    })
    // a message that cannot be sent is told where it is sent
    child.on('error', () => undefined)
    child.stderr!.on('data', (text: Buffer) => {
      this.#stderr = (this.#stderr + text).slice(-2000)
    })
    this.#child = child
    const answer = await this.#ask({ open: { label: this.#label, folder: this.#folder, embeds: this.#embeds } }).catch(error => {
      child.disconnect()
      throw error
    })
    if (answer && 'dims' in answer) this.dims = answer.dims
    return answer !== undefined
  }

  async tried(): Promise<void> {
    if ((await this.#ask({ try: true })) === undefined)
      throw new UserError(`${this.#label}: ${this.#folder}: the scoring process ended while it was tried${this.#said()}`)
  }

  /** Calls queue: one text is scored at a time. */
  score(prompt: Turns, responses: Utf8, cut?: Uint8Array): Promise<Float32Array> {
    const scored = this.#last.then(() => this.#scoreAll(prompt, responses, cut))
    this.#last = scored.catch(() => undefined)
    return scored
  }

  embed(prompts: Turns, rows: number): Promise<Float32Array> {
    return this.score(prompts, { bytes: new Uint8Array(0), offsets: new Int32Array(rows + 1) })
  }

  async close(): Promise<void> {
    await this.#last
    const child = this.#child
    this.#child = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.ref()
    child.disconnect()
    await ended
  }

  async #scoreAll(prompt: Turns, responses: Utf8, cut?: Uint8Array): Promise<Float32Array> {
    const rows = responses.offsets.length - 1
    const schema = { prompt: turnsOf, responses: 'utf8' } as const
    const whole = batchOf(schema, rows, { prompt, responses })
    const scores = new Float32Array(rows * this.dims)
    for (let from = 0; from < rows; from += CHUNK_ROWS) {
      const chunk = packed(slice(whole, from, Math.min(rows, from + CHUNK_ROWS)))
      const answer = await this.#scoreChunk({ rows: chunk.rows, ...chunk.columns } as unknown as Chunk)
      scores.set(answer.scores, from * this.dims)
      cut?.set(answer.cut, from)
    }
    return scores
  }

  /** A chunk is answered whole or not at all, so a process that dies loses nothing and nothing is counted twice. */
  async #scoreChunk(chunk: Chunk): Promise<Scored> {
    for (let deaths = 0; deaths < MOST_DEATHS; deaths++) {
      if (!this.#alive()) await this.open()
      const answer = await this.#ask({ score: chunk })
      if (answer && 'scores' in answer) return answer
    }
    const what = `the scoring process ended ${MOST_DEATHS} times over the same ${chunk.rows} texts${this.#said()}`
    throw new UserError(`${this.#label}: ${this.#folder}: ${what}; ${LACKING}`)
  }

  #alive(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null && this.#child.connected
  }

  #said(): string {
    const line = this.#stderr.trim().split('\n').at(-1)
    return line ? ` (it last said: ${line})` : ''
  }

  /** The answer, or undefined where the process died first. */
  #ask(request: Request): Promise<Answer | undefined> {
    const child = this.#child!
    hold(child)
    return new Promise((resolve, reject) => {
      const done = (answer: Answer | undefined): void => {
        child.off('message', heard).off('exit', died).off('error', died)
        release(child)
        if (answer && 'failed' in answer) reject(answer.user ? new UserError(answer.failed) : withStack(answer))
        else resolve(answer)
      }
      const heard = (answer: unknown): void => done(answer as Answer)
      const died = (): void => {
        // a process that was just killed may still look alive: the next chunk gets a new one
        if (this.#child === child) this.#child = undefined
        child.kill('SIGKILL')
        done(undefined)
      }
      child.once('message', heard).once('exit', died).once('error', died)
      child.send(request, error => {
        if (error) died()
      })
    })
  }
}

/** A process that is idle keeps nobody from ending; one that is asked does. */
function hold(child: ChildProcess): void {
  child.ref()
  child.channel?.ref()
}
function release(child: ChildProcess): void {
  child.unref()
  child.channel?.unref()
  ;(child.stderr as Socket | null)?.unref()
}

/** Copies a slice's rows out of the bytes they lie in, so that nothing else crosses to the child. */
const packed = (batch: Batch<{ prompt: typeof turnsOf; responses: 'utf8' }>): Batch<{ prompt: typeof turnsOf; responses: 'utf8' }> =>
  gather(
    batch,
    Int32Array.from({ length: batch.rows }, (_, i) => i),
  )

function withStack({ failed, stack }: { failed: string; stack?: string }): Error {
  const error = new Error(failed)
  error.stack = stack
  return error
}
