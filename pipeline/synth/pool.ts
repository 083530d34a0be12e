/** The real texts that a lexicon is made from: every text in JSONL files of any layout. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { UserError } from '../errors.ts'
import { PACKAGE } from '../version.ts'
import { type Lexicon, lexiconsOf } from './lexicon.ts'

/** More text than this does not make better sentences, only a slower start. */
const MOST_CHARACTERS = 4 << 20

export interface Pool {
  readonly lexicons: readonly Lexicon[]
  /** Of the files' bytes: corpora of one seed and options are the same only if their pools are. */
  readonly digest: string
}

/** Reads .jsonl or .jsonl.gz files, the sample corpus of this package where none is named. */
export function readPool(files: readonly string[]): Pool {
  const named = files.length > 0 ? files : sampleFiles()
  const hash = createHash('sha256')
  const texts: string[] = []
  let characters = 0
  for (const file of named) {
    const bytes = readFile(file)
    hash.update(bytes)
    for (const text of textsIn(bytes.toString('utf8'))) {
      if ((characters += text.length) > MOST_CHARACTERS) break
      texts.push(text)
    }
  }
  const lexicons = lexiconsOf(texts)
  if (lexicons.length === 0)
    throw new UserError(`--from ${named.join(' ')}: expected JSONL rows with at least 3 sentences of English or Chinese prose, found fewer`)
  return { lexicons, digest: hash.digest('hex') }
}

function sampleFiles(): string[] {
  const folder = join(PACKAGE, 'data')
  const names = existsSync(folder) ? readdirSync(folder) : []
  const files = names.filter(name => /\.jsonl(\.gz)?$/.test(name) && !name.startsWith('truth'))
  if (files.length === 0) throw new UserError('--from: the sample corpus is not there; name .jsonl files to take sentences from')
  return files.sort().map(name => join(folder, name))
}

function readFile(file: string): Buffer {
  if (!/\.jsonl(\.gz)?$/.test(file)) throw new UserError(`--from ${file}: expected a .jsonl or .jsonl.gz file`)
  try {
    const bytes = readFileSync(file)
    return file.endsWith('.gz') ? gunzipSync(bytes) : bytes
  } catch (error) {
    throw new UserError(`--from ${file}: cannot be read: ${(error as Error).message}`)
  }
}

/** All strings in the rows; lines that are no JSON are passed over, since these are no rows but a source of sentences. */
function* textsIn(lines: string): Generator<string> {
  for (const line of lines.split('\n')) {
    let row: unknown
    try {
      row = JSON.parse(line)
    } catch {
      continue
    }
    yield* stringsIn(row)
  }
}

function* stringsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value
  else if (value !== null && typeof value === 'object') for (const inner of Object.values(value)) yield* stringsIn(inner)
}
