/** A real scoring server on localhost that speaks the wire shapes of vLLM, SGLang, TEI and OpenAI, with faults on demand. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export type Fault = '429' | '500' | '413' | 'hang' | 'half' | 'reversed' | 'reset' | '401' | 'count' | 'endless' | 'codes'

export interface ScoreServer {
  readonly url: string
  /** Bodies as they came, with the path. */
  readonly seen: { path: string; body: Record<string, unknown>; key?: string }[]
  /** Most requests answered at one time. */
  peak: number
  /** The fault of the n-th request from now on; undefined = answer well. */
  fault: (n: number, text: string) => Fault | undefined
  close(): Promise<void>
}

export interface ServerOptions {
  readonly score?: (text: string) => number
  readonly squash?: boolean
  /** What /info says of the largest batch. */
  readonly max_client_batch_size?: number
  readonly delay_ms?: number
  /** Requests at one time; more are refused with 429. */
  readonly most?: number
  /** Chance of A by what the judge sees first and second. */
  readonly judge?: (a: string, b: string) => number
}

/** Grows with length and with the word "good". */
export const plainScore = (text: string): number => text.length / 10 + (text.includes('good') ? 5 : 0) - 3

type Body = { input?: string[]; messages?: { content: string }[]; text?: string[]; inputs?: string[][] }

export async function scoreServer({
  score = plainScore,
  squash = false,
  delay_ms = 0,
  most,
  judge,
  max_client_batch_size = 4,
}: ServerOptions = {}): Promise<ScoreServer> {
  const raw = (text: string): number => (squash ? 1 / (1 + Math.exp(-score(text))) : score(text))
  let running = 0
  let n = 0
  const sockets = new Set<Socket>()
  const answers: Record<string, (body: Body) => object> = {
    '/pooling': ({ messages }) => ({ data: [{ index: 0, data: [raw(messages!.at(-1)!.content)] }] }),
    '/classify': ({ input, text }) =>
      input ? { data: input.map((t, index) => ({ index, probs: [raw(t)] })) } : text!.map(t => ({ embedding: [raw(t)] })),
    '/predict': ({ inputs }) => inputs!.map(pair => [{ label: 'LABEL_0', score: raw(pair.at(-1)!) }]),
    '/v1/chat/completions': ({ messages }) => {
      const [, a, b] = /\[Response A\]\n([\s\S]*?)\n\n\[Response B\]\n([\s\S]*?)\n\n\[The better/.exec(messages![1].content)!
      const p = judge!(a, b)
      const top_logprobs = [
        { token: 'A', logprob: Math.log(p) },
        { token: ' B', logprob: Math.log(1 - p) },
      ]
      return { choices: [{ logprobs: { content: [{ token: 'A', logprob: -0.1, top_logprobs }] } }] }
    },
  }
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    if (request.url === '/info') return response.end(JSON.stringify({ max_client_batch_size }))
    const text = Buffer.concat(parts).toString()
    const body = JSON.parse(text) as Body
    self.seen.push({ path: request.url!, body: body as Record<string, unknown>, key: request.headers.authorization })
    self.peak = Math.max(self.peak, ++running)
    const full = most !== undefined && running > most
    if (delay_ms > 0 && !full) await new Promise(resolve => setTimeout(resolve, delay_ms))
    running--
    const fault = full ? '429' : self.fault(n++, text)
    const whole = JSON.stringify(answers[request.url!](body))
    const fail = (status: number, headers = {}): unknown =>
      response.writeHead(status, headers).end(`{"message":"key ${request.headers.authorization}"}`)
    if (fault === 'hang') return undefined
    if (fault === 'reset') return request.socket.resetAndDestroy()
    if (fault === '429') return fail(429, { 'retry-after': '0.3' })
    if (fault === '500' || fault === '413' || fault === '401') return fail(Number(fault))
    if (fault === 'codes') return response.writeHead(400).end(`\u001b[2J${'.'.repeat(180)}\n${request.headers.authorization}`)
    if (fault === 'endless') return sendForEver(response)
    if (fault === 'half') return response.end(whole.slice(0, whole.length / 2))
    if (fault === 'count') return response.end('{"data":[]}')
    if (fault === 'reversed') return response.end(JSON.stringify({ data: (JSON.parse(whole) as { data: object[] }).data.reverse() }))
    return response.end(whole)
  })
  server.on('connection', socket => sockets.add(socket.on('close', () => sockets.delete(socket))))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const self: ScoreServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    peak: 0,
    fault: () => undefined,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
  return self
}

function sendForEver(response: ServerResponse): void {
  const blank = Buffer.alloc(1 << 20, ' ')
  const more = (): void => {
    while (!response.destroyed && response.write(blank));
    if (!response.destroyed) response.once('drain', more)
  }
  more()
}
