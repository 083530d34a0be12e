/** Benchmark files: the items that training data must not hold. */
import { basename } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { UserError } from '../errors.ts'
import { unzstd } from './zstd.ts'

/** What a model is asked in one task of a benchmark; each text counts on its own. */
export interface BenchmarkItem {
  readonly benchmark: string
  readonly id: string
  readonly texts: readonly string[]
}

/** Where an item's text may be, in the order of preference. A list holds texts, or messages of which the user's count. */
const TEXT_FIELDS = ['text', 'turns', 'question', 'prompt', 'instruction'] as const
const ID_FIELDS = ['id', 'question_id', 'task_id'] as const

type Row = Readonly<Record<string, unknown>>

/** Items of a file of JSON lines, a JSON array (either may be packed by gzip or zstd) or Parquet. `shown` names the file in errors and items. */
export async function benchmarkItems(bytes: Uint8Array, shown: string): Promise<BenchmarkItem[]> {
  const rows = await rowsOf(bytes, shown)
  if (rows.length === 0) throw new UserError(`${shown}: no benchmark items, expected rows like {"benchmark", "id", "text"}`)
  const name = basename(shown).replace(/(\.(jsonl|ndjson|json|parquet|gz|zst))+$/, '')
  return rows.map((row, number) => itemOf(row, number, name, shown))
}

async function rowsOf(bytes: Uint8Array, shown: string): Promise<unknown[]> {
  const magic = Buffer.from(bytes.subarray(0, 4)).toString('latin1')
  if (magic === 'PAR1') return parquetRows(bytes, shown)
  const text = textOf(await unpacked(bytes, magic, shown), shown)
  if (text.trimStart().startsWith('[')) return parsed(text, shown, 'JSON array') as unknown[]
  const lines = text.split('\n')
  return lines.flatMap((line, i) => (line.trim() === '' ? [] : [parsed(line, shown, `line ${i + 1}`)]))
}

async function unpacked(bytes: Uint8Array, magic: string, shown: string): Promise<Uint8Array> {
  if (magic.startsWith('\x1f\x8b')) return unzipped(bytes, shown)
  if (magic !== '\x28\xb5\x2f\xfd') return bytes
  const parts: Buffer[] = []
  for await (const part of unzstd(once(bytes), shown)) parts.push(part)
  return Buffer.concat(parts)
}

async function* once(bytes: Uint8Array): AsyncGenerator<Buffer> {
  yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

function unzipped(bytes: Uint8Array, shown: string): Uint8Array {
  try {
    return gunzipSync(bytes)
  } catch (error) {
    throw new UserError(`${shown}: damaged gzip (${(error as Error).message}); fetch the file again`)
  }
}

function textOf(bytes: Uint8Array, shown: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new UserError(`${shown}: not UTF-8, expected JSON lines, a JSON array or Parquet`)
  }
}

function parsed(text: string, shown: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UserError(`${shown}: ${where}: not JSON (${(error as Error).message})`)
  }
}

async function parquetRows(bytes: Uint8Array, shown: string): Promise<unknown[]> {
  const [{ readParquet }, { tableFromIPC }] = await Promise.all([import('parquet-wasm'), import('apache-arrow')])
  try {
    const table = tableFromIPC(readParquet(bytes).intoIPCStream())
    return JSON.parse(JSON.stringify(table.toArray(), (_, value) => (typeof value === 'bigint' ? String(value) : value)))
  } catch (error) {
    throw new UserError(`${shown}: unreadable Parquet (${error instanceof Error ? error.message : error}); fetch the file again`)
  }
}

function itemOf(row: unknown, number: number, name: string, shown: string): BenchmarkItem {
  const where = `${shown}: row ${number}`
  if (typeof row !== 'object' || row === null || Array.isArray(row))
    throw new UserError(`${where}: expected an object, got ${JSON.stringify(row)}`)
  const fields = row as Row
  const field = TEXT_FIELDS.find(key => fields[key] !== undefined && fields[key] !== null)
  if (!field)
    throw new UserError(
      `${where}: no text, expected one of ${TEXT_FIELDS.join(', ')}, got ${Object.keys(fields).join(', ') || 'no fields'}`,
    )
  const id = ID_FIELDS.map(key => fields[key]).find(value => typeof value === 'string' || typeof value === 'number')
  return {
    benchmark: typeof fields.benchmark === 'string' ? fields.benchmark : name,
    id: id === undefined ? `row ${number}` : String(id),
    texts: textsOf(fields[field], `${where}: ${field}`),
  }
}

function textsOf(value: unknown, where: string): string[] {
  if (typeof value === 'string') return [value]
  if (!Array.isArray(value)) throw new UserError(`${where}: expected a text or a list of texts, got ${JSON.stringify(value).slice(0, 80)}`)
  return value.flatMap((part: unknown, i) => {
    if (typeof part === 'string') return [part]
    const { role, content } = (part ?? {}) as Row
    if (typeof content !== 'string')
      throw new UserError(`${where}[${i}]: expected a text or a message, got ${JSON.stringify(part).slice(0, 80)}`)
    return role === undefined || role === 'user' ? [content] : []
  })
}
