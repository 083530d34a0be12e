/** The judgement log: append-only JSON lines, each on the disk before it is acknowledged. */
import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, readFileSync, readSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { ioError, UserError } from '../errors.ts'
import type { Answer, FlagCheck } from '../judgement.ts'
import { canonical } from '../keys.ts'
import { makeFolder } from '../make-folder.ts'
import { answerSchema, checkSchema, isCheck, isUndo, type Line, undoSchema } from './answer.ts'

export interface Log {
  /** Every answer once, in the order of files and lines, undone ones too. */
  readonly answers: readonly Answer[]
  /** What people said of flags of contamination, likewise. */
  readonly checks: readonly FlagCheck[]
  /** Ids of answers that were taken back. */
  readonly undone: ReadonlySet<string>
  /** What is odd about the log and what was made of it, a line each. */
  readonly notes: readonly string[]
}

/** One line as read; undefined where it is none of those. */
function lineOf(text: string): { line?: Line; wrong: string } {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { wrong: 'not JSON' }
  }
  const has = (name: string): boolean => json !== null && typeof json === 'object' && name in json
  const parsed = (has('undo') ? undoSchema : has('contaminated') ? checkSchema : answerSchema).safeParse(json)
  if (parsed.success) return { line: parsed.data as Line, wrong: '' }
  const { path, message } = parsed.error.issues[0]
  return { wrong: `${path.join('.') || 'line'}: ${message}` }
}

/** A whole line ends with a newline; what follows the last one was cut off while being written, unless it is an answer all the same. */
export function linesOf(file: string): { lines: Line[]; notes: string[]; whole_bytes: number; bytes: number } {
  if (!statSync(file).isFile()) throw new UserError(`${file}: is no file; a judgement log is one file of JSON lines`)
  const bytes = readFileSync(file)
  const lines: Line[] = []
  const notes: string[] = []
  let from = 0
  for (let number = 1; from < bytes.length; number++) {
    const newline = bytes.indexOf(10, from)
    const to = newline < 0 ? bytes.length : newline
    const text = bytes.toString('utf8', from, to).trim()
    const { line, wrong } = text === '' ? { line: undefined, wrong: '' } : lineOf(text)
    if (wrong !== '' && newline < 0) {
      notes.push(`${file}:${number}: the last line is cut off; it was never acknowledged and does not count`)
      return { lines, notes, whole_bytes: from, bytes: bytes.length }
    }
    if (wrong !== '')
      throw new UserError(`${file}:${number}: ${wrong}; expected an answer {id, pair_id, annotator, at, left, outcome, ...}`)
    if (line) lines.push(line)
    from = to + 1
  }
  return { lines, notes, whole_bytes: bytes.length, bytes: bytes.length }
}

/** Reads logs of any number of machines as one; a file that is not there yet holds no answers. */
export function readLogs(files: readonly string[]): Log {
  const answers = new Map<string, Answer>()
  const checks = new Map<string, FlagCheck>()
  const undone = new Set<string>()
  const notes: string[] = []
  for (const file of files) {
    if (!existsSync(file)) continue
    const read = linesOf(file)
    notes.push(...read.notes, ...clockNotes(file, read.lines))
    for (const line of read.lines) {
      if (isUndo(line)) undone.add(line.undo)
      else if (isCheck(line)) addOnce(checks, line, file, notes)
      else addOnce(answers, line, file, notes)
    }
  }
  const all = [...answers.values()]
  return { answers: all, checks: [...checks.values()], undone, notes: [...notes, ...protocolNotes(all)] }
}

function addOnce<T extends Answer | FlagCheck>(answers: Map<string, T>, answer: T, file: string, notes: string[]): void {
  const known = answers.get(answer.id)
  if (!known) answers.set(answer.id, answer)
  else if (canonical(known as never) !== canonical(answer as never)) {
    const earlier = canonical(known as never) < canonical(answer as never) ? known : answer
    answers.set(answer.id, earlier)
    notes.push(`${file}: answer ${answer.id} stands there twice with different content; one of them counts`)
  }
}

const JUMP_SECONDS = 60

/** The order of a file is the order in which answers were given; a clock that runs back is told, and changes nothing within the file. */
function clockNotes(file: string, lines: readonly Line[]): string[] {
  const last = new Map<string, number>()
  const jumps = new Map<string, number>()
  for (const { annotator, at } of lines) {
    const time = Date.parse(at)
    if (time < (last.get(annotator) ?? 0) - JUMP_SECONDS * 1000) jumps.set(annotator, (jumps.get(annotator) ?? 0) + 1)
    last.set(annotator, time)
  }
  return [...jumps].map(
    ([annotator, n]) => `${file}: the clock ran back ${n === 1 ? 'once' : `${n} times`} between answers of ${annotator}`,
  )
}

function protocolNotes(answers: readonly Answer[]): string[] {
  const counts = new Map<string, number>()
  for (const { protocol } of answers) counts.set(protocol, (counts.get(protocol) ?? 0) + 1)
  if (counts.size < 2) return []
  const list = [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([protocol, n]) => `${protocol} (${n})`)
    .join(', ')
  return [`answers under ${counts.size} protocols are mixed: ${list}; they are counted alike`]
}

/** An open log; `append` returns when the line is on the disk. */
export class LogWriter {
  private readonly fd: number
  private readonly file: string
  private readonly write: typeof writeSync

  /** Cuts off a last line that was never acknowledged, so that what follows is whole. `write`: how lines get to the disk, for tests of full ones. */
  constructor(file: string, write = writeSync) {
    this.file = file
    this.write = write
    makeFolder(dirname(file))
    const { whole_bytes, bytes } = existsSync(file) ? linesOf(file) : { whole_bytes: 0, bytes: 0 }
    this.fd = openSync(file, 'a+')
    // Nothing is cut that another process has appended since: an acknowledged answer stays, whoever else opens the log.
    if (whole_bytes < bytes && fstatSync(this.fd).size === bytes) ftruncateSync(this.fd, whole_bytes)
    const last = Buffer.alloc(1)
    if (whole_bytes > 0 && readSync(this.fd, last, 0, 1, fstatSync(this.fd).size - 1) === 1 && last[0] !== 10) writeSync(this.fd, '\n')
    fsyncSync(this.fd)
    syncFolder(dirname(file))
  }

  /** What cannot be written whole is taken back, so that the next line does not begin in the middle of this one; throws UserError. */
  append(lines: readonly Line[]): void {
    const bytes = Buffer.from(lines.map(line => `${JSON.stringify(line)}\n`).join(''))
    const before = fstatSync(this.fd).size
    let at = 0
    try {
      while (at < bytes.length) at += this.write(this.fd, bytes, at)
      fsyncSync(this.fd)
    } catch (error) {
      if (at > 0 && fstatSync(this.fd).size === before + at) ftruncateSync(this.fd, before)
      throw ioError(this.file, error)
    }
  }

  close(): void {
    closeSync(this.fd)
  }
}

/** A new file's name is durable once its folder is. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
