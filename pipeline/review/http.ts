/** The small part of HTTP that the review app needs, with everything refused that it does not. */
import type { IncomingMessage, ServerResponse } from 'node:http'

const SECURITY: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

const COOKIE = 'goldpan_review'
const LONGEST_BODY = 64 * 1024

/** An answer of the server that is an error; `message` is for people. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Buffer,
  more: Record<string, string> = {},
): void {
  response.writeHead(status, { ...SECURITY, 'content-type': type, 'content-length': Buffer.byteLength(body), ...more })
  response.end(body)
}

export const sendJson = (response: ServerResponse, status: number, value: unknown): void =>
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(value))

/** The cookie's value; undefined where it is not there. */
export function cookieOf(request: IncomingMessage): string | undefined {
  const cookies = (request.headers.cookie ?? '').split(';').map(part => part.trim().split('='))
  return cookies.find(([name]) => name === COOKIE)?.[1]
}

/** No script reads it, and no other site's page sends it. */
export const cookieWith = (token: string): string => `${COOKIE}=${token}; HttpOnly; SameSite=Strict; Path=/; Max-Age=2592000`

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]'])

/** On a loopback address only its own names are served: another name that leads here was made by somebody's DNS. */
export function checkHost(request: IncomingMessage, loopback: boolean): void {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '')
  if (loopback && !LOOPBACK.has(host)) throw new HttpError(421, 'this address is not served here')
}

/** A change comes from our own page or not at all: its origin, its content type and a header that a form cannot send. */
export function checkOwnPage(request: IncomingMessage): void {
  const { origin, host } = request.headers
  const site = request.headers['sec-fetch-site']
  const own = origin === undefined || origin === `http://${host}` || origin === `https://${host}`
  if (!own || (site !== undefined && site !== 'same-origin')) throw new HttpError(403, 'requests of other sites are refused')
  if (!(request.headers['content-type'] ?? '').startsWith('application/json') || request.headers['x-goldpan'] !== 'review')
    throw new HttpError(403, 'requests that are not of the review page are refused')
}

export async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > LONGEST_BODY) throw new HttpError(413, 'the request is too long')
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw new HttpError(400, 'the request is not JSON')
  }
}
