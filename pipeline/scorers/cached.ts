/** Scores that were given once are not asked for again, whatever build, step or process asks. */
import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import { type Batch, batchOf, turnsOf, type Utf8 } from '../batch.ts'
import { UserError } from '../errors.ts'
import { gather } from '../gather.ts'
import { makeFolder } from '../make-folder.ts'
import type { Scorer, Side } from '../scorer.ts'

const sideOf = { prompt: turnsOf, responses: 'utf8' } as const
type Sides = readonly Batch<typeof sideOf>[]
/** Scores of texts that the store lacks; `cut` gets a 1 for each that the model read in part. */
type Ask = (sides: Sides, cut: Uint8Array) => Promise<Float32Array>

/** Texts asked for and kept at a time, and how many such at once: what a run that is cut off loses at most. */
const CHUNK_ROWS = 16
const LANES = 32

/** `digest` names the model and its template; `folder` is shared by all processes that score. */
export function cached(scorer: Scorer, digest: string, folder: string): Scorer {
  makeFolder(folder)
  const scores = scoresIn(folder)
  const given = (sides: Sides, ask: Ask, cut?: Uint8Array): Promise<Float32Array> =>
    fromCache(scores, digest, sides, ask, cut).catch(error => {
      throw scoresError(folder, error)
    })
  return {
    id: scorer.id,
    score: (prompt, responses, cut) =>
      given([sided({ prompt, responses })], ([side], cut) => scorer.score(side.columns.prompt, side.columns.responses, cut), cut),
    ...(scorer.margins
      ? { margins: (a: Side, b: Side) => given([sided(a), sided(b)], ([x, y]) => scorer.margins!(x.columns, y.columns)) }
      : {}),
    close: async () => {
      await scorer.close()
      await scores.close()
    },
  }
}

/** Whether a model has given a score that is kept in `folder`. */
export async function hasScores(digest: string, folder: string): Promise<boolean> {
  if (!existsSync(folder)) return false
  const scores = scoresIn(folder)
  try {
    return scores.get(markOf(digest)) !== undefined
  } catch (error) {
    throw scoresError(folder, error)
  } finally {
    await scores.close()
  }
}

function scoresIn(folder: string): RootDatabase<Buffer, Buffer> {
  refuseOtherBytes(folder)
  try {
    return open<Buffer, Buffer>({ path: folder, encoding: 'binary', keyEncoding: 'binary' })
  } catch (error) {
    throw scoresError(folder, error)
  }
}

/** Where the first page of a database tells that it is one, and the least that one has. */
const MAGIC = Buffer.from([0xde, 0xc0, 0xef, 0xbe])
const MAGIC_AT = 24
const LEAST_BYTES = 8192

/** LMDB maps the file into memory and believes it: of bytes that are no database the process would die without a word. */
function refuseOtherBytes(folder: string): void {
  const file = join(folder, 'data.mdb')
  const bytes = existsSync(file) ? statSync(file).size : 0
  if (bytes === 0) return
  const head = Buffer.alloc(MAGIC_AT + MAGIC.length)
  const fd = openSync(file, 'r')
  try {
    readSync(fd, head, 0, head.length, 0)
  } finally {
    closeSync(fd)
  }
  if (bytes < LEAST_BYTES || !head.subarray(MAGIC_AT).equals(MAGIC)) throw damaged(folder, 'data.mdb is no database')
}

const damaged = (folder: string, why: string): UserError =>
  new UserError(`${folder}: the scores kept there are damaged (${why}); delete this folder, and models score again`)

/** What LMDB complains of, in words of what to do; any other error as it is. */
function scoresError(folder: string, error: unknown): unknown {
  const { message = '' } = (error ?? {}) as Error
  if (/^(MDB_|Invalid argument)/.test(message)) return damaged(folder, message)
  return /^(Permission denied|No space left|Read-only|Disk quota)/.test(message) ? new UserError(`${folder}: ${message}`) : error
}

/** The key under which it is noted that a model has given scores. */
const markOf = (digest: string): Buffer => createHash('sha256').update(`scores of ${digest}`).digest()

const sided = ({ prompt, responses }: Side): Batch<typeof sideOf> => batchOf(sideOf, responses.offsets.length - 1, { prompt, responses })

/** Equal texts are asked for once; what is no number is not kept, so that a later run asks again. */
async function fromCache(
  scores: RootDatabase<Buffer, Buffer>,
  digest: string,
  sides: Sides,
  ask: Ask,
  cut?: Uint8Array,
): Promise<Float32Array> {
  const rows = sides[0].rows
  const said = new Float32Array(rows).fill(Number.NaN)
  const missing = new Map<string, { key: Buffer; rows: number[] }>()
  for (let i = 0; i < rows; i++) {
    const key = keyAt(digest, sides, i)
    const known = scores.get(key)
    if (known?.length === ENTRY_BYTES) {
      said[i] = known.readFloatLE(0)
      if (cut) cut[i] = known[ENTRY_BYTES - 1]
    } else {
      const name = key.toString('latin1')
      const same = missing.get(name)
      if (same) same.rows.push(i)
      else missing.set(name, { key, rows: [i] })
    }
  }
  const wanted = [...missing.values()]
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < wanted.length) {
      const chunk = wanted.slice(next, (next += CHUNK_ROWS))
      const index = Int32Array.from(chunk, one => one.rows[0])
      const cuts = new Uint8Array(index.length)
      const answers = await ask(
        sides.map(side => gather(side, index)),
        cuts,
      )
      const kept = chunk.flatMap(({ key, rows: same }, k) => {
        for (const i of same) said[i] = answers[k]
        if (cut) for (const i of same) cut[i] = cuts[k]
        return Number.isFinite(answers[k]) ? [scores.put(key, entryOf(answers[k], cuts[k]))] : []
      })
      if (kept.length > 0) kept.push(scores.put(markOf(digest), Buffer.of(1)))
      await Promise.all(kept)
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: LANES }, lane))
  await scores.flushed
  const failed = ended.find(end => end.status === 'rejected')
  if (failed) throw failed.reason
  return said
}

/** A kept score: float32, and whether the text was cut. */
const ENTRY_BYTES = 5

function entryOf(score: number, cut: number): Buffer {
  const bytes = Buffer.alloc(ENTRY_BYTES)
  bytes.writeFloatLE(score)
  bytes[ENTRY_BYTES - 1] = cut
  return bytes
}

/** Of a row's texts, each with its length so that no two cuts of one text are taken for each other. */
function keyAt(digest: string, sides: Sides, row: number): Buffer {
  const hash = createHash('sha256').update(digest)
  for (const side of sides) {
    const { prompt, responses } = side.columns
    hash.update(Int32Array.of(prompt.starts[row + 1] - prompt.starts[row]))
    for (let turn = prompt.starts[row]; turn < prompt.starts[row + 1]; turn++)
      hash.update(Uint8Array.of(prompt.items.columns.role.values[turn])).update(sized(prompt.items.columns.content, turn))
    hash.update(sized(responses, row))
  }
  return hash.digest()
}

function sized({ bytes, offsets }: Utf8, i: number): Uint8Array {
  return Buffer.concat([Buffer.from(Int32Array.of(offsets[i + 1] - offsets[i]).buffer), bytes.subarray(offsets[i], offsets[i + 1])])
}
