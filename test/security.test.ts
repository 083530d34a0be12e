/** What a build must never do: call the network, write secrets, widen file modes, or hand texts of the data over as markup; and what it is made of. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { Bench, lines } from './built.ts'
import { CLI, freshDir, ROOT, rowsOf } from './cli.ts'

const dir = freshDir('security')
const SECRET = 'canary-3f9a1c77d2'
const DATA = join(dir, `data-${SECRET}`)
const tried = join(dir, 'tried')

/** Loaded into every process and worker of goldpan: a socket that would be connected, or a name asked for, is written down and refused. */
const REFUSE = `
const { appendFileSync } = require('node:fs')
const { syncBuiltinESMExports } = require('node:module')
const dgram = require('node:dgram')
const dns = require('node:dns')
const net = require('node:net')
const refuse = what => () => {
  appendFileSync(${JSON.stringify(tried)}, what + '\\n')
  throw new Error(what + ': sockets are refused')
}
net.Socket.prototype.connect = refuse('connect')
dgram.Socket.prototype.bind = dgram.Socket.prototype.send = refuse('datagram')
for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6']) dns[name] = dns.promises[name] = refuse('dns ' + name)
globalThis.fetch = refuse('fetch')
syncBuiltinESMExports()
`

/** Runs a shell command with sockets refused, secrets in the environment, and only the owner's bits in new files. */
function closed(command: string): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `umask 077; ${command}`], {
    cwd: dir,
    encoding: 'utf8',
    env: {
      ...process.env,
      NO_COLOR: '1',
      NODE_OPTIONS: `--require ${join(dir, 'refuse.cjs')}`,
      DATA,
      HF_TOKEN: SECRET,
      OPENAI_API_KEY: SECRET,
      GOLDPAN_API_KEY: SECRET,
    },
  })
  return { code: status, stdout, stderr }
}
const goldpan = (args: string) => closed(`'${process.execPath}' '${CLI}' ${args}`)

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name))
    .filter(path => statSync(path).isFile())
}

/** Without network interfaces nothing, native code included, can reach anybody. Not every machine lets a user do this. */
const NO_NETWORK = spawnSync('unshare', ['-rn', 'true']).status === 0 ? 'unshare -rn ' : ''

