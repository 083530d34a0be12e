import { statSync } from 'node:fs'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, buildOf, openApp, tokensOf } from './app.ts'

let app: App
let cookie: string
beforeAll(async () => {
  app = await openApp(await buildOf(Array.from({ length: 4 }, () => ({}))))
  cookie = `goldpan_review=${tokensOf(app.log).ann}`
})
afterAll(() => app.close())

interface Got {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** Sends exactly this path and these headers: fetch would tidy both. */
function ask(path: string, headers: Record<string, string> = {}, body?: unknown): Promise<Got> {
  const { hostname, port } = new URL(app.address)
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
  return new Promise((done, failed) => {
    const sent = request({ hostname, port, path, method: text === undefined ? 'GET' : 'POST', headers }, response => {
      let got = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (got += part))
      response.on('end', () => done({ status: response.statusCode!, headers: response.headers, body: got }))
    })
    sent.on('error', failed)
    sent.end(text)
  })
}
const own = () => ({ cookie, 'content-type': 'application/json', 'x-goldpan': 'review' })
const post = (path: string, body: unknown, headers: Record<string, string> = {}) => ask(path, { ...own(), ...headers }, body)

describe('the server', () => {
  it('lets nobody in without a token, and turns a token into a cookie that scripts and other sites cannot use', async () => {
    expect((await ask('/')).status).toBe(401)
    expect((await ask('/api/state')).status).toBe(401)
    expect((await ask('/?token=wrong')).status).toBe(401)
    const entered = await ask(`/?token=${tokensOf(app.log).ann}`)
    expect([entered.status, entered.headers.location]).toEqual([303, '/'])
    expect(String(entered.headers['set-cookie'])).toMatch(/HttpOnly; SameSite=Strict; Path=\//)
    expect((await ask('/', { cookie })).body).toContain('<title>goldpan review</title>')
    expect(statSync(`${app.log}.annotators.json`).mode & 0o077).toBe(0)
  })

  it('serves the page under a policy that allows its own two files and nothing inline', async () => {
    const { headers } = await ask('/', { cookie })
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(policy).not.toMatch(/unsafe|\*|data:|http/)
    expect(headers['x-content-type-options']).toBe('nosniff')
  })

  it.each([
    '/../../package.json',
    '/..%2f..%2fpackage.json',
    '/page/../server.js',
    '/%2e%2e/http.js',
    '/app.js/../session.js',
    '//etc/passwd',
    '/judgements.jsonl',
  ])('has no file at %s', async path => {
    const { status, body } = await ask(path, { cookie })
    expect(status).toBe(404)
    expect(body).toBe('{"error":"no such page"}')
  })

  it('bears addresses that are none', async () => {
    expect((await ask('http://[', { cookie })).status).toBe(400)
  })

  it('refuses changes that do not come from its own page', async () => {
    const next = { count: 1, held: [] }
    expect((await post('/api/next', next)).status).toBe(200)
    expect((await post('/api/next', next, { origin: 'https://evil.invalid' })).status).toBe(403)
    expect((await post('/api/next', next, { origin: 'null' })).status).toBe(403)
    expect((await post('/api/next', next, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await post('/api/next', next, { 'content-type': 'text/plain' })).status).toBe(403)
    expect((await ask('/api/next', { cookie, 'content-type': 'application/json' }, next)).status).toBe(403)
    expect((await ask('/', { cookie, host: 'evil.invalid' })).status).toBe(421)
    expect((await ask('/api/answer', { cookie })).status).toBe(404)
  })

  it('refuses answers that make no sense, and says why', async () => {
    const { tasks } = JSON.parse((await post('/api/next', { count: 2, held: [] })).body) as {
      tasks: { pair_id: string; ticket: string; kind: string }[]
    }
    const given = { id: 'x'.repeat(32), ...pick(tasks[0]), outcome: 'left', strength: 2, reason: null, flagged: false, seconds: 1 }
    const errors = async (body: unknown) => {
      const { status, body: text } = await post('/api/answer', body)
      return [status, (JSON.parse(text) as { error?: string }).error]
    }
    expect(await errors({ ...given, outcome: 'up' })).toEqual([400, expect.stringContaining('outcome')])
    expect(await errors({ ...given, strength: 9 })).toEqual([400, expect.stringContaining('strength')])
    expect(await errors({ ...given, pair_id: 'f'.repeat(32) })).toEqual([409, 'this pair is not in the queue of this build'])
    expect(await errors({ ...given, ticket: tasks[1].ticket })).toEqual([409, expect.stringContaining('another session')])
    expect(await errors({ ...given, kind: 'adjudication' })).toEqual([409, expect.stringContaining('no answers of this kind')])
    expect(await errors('{')).toEqual([400, 'the request is not JSON'])
    expect(await errors('x'.repeat(70_000))).toEqual([413, 'the request is too long'])
    expect(app.answers()).toEqual([])
    expect([await errors(given), await errors(given)]).toEqual([
      [200, undefined],
      [200, undefined],
    ])
    expect(app.answers()).toHaveLength(1)
    expect(await errors({ ...given, ...pick(tasks[1]) })).toEqual([409, 'this id belongs to another answer'])
  })

  it('takes one answer back for one undo, however often it is sent', async () => {
    const id = app.answers()[0].id
    for (let i = 0; i < 2; i++) {
      const { task } = JSON.parse((await post('/api/undo', { id })).body) as { task: { pair_id: string } }
      expect(task.pair_id).toMatch(/^[0-9a-f]{32}$/)
      expect(app.answers()).toEqual([])
    }
    expect(JSON.parse((await post('/api/undo', { id: null })).body)).toMatchObject({ task: null, last: null })
  })
})

const pick = ({ pair_id, ticket, kind }: { pair_id: string; ticket: string; kind: string }) => ({ pair_id, ticket, kind })
