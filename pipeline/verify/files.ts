/** Files of a finished build against the manifest: bytes, row counts, and nothing beside them. */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, type ReadStream, readdirSync, readFileSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createGunzip } from 'node:zlib'
import { RecordBatchReader } from 'apache-arrow'
import { unzstd } from '../codecs/zstd.ts'
import { describedBy } from '../described.ts'
import { type Finished, filesOf } from '../finished.ts'
import { MARKER } from '../install.ts'
import { canonicalJson, type ManifestOutput } from '../manifest.ts'
import { SEAL, sealed, sealText } from '../seal.ts'
import type { Tables } from '../sql.ts'
import { quoted } from '../table-views.ts'
import { tableNames } from '../tables.ts'
import { VERSION } from '../version.ts'
import { type Check, folderRows } from './accounts.ts'

export function canonical({ manifest, text }: Finished): Check {
  const wrong =
    canonicalJson(manifest) === text ? [] : ['manifest.json: is not in its canonical form (keys sorted, two spaces), so it was changed']
  return { name: 'manifest', seen: 'in its canonical form', wrong }
}

export async function checksums({ dir, manifest: { outputs } }: Finished): Promise<Check> {
  const wrong: string[] = []
  for (const output of outputs) {
    const damage = await damageOf(join(dir, output.path), output)
    if (damage) wrong.push(`${output.path}: ${damage}`)
  }
  return { name: 'checksums', seen: `${outputs.length} files`, wrong }
}

async function damageOf(path: string, { bytes, sha256 }: ManifestOutput): Promise<string | undefined> {
  if (!existsSync(path)) return 'is missing'
  const { size } = statSync(path)
  if (size !== bytes) return `has ${size} bytes, the manifest says ${bytes}`
  const hash = createHash('sha256')
  for await (const chunk of chunksOf(path)) hash.update(chunk)
  const found = hash.digest('hex')
  return found === sha256 ? undefined : `has sha256 ${found}, the manifest says ${sha256}`
}

const chunksOf = (path: string): AsyncIterable<Buffer> => createReadStream(path, { highWaterMark: 1 << 20 })

/** Every file against SHA256SUMS: that of the manifest too, which nothing else would hold to its bytes. */
export function seals({ dir, manifest }: Finished): Check {
  const path = join(dir, SEAL)
  const found = sealed(dir, manifest)
  const seen = `${found.size} files have the digests of ${SEAL}`
  if (!existsSync(path))
    return { name: 'seal', seen, wrong: [`${SEAL}: is missing; the run that wrote this build did not come to its end, run again`] }
  const text = readFileSync(path, 'latin1')
  if (text === sealText(found)) return { name: 'seal', seen, wrong: [] }
  const said = new Map(text.split('\n').map(line => [line.slice(66), line.slice(0, 64)]))
  const other = [...found].filter(([file, digest]) => said.get(file) !== digest)
  const missing = [...said.keys()].filter(file => file !== '' && !found.has(file))
  const wrong = [
    ...other.map(([file, digest]) => `${file}: has sha256 ${digest}, ${SEAL} says ${said.get(file) ?? 'nothing'}`),
    ...missing.map(file => `${file}: is missing, and ${SEAL} lists it`),
  ]
  return { name: 'seal', seen, wrong: wrong.length > 0 ? wrong : [`${SEAL}: was changed`] }
}

/** Files in the output folders that the manifest does not list: a loader would read them. */
export function strays({ dir, manifest }: Finished): Check {
  const listed = new Set(manifest.outputs.map(({ path }) => path))
  const found = tableNames
    .filter(table => existsSync(join(dir, table)))
    .flatMap(table => readdirSync(join(dir, table)).map(file => `${table}/${file}`))
  const wrong = found.filter(path => !listed.has(path)).map(path => `${path}: is not in the manifest`)
  if (existsSync(join(dir, MARKER))) wrong.push(`${MARKER}: is there, so a run was cut off while it wrote this folder; run again`)
  return { name: 'folders', seen: 'hold nothing else', wrong }
}

/** README.md, LICENSES.md and croissant.json are functions of the manifest, for the version that wrote it. */
export function card({ dir, manifest }: Finished): Check {
  if (manifest.goldpan !== VERSION)
    return { name: 'card', seen: `not looked at: written by goldpan ${manifest.goldpan}, this is ${VERSION}`, wrong: [] }
  const described = Object.entries(describedBy(manifest))
  const wrong = described.flatMap(([name, text]) => {
    const path = join(dir, name)
    if (!existsSync(path)) return [`${name}: is missing`]
    return readFileSync(path, 'utf8') === text ? [] : [`${name}: is not that of this manifest`]
  })
  return { name: 'card', seen: `${described.map(([name]) => name).join(', ')} are those of the manifest`, wrong }
}

export async function rowCounts(finished: Finished, tables: Tables): Promise<Check> {
  const { dir, manifest } = finished
  const parquet = tableNames.flatMap(table => filesOf(finished, table)).filter(path => path.endsWith('.parquet'))
  const metadata = `select file_name as file, num_rows as rows from parquet_file_metadata([${parquet.map(quoted).join(', ')}])`
  const counted = parquet.length > 0 ? await tables.rows<{ file: string; rows: number }>(metadata) : []
  const rows = new Map(counted.map(({ file, rows: n }) => [file, n]))
  const wrong: string[] = []
  for (const output of manifest.outputs) {
    const path = resolve(dir, output.path)
    const found = rows.get(path) ?? (await rowsIn(path))
    if (found !== output.rows) wrong.push(`${output.path}: holds ${found} rows, the manifest says ${output.rows}`)
  }
  return {
    name: 'rows',
    seen: `${manifest.outputs.reduce((n, o) => n + o.rows, 0)} in ${manifest.outputs.length} files`,
    wrong: [...wrong, ...folderRows(manifest)],
  }
}

function unpacked(path: string): AsyncIterable<Buffer> {
  const chunks = chunksOf(path)
  if (path.endsWith('.gz')) return (chunks as ReadStream).pipe(createGunzip())
  return path.endsWith('.zst') ? unzstd(chunks, path) : chunks
}

async function rowsIn(path: string): Promise<number> {
  let rows = 0
  if (/\.jsonl(\.gz|\.zst)?$/.test(path)) {
    for await (const chunk of unpacked(path)) for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) rows++
    return rows
  }
  const file = await open(path)
  try {
    for await (const batch of await RecordBatchReader.from(file)) rows += batch.numRows
    return rows
  } finally {
    await file.close()
  }
}