let ran: ReturnType<typeof closed>
beforeAll(() => {
  writeFileSync(join(dir, 'refuse.cjs'), REFUSE)
  closed('mkdir -p "$DATA"')
  for (const name of readdirSync(join(ROOT, 'data'))) closed(`cp -r '${join(ROOT, 'data', name)}' "$DATA/"`)
  const text = readFileSync(join(ROOT, 'configs/quickstart.yaml'), 'utf8')
  writeFileSync(join(dir, 'c.yaml'), text.replace(/\.\.\/data(\/[\w./*-]+)/g, '"$${DATA}$1"'))
  ran = closed(`${NO_NETWORK}'${process.execPath}' '${CLI}' run c.yaml --out out --store store --threads 2 --progress plain`)
}, 60_000)

describe('a build whose config names no endpoint', () => {
  it('runs to its end where sockets are refused, and tries none; nor do the commands that read it', () => {
    expect(ran.code, ran.stderr).toBe(0)
    for (const args of [
      'plan c.yaml --store store',
      'verify out',
      'explain out ask:a0',
      'query out "from ledger limit 1"',
      'diff out out',
      'report out',
      'stages',
      'schema',
    ]) {
      const { code, stderr } = goldpan(args)
      expect([0, 2], `${args}: ${stderr}`).toContain(code)
      expect(stderr).not.toContain('sockets are refused')
    }
    expect(existsSync(tried)).toBe(false)
    // The guard itself works, in workers too.
    closed(
      `'${process.execPath}' -e "new (require('worker_threads').Worker)('fetch(0)', { eval: true }).on('error', () => {}); try { require('net').connect(9, '127.0.0.1') } catch {}"`,
    )
    expect(readFileSync(tried, 'utf8').split('\n').sort()).toEqual(['', 'connect', 'fetch'])
  }, 60_000)

  it('writes no value of the environment into any of its files', async () => {
    const files = filesIn(join(dir, 'out'))
    expect(files.length).toBeGreaterThan(8)
    for (const file of files) {
      expect(readFileSync(file).includes(SECRET), file).toBe(false)
      if (!file.endsWith('.parquet')) continue
      const rows = await rowsOf('', `select * from read_parquet('${file}', hive_partitioning = false)`)
      expect(rows.length).toBeGreaterThan(0)
      expect(JSON.stringify(rows).includes(SECRET), file).toBe(false)
    }
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as the config names it
    expect(readFileSync(join(dir, 'out/manifest.json'), 'utf8')).toContain('${DATA}/ask.pair.jsonl')
    expect(`${ran.stdout}${ran.stderr}`).not.toContain(SECRET)
  })

  it('keeps to the umask in the build and in the store', () => {
    closed(`'${process.execPath}' '${CLI}' query out "from ledger" --format parquet --output answer.parquet`)
    const files = [...filesIn(join(dir, 'out')), ...filesIn(join(dir, 'store')), join(dir, 'answer.parquet')]
    expect(files.length).toBeGreaterThan(50)
    expect(files.filter(file => (statSync(file).mode & 0o077) !== 0)).toEqual([])
  })
})

it('texts of the data are no markup of the card, and no key of its header', async () => {
  const bench = new Bench('markup')
  const evil = '---\nlicense: mit\n---\n<script>alert(1)</script>[x](http://e) | `b`'
  const row = (i: number) => ({
    id: evil,
    prompt: `What of ${i}?`,
    chosen: `Good ${i}.`,
    rejected: `Bad ${i} bad.`,
    source: evil,
    license: evil,
    lang: evil,
  })
  const config = bench.config({}, 'steps: [structure]\n')
  writeFileSync(join(config, '../a.jsonl'), lines([row(1), row(2)]))
  writeFileSync(config, readFileSync(config, 'utf8').replace('sources: []', 'sources: [{ path: a.jsonl }]'))
  const { out } = await bench.run(config)
  const card = readFileSync(join(out, 'README.md'), 'utf8')
  const [, header, ...body] = card.split(/^---$/m)
  expect(parse(header)).toMatchObject({ configs: expect.any(Array), pretty_name: 'built' })
  expect(parse(header).license).not.toBe('mit')
  expect(body.join('---')).not.toMatch(/<script|\[x\]\(|^license: mit/m)
  expect((await rowsOf(out, "select distinct source from '{dir}/ledger/*.parquet'"))[0].source).toBe(evil)
})

describe('what goldpan is made of', () => {
  const read = (file: string) => JSON.parse(readFileSync(join(ROOT, file), 'utf8'))
  const { dependencies, devDependencies, optionalDependencies } = read('package.json') as Record<string, Record<string, string>>
  const { packages } = read('package-lock.json') as {
    packages: Record<string, { version: string; integrity?: string; hasInstallScript?: true; dev?: true; os?: string[]; cpu?: string[] }>
  }
  const installed = Object.entries(packages).filter(([path]) => path !== '')

  it('is pinned: one exact version each, in the lock file with the digest of its bytes', () => {
    const named = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
    expect(named.length).toBeGreaterThan(20)
    for (const [name, version] of named) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/)
      expect(packages[`node_modules/${name}`]?.version, name).toBe(version)
    }
    for (const [path, { integrity }] of installed) expect(integrity, path).toMatch(/^sha512-[\w+/]{86}==$/)
  })

  it('needs no install script: ARCHITECTURE.md names each package that has one, and why it is not run', () => {
    const scripted = installed.flatMap(([path, { hasInstallScript }]) => (hasInstallScript ? [path.replace('node_modules/', '')] : []))
    const [, table] = /\n\| package with an install script \|.*\n\|[-|]+\n((?:\|.*\n)+)/.exec(
      readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8'),
    )!
    const rows = table
      .trim()
      .split('\n')
      .map(row => row.split('|').map(cell => cell.trim()))
    expect(rows.map(([, name]) => name)).toEqual(scripted.sort())
    for (const [, name, by, does, without] of rows) {
      expect(by, name).toMatch(/^(build and run|run|test)/)
      expect(by.startsWith('test'), name).toBe(packages[`node_modules/${name}`].dev === true)
      expect(does.length * without.length, name).toBeGreaterThan(0)
    }
    for (const file of ['Makefile', 'Dockerfile']) expect(readFileSync(join(ROOT, file), 'utf8')).toMatch(/npm ci --ignore-scripts /)
  })

  it('has for Linux on arm64 whatever native code it has for x64', () => {
    const names = new Set(installed.map(([path]) => path.replace(/^.*node_modules\//, '')))
    const forX64 = installed.flatMap(([path, { dev, os, cpu }]) => (!dev && os?.includes('linux') && cpu?.includes('x64') ? [path] : []))
    expect(forX64.length).toBeGreaterThan(5)
    for (const path of forX64) expect(names).toContain(path.replace('node_modules/', '').replace('x64', 'arm64'))
    for (const [name, folder] of [
      ['onnxruntime-node', 'bin/napi-v6/linux/'],
      ['usearch', 'prebuilds/linux-'],
    ])
      for (const cpu of ['x64', 'arm64']) {
        const held = readdirSync(join(ROOT, 'node_modules', name, `${folder}${cpu}`))
        expect(held.filter(file => file.endsWith('.node')).length, `${name} ${cpu}`).toBeGreaterThan(0)
      }
  })
})
