/**
 * Loaded before goldpan (`node --require`): lets one operation on files go wrong. A fault point is an operation and the place where it is done,
 * such as `linkSync store/objects`. GOLDPAN_FAULT = {roots: {name: folder}, log?, point?, nth?, kind?}.
 */
const fs = require('node:fs')
const { syncBuiltinESMExports } = require('node:module')
const { isMainThread } = require('node:worker_threads')

const { roots, log, point, nth, kind } = JSON.parse(process.env.GOLDPAN_FAULT)
const counts = new Map()
const paths = new Map()
const real = { ...fs }
const WRITES = new Set(['writevSync', 'writeSync', 'writeFileSync'])

/** Where a file lies, without what differs from run to run. */
function placeOf(path) {
  for (const [name, root] of Object.entries(roots)) {
    if (!String(path).startsWith(root)) continue
    const [first = '', ...rest] = String(path).slice(root.length + 1).split('/')
    return `${name}/${name === 'out' ? [first, ...rest].join('/').replaceAll(/\d+/g, 'N') : first}`
  }
  return undefined
}

function die() {
  process.kill(process.pid, 'SIGKILL')
  for (;;) {}
}

function half(op, args) {
  const [target, data] = args
  if (op === 'writevSync') {
    const all = Buffer.concat(data)
    real.writeSync(target, all.subarray(0, all.length >> 1))
  } else if (op === 'writeSync') real.writeSync(target, data.subarray(0, data.length >> 1))
  else real.writeFileSync(target, String(data).slice(0, String(data).length >> 1))
}

function fail(op, args) {
  if (kind === 'before') die()
  if (kind === 'half') {
    half(op, args)
    die()
  }
  if (kind === 'after') {
    real[op](...args)
    die()
  }
  if (kind === 'worker') process.exit(1)
  throw Object.assign(new Error(`${kind}: ${op}`), { code: kind, syscall: op })
}

function wrap(op, pathOf) {
  fs[op] = (...args) => {
    const place = placeOf(pathOf(args))
    if (place === undefined) return real[op](...args)
    const id = `${op} ${place}`
    const count = (counts.get(id) ?? 0) + 1
    counts.set(id, count)
    if (id === point && count === nth && isMainThread !== (kind === 'worker')) return fail(op, args)
    const result = real[op](...args)
    if (op === 'openSync') paths.set(result, args[0])
    return result
  }
}

for (const op of ['openSync', 'writeFileSync', 'rmSync', 'mkdirSync', 'renameSync', 'copyFileSync']) wrap(op, ([path]) => path)
wrap('linkSync', ([, to]) => to)
for (const op of ['writevSync', 'writeSync', 'fsyncSync', 'readSync']) wrap(op, ([fd]) => paths.get(fd) ?? '')
syncBuiltinESMExports()

if (log && isMainThread)
  process.on('exit', () => real.writeFileSync(log, JSON.stringify(Object.fromEntries([...counts].map(([id, n]) => [id, { n, write: WRITES.has(id.split(' ')[0]) }])))))
