/** The review app's server: one page with its files, and five requests. */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { UserError } from '../errors.ts'
import { answerSchema, checkSchema } from '../judgements/answer.ts'
import { compiled } from '../version.ts'
import type { Annotator, Annotators } from './annotators.ts'
import { bodyOf, checkHost, checkOwnPage, cookieOf, cookieWith, HttpError, send, sendJson } from './http.ts'
import { guidelineHtml } from './render.ts'
import { Refused, type Session } from './session.ts'
import { taskKinds } from './tasks.ts'

export interface ServeOptions {
  readonly session: Session
  readonly annotators: Annotators
  readonly guideline: string
  /** The build's name. */
  readonly title: string
  readonly host: string
  readonly port: number
}

const kind = z.enum(taskKinds)
const nextSchema = z.object({
  count: z.int().min(1).max(8),
  held: z.array(z.object({ pair_id: z.string(), kind })).max(16),
})
const givenSchema = answerSchema
  .pick({ id: true, pair_id: true, outcome: true, strength: true, reason: true, flagged: true, seconds: true })
  .extend({ kind, ticket: z.string().max(64) })
const checkedSchema = checkSchema.pick({ id: true, pair_id: true, contaminated: true, reason: true, seconds: true })
const undoSchema = z.object({ id: z.string().nullable() })

/** The page's files by path; nothing else on the disk can be asked for. */
const PAGE: Readonly<Record<string, readonly [string, string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/app.js': ['app.js', 'text/javascript; charset=utf-8'],
  '/elements.js': ['elements.js', 'text/javascript; charset=utf-8'],
  '/requests.js': ['requests.js', 'text/javascript; charset=utf-8'],
  '/app.css': ['app.css', 'text/css; charset=utf-8'],
}

/** Listens; the address is that of the running server. */
export async function serve(options: ServeOptions): Promise<{ server: Server; address: string }> {
  const files = new Map(Object.entries(PAGE).map(([path, [name, type]]) => [path, { body: pageFile(name), type }]))
  const server = createServer((request, response) => {
    handle(options, files, request, response).catch(error => fail(response, error))
  })
  await new Promise<void>((done, failed) => {
    server.once('error', failed)
    server.listen(options.port, options.host, done)
  })
  const { address, port, family } = server.address() as AddressInfo
  return { server, address: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}` }
}

const pageFile = (name: string): Buffer => readFileSync(compiled(`review/page/${name}`))

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy()
  else if (error instanceof HttpError) sendJson(response, error.status, { error: error.message })
  else if (error instanceof Refused) sendJson(response, 409, { error: error.message })
  else if (error instanceof z.ZodError) sendJson(response, 400, { error: `${error.issues[0].path.join('.')}: ${error.issues[0].message}` })
  else {
    console.error(error instanceof UserError ? error.message : (error as Error).stack)
    sendJson(response, 500, { error: 'the server failed; its terminal says why' })
  }
}

type Files = ReadonlyMap<string, { body: Buffer; type: string }>

async function handle(options: ServeOptions, files: Files, request: IncomingMessage, response: ServerResponse): Promise<void> {
  checkHost(request, ['127.0.0.1', '::1', 'localhost'].includes(options.host))
  const { pathname, searchParams } = addressOf(request)
  const token = searchParams.get('token')
  if (request.method === 'GET' && pathname === '/' && token !== null) return enter(options, token, response)
  const file = files.get(pathname)
  const who = options.annotators.withToken(cookieOf(request) ?? '')
  if (request.method === 'GET' && file && (who || pathname !== '/')) return send(response, 200, file.type, file.body)
  if (!who) throw new HttpError(401, 'open the address with your token that `goldpan review` printed')
  if (request.method === 'GET' && pathname === '/api/state') return sendJson(response, 200, stateOf(options, who))
  if (request.method !== 'POST') throw new HttpError(file ? 405 : 404, 'no such page')
  checkOwnPage(request)
  const change = CHANGES[pathname]
  if (!change) throw new HttpError(404, 'no such request')
  sendJson(response, 200, await change(options.session, who, await bodyOf(request)))
}

function addressOf(request: IncomingMessage): URL {
  try {
    return new URL(request.url ?? '/', 'http://host')
  } catch {
    throw new HttpError(400, 'this is no address')
  }
}

/** The token leaves the address bar and becomes a cookie. */
function enter({ annotators }: ServeOptions, token: string, response: ServerResponse): void {
  if (!annotators.withToken(token)) throw new HttpError(401, 'no annotator has this token')
  send(response, 303, 'text/plain; charset=utf-8', '', { location: '/', 'set-cookie': cookieWith(token) })
}

const stateOf = ({ session, guideline, title }: ServeOptions, who: Annotator) => ({
  ...who,
  title,
  guideline: guidelineHtml(guideline),
  protocol: session.options.protocol,
  ...after(session, who),
})

/** What changes with every answer. */
const after = (session: Session, who: Annotator) => ({ progress: session.progress(who), last: session.lastOf(who) })

type Change = (session: Session, who: Annotator, body: unknown) => Promise<object>
const CHANGES: Readonly<Record<string, Change>> = {
  '/api/next': async (session, who, body) => {
    const { count, held } = nextSchema.parse(body)
    const tasks = await session.next(who, count, held, Date.now())
    return { tasks, ...after(session, who) }
  },
  '/api/answer': async (session, who, body) => {
    session.answer(who, givenSchema.parse(body), new Date())
    return after(session, who)
  },
  '/api/check': async (session, who, body) => {
    session.check(who, checkedSchema.parse(body), new Date())
    return after(session, who)
  },
  '/api/undo': async (session, who, body) => {
    const task = (await session.undo(who, undoSchema.parse(body).id, new Date())) ?? null
    return { task, ...after(session, who) }
  },
}
