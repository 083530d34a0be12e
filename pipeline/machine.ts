/** Whether this machine can build: Node, native parts, memory, files, disk, and the store. */
import { accessSync, constants, existsSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism, freemem, tmpdir, totalmem } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { compiled } from './kernels/native.ts'
import { bytesText, grouped } from './report/table.ts'

export interface Health {
  readonly name: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly found: string
  /** What to do; of all but `ok`. */
  readonly fix?: string
}

const ok = (name: string, found: string): Health => ({ name, state: 'ok', found })
const warn = (name: string, found: string, fix: string): Health => ({ name, state: 'warn', found, fix })
const fail = (name: string, found: string, fix: string): Health => ({ name, state: 'fail', found, fix })

export async function healthOf(store: string): Promise<Health[]> {
  return [
    nodeVersion(process.versions.node),
    ...(await natives()),
    kernels(),
    memory(),
    openFiles(),
    disk('temporary files', tmpdir()),
    ...storeHealth(store),
  ]
}

const LEAST_NODE = [20, 19] as const

export function nodeVersion(version: string): Health {
  const [major, minor] = version.split('.').map(Number)
  const found = `Node ${version}, ${process.platform} ${process.arch}, ${availableParallelism()} cores`
  return major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])
    ? ok('node', found)
    : fail('node', found, `install Node ${LEAST_NODE.join('.')} or later`)
}

interface Part {
  readonly name: string
  readonly what: string
  readonly optional?: boolean
  load(): Promise<unknown>
}

/** Each is loaded and made to do something small, in a function of its own so that one that fails says so alone. */
const PARTS: readonly Part[] = [
  {
    name: '@duckdb/node-api',
    what: 'SQL, verify, explain and reports',
    load: async () => {
      const { default: duckdb } = (await import('@duckdb/node-api')) as unknown as { default: typeof import('@duckdb/node-api') }
      const { DuckDBInstance } = duckdb
      const instance = await DuckDBInstance.create(':memory:')
      instance.closeSync()
    },
  },
  { name: '@toondepauw/node-zstd', what: 'Zstandard', load: () => import('@toondepauw/node-zstd') },
  { name: 'usearch', what: 'nearest neighbours of semantic-dup', load: () => import('usearch') },
  { name: 'lmdb', what: 'scores of reward models', load: () => import('lmdb') },
  { name: 'onnxruntime-node', what: 'reward models in ONNX files', optional: true, load: () => import('onnxruntime-node') },
]

async function natives(): Promise<Health[]> {
  const all: Health[] = []
  for (const { name, what, optional, load } of PARTS) {
    try {
      await load()
      all.push(ok(name, `loads (${what})`))
    } catch (error) {
      const found = `does not load (${what}): ${(error as Error).message.split('\n')[0]}`
      const fix = `npm install ${name} on this machine; native parts do not move between systems`
      all.push(optional ? warn(name, found, fix) : fail(name, found, fix))
    }
  }
  return all
}

function kernels(): Health {
  const missing = ['bands', 'hash', 'quality', 'sets', 'signatures', 'style', 'terms', 'tables', 'tokens', 'trees'].filter(
    name => !compiled(name),
  )
  return missing.length === 0
    ? ok('kernels', 'compiled kernels are there')
    : warn('kernels', `no compiled ${missing.join(', ')}: plain TypeScript does the same, more slowly`, 'npm run build')
}

const DEFAULT_MEMORY = 4 * 2 ** 30
/** Of a run without workers. */
const LEAST_MEMORY = 640 * 2 ** 20

function memory(): Health {
  const limit = process.constrainedMemory()
  const allowed = limit > 0 && limit < totalmem() ? limit : totalmem()
  const found = `${bytesText(allowed)}${allowed < totalmem() ? ` allowed of ${bytesText(totalmem())}` : ''}, ${bytesText(freemem())} free`
  if (allowed < LEAST_MEMORY) return fail('memory', found, `a build needs ${bytesText(LEAST_MEMORY)}`)
  if (allowed < DEFAULT_MEMORY) return warn('memory', found, `goldpan run --memory ${Math.floor((0.8 * allowed) / 2 ** 20)}MiB`)
  return ok('memory', found)
}

const LEAST_FILES = 1024

function openFiles(): Health {
  const { userLimits } = process.report.getReport() as unknown as { userLimits?: Record<string, { soft: number | string }> }
  const soft = userLimits?.open_files?.soft
  if (soft === undefined) return ok('open files', 'this system states no limit')
  const found = `${soft} at once`
  return soft === 'unlimited' || Number(soft) >= LEAST_FILES
    ? ok('open files', found)
    : warn('open files', found, `ulimit -n ${LEAST_FILES}`)
}

const LITTLE_DISK = 2 * 2 ** 30
const NO_DISK = 64 * 2 ** 20

/** Room and leave to write where the folder is or will be. */
function disk(name: string, folder: string): Health {
  const there = nearest(resolve(folder))
  const { bavail, bsize } = statfsSync(there)
  const found = `${bytesText(bavail * bsize)} free at ${there}`
  try {
    accessSync(there, constants.W_OK)
    const probe = mkdtempSync(join(there, '.goldpan-doctor-'))
    writeFileSync(join(probe, 'x'), 'x')
    rmSync(probe, { recursive: true })
  } catch (error) {
    return fail(
      name,
      `${there} cannot be written (${(error as NodeJS.ErrnoException).code})`,
      'choose another folder, or ask for leave to write there',
    )
  }
  if (bavail * bsize < NO_DISK) return fail(name, found, 'make room, or choose another disk')
  return bavail * bsize < LITTLE_DISK ? warn(name, found, '`goldpan plan CONFIG` says how much a build takes') : ok(name, found)
}

const nearest = (folder: string): string => (existsSync(folder) ? folder : nearest(dirname(folder)))

const STALE_MS = 24 * 3600 * 1000

function storeHealth(store: string): Health[] {
  const room = disk('store', store)
  if (!existsSync(store)) return [{ ...room, found: `${store} is not there yet; ${room.found}` }]
  const objects = join(store, 'objects')
  if (!existsSync(objects))
    return [fail('store', `${store} is no store: it has no folder objects`, 'name another with --store or GOLDPAN_STORE')]
  let [entries, bytes, empty] = [0, 0, 0]
  for (const folder of readdirSync(objects))
    for (const file of readdirSync(join(objects, folder))) {
      const { size } = statSync(join(objects, folder, file))
      entries++
      bytes += size
      if (size === 0) empty++
    }
  const counted = `${grouped(entries)} entries, ${bytesText(bytes)} in ${store}`
  return [
    room,
    empty > 0
      ? warn('store entries', `${counted}; ${grouped(empty)} are empty`, 'the next run makes them again')
      : ok('store entries', counted),
    ...leftovers(store),
  ]
}

/** Files that writers left behind when they were killed. */
function leftovers(store: string): Health[] {
  const folder = join(store, 'tmp')
  if (!existsSync(folder)) return []
  const now = Date.now()
  const stale = readdirSync(folder).filter(file => now - statSync(join(folder, file)).mtimeMs > STALE_MS)
  return stale.length > 0
    ? [warn('store leftovers', `${grouped(stale.length)} unfinished files older than a day`, `rm ${join(folder, '*')} while no build runs`)]
    : []
}
