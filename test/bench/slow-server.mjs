/**
 * A server of vLLM's shape (POST /pooling) that works on `slots` requests at a time, `latency_ms` each, lets `queue` more wait, refuses the rest
 * with 429 and Retry-After, and spoils a share of the answers. Started by scoring.mjs with these as JSON; prints its port, and for GET /told
 * answers how much of its time since the last such GET it was at work.
 */
import { createServer } from 'node:http'

const { slots, latency_ms, queue, retry_after, spoilt = {} } = JSON.parse(process.argv[2])
/** Every so many requests: an error, a lost connection, half an answer. */
const { error = 0, reset = 0, half = 0 } = spoilt
let told = { asked: 0, answered: 0, refused: 0, spoilt: 0, busy_ms: 0, from: 0, to: 0 }
const waiting = []
let working = 0

const every = (n, i) => n > 0 && i % n === 0

async function slot() {
  if (working >= slots) await new Promise(resolve => waiting.push(resolve))
  else working++
}
function free() {
  const next = waiting.shift()
  if (next) next()
  else working--
}

async function pooling(request, response) {
  const i = ++told.asked
  told.from ||= performance.now()
  let text = ''
  for await (const part of request) text += part
  if (working >= slots && waiting.length >= queue) {
    told.refused++
    return response.writeHead(429, { 'retry-after': String(retry_after) }).end('{"message":"too much to do"}')
  }
  await slot()
  const start = performance.now()
  await new Promise(resolve => setTimeout(resolve, latency_ms))
  told.to = performance.now()
  told.busy_ms += told.to - start
  free()
  const bad = every(error, i) ? 'error' : every(reset, i) ? 'reset' : every(half, i) ? 'half' : undefined
  if (bad) told.spoilt++
  else told.answered++
  if (bad === 'error') return response.writeHead(500).end('{"message":"out of memory"}')
  if (bad === 'reset') return request.socket.resetAndDestroy()
  const { content } = JSON.parse(text).messages.at(-1)
  const whole = JSON.stringify({ data: [{ index: 0, data: [content.length / 10 - 3] }] })
  return response.end(bad === 'half' ? whole.slice(0, whole.length / 2) : whole)
}

function tell(response) {
  response.end(JSON.stringify(told))
  told = { asked: 0, answered: 0, refused: 0, spoilt: 0, busy_ms: 0, from: 0, to: 0 }
}

const server = createServer((request, response) => (request.url === '/told' ? tell(response) : pooling(request, response)))
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
