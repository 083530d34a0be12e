/** What a file is, by its first rows: pairs of a format, a benchmark, or neither; and what was not certain. */
import { readFileSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { benchmarkItems } from '../codecs/benchmark.ts'
import { openRows } from '../codecs/open-rows.ts'
import { type Compression, type Container, stringOf } from '../codecs/row-source.ts'
import { readRows } from '../codecs/source.ts'
import { UserError } from '../errors.ts'
import { ANNOTATOR } from '../formats/arena.ts'
import { QUESTIONS } from '../formats/dpo.ts'
import { factsAt, isObject, scoresAt } from '../formats/fields.ts'
import { FieldError, type KnownFormat, type ReadPair, type Row } from '../formats/format.ts'
import { CONVERT, formatOf, readers, recogniseFormat } from '../formats/recognise.ts'
import { RESPONSES } from '../formats/scored.ts'
import { byAnyName, count } from '../tallies.ts'
import { languagesIn } from './languages.ts'

/** Rows looked at of a file. */
export const LOOK_ROWS = 1000

export interface Seen {
  /** As the user, or a folder's listing, names it. */
  readonly shown: string
  readonly path: string
  readonly bytes: number
  readonly role: 'source' | 'benchmark' | 'neither'
  readonly container?: Container
  readonly compression?: Compression
  /** Names of columns, or of the keys of the first row. */
  readonly columns: readonly string[]
  /** Rows looked at, and whether they are all there are. */
  readonly rows: number
  readonly whole: boolean
  readonly pairs?: Pairs
  /** What a reader of the config should know or decide, a sentence each. */
  readonly unsure: readonly string[]
}

/** The pairs among the rows that were looked at. */
export interface Pairs {
  readonly format: KnownFormat
  readonly count: number
  readonly unreadable: number
  /** Shares of the pairs by language as detected, the most frequent first; none where texts are too short to tell. */
  readonly languages: Readonly<Record<string, number>>
  /** Counts of what the rows say; '' where they say nothing. */
  readonly licenses: Readonly<Record<string, number>>
  readonly label_kinds: Readonly<Record<string, number>>
  readonly sources: Readonly<Record<string, number>>
  readonly ties: number
  readonly votes: number
  /** Models of recorded scores, and whether all their scores are from 0 to 1. */
  readonly scores: readonly string[]
  readonly probabilities: boolean
  /** The most responses of a row, for `scored`. */
  readonly responses: number
  /** Pairs that differ before the last turn. */
  readonly several_turns: number
  /** Columns that hold an annotator's pick each. */
  readonly annotators: number
}

interface Rows {
  readonly rows: readonly Row[]
  readonly seen: number
  /** Of the rows seen that are no objects: what is wrong with each. */
  readonly faults: readonly string[]
}

export async function lookAt(shown: string, path: string): Promise<Seen> {
  const bytes = statSync(path).size
  if (/\$\{/.test(shown))
    return unused(shown, path, bytes, 'its path holds a dollar sign and a brace, which a config fills from the environment: rename it')
  try {
    const { container, compression } = await openRows(path, shown)
    const { rows, seen, faults } = await firstRows(path, shown)
    const columns = Object.keys(rows[0] ?? {})
    const file = { shown, path, bytes, container, compression, columns, rows: seen, whole: seen < LOOK_ROWS }
    const format = recogniseFormat(rows)
    if (format) return { ...file, ...(await pairsIn(file, format, rows, faults)) }
    return { ...file, ...(await otherRole(shown, path, rows)) }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return unused(shown, path, bytes, `cannot be read: ${error.message.replace(`${shown}: `, '')}`)
  }
}

const unused = (shown: string, path: string, bytes: number, why: string): Seen => ({
  ...{ shown, path, bytes, role: 'neither', columns: [], rows: 0, whole: false },
  unsure: [why],
})

async function firstRows(path: string, shown: string): Promise<Rows> {
  const rows: Row[] = []
  const faults: string[] = []
  for await (const chunk of readRows(path, shown, { limit: LOOK_ROWS }))
    for (const row of chunk) {
      if ('error' in row) faults.push(`${row.error.field} ${row.error.error}`.trim())
      else if (isObject(row.value)) rows.push(row.value)
      else faults.push('expected an object {...}')
    }
  return { rows, seen: rows.length + faults.length, faults }
}

/** A small mutable tally of what rows say. */
class Tally {
  pairs: ReadPair[] = []
  unreadable = 0
  responses = 0
  probabilities = true
  readonly errors = new Map<string, number>()
  readonly scores = new Set<string>()
  readonly said = { licenses: byAnyName<number>(), label_kinds: byAnyName<number>(), sources: byAnyName<number>() }

  fault(why: string): void {
    this.unreadable++
    this.errors.set(why, (this.errors.get(why) ?? 0) + 1)
  }

  read(row: Row, format: KnownFormat): void {
    let facts: ReturnType<typeof factsAt>
    let pairs: readonly ReadPair[]
    try {
      facts = factsAt(row)
      pairs = readers[format](row, { pairs: 'best', min_gap: 0 })
    } catch (error) {
      if (!(error instanceof FieldError)) throw error
      this.fault(`${error.field} ${error.message}`)
      return
    }
    this.pairs.push(...pairs)
    count(this.said.licenses, facts.license ?? '')
    count(this.said.label_kinds, facts.label_kind ?? '')
    count(this.said.sources, facts.source ?? '')
    for (const [model, ...values] of scoresAt(row)) {
      this.scores.add(model)
      if (values.some(score => score < 0 || score > 1)) this.probabilities = false
    }
    for (const name of RESPONSES) if (Array.isArray(row[name])) this.responses = Math.max(this.responses, row[name].length)
  }
}

async function pairsIn(
  file: Pick<Seen, 'shown' | 'columns'>,
  format: KnownFormat,
  rows: readonly Row[],
  faults: readonly string[],
): Promise<Pick<Seen, 'role' | 'pairs' | 'unsure'>> {
  const tally = new Tally()
  for (const row of rows) tally.read(row, format)
  for (const fault of faults) tally.fault(fault)
  const [worst = ''] = [...tally.errors].sort((a, b) => b[1] - a[1])[0] ?? []
  const looked = rows.length + faults.length
  if (tally.pairs.length === 0)
    return { role: 'neither', unsure: [`its rows look like ${format}, but none of the first ${looked} can be read: ${worst}; ${CONVERT}`] }
  const formats = new Set(rows.flatMap(row => formatOf(row) ?? []))
  const { pairs: read, said, scores } = tally
  const pairs: Pairs = {
    format,
    count: read.length,
    unreadable: tally.unreadable,
    languages: await languagesIn(read.map(textOf)),
    ...said,
    ties: read.filter(pair => pair.tie === true).length,
    votes: read.filter(pair => (pair.votes?.length ?? 0) > 0).length,
    scores: [...scores],
    probabilities: scores.size > 0 && tally.probabilities,
    responses: tally.responses,
    several_turns: read.filter(pair => pair.chosen.length > 1 || pair.rejected.length > 1).length,
    annotators: file.columns.filter(name => ANNOTATOR.test(name)).length,
  }
  return { role: 'source', pairs, unsure: doubts(file.shown, pairs, formats, looked, worst) }
}

const textOf = ({ prompt, chosen }: ReadPair): string =>
  [prompt.at(-1), chosen.at(-1)].map(turn => (turn ? stringOf(turn.content) : '')).join('\n')

function doubts(shown: string, pairs: Pairs, formats: ReadonlySet<KnownFormat>, rows: number, worst: string): string[] {
  const { licenses, label_kinds, unreadable, format, count, several_turns, scores, probabilities, responses } = pairs
  const none = (of: Readonly<Record<string, number>>): boolean => '' in of
  return [
    ...(formats.size > 1 ? [`rows look like ${[...formats].join(' and ')}; read as ${format}, which most of them are`] : []),
    ...(unreadable > 0 ? [`${unreadable} of the first ${rows} rows do not fit ${format} and go to rejects/, such as: ${worst}`] : []),
    ...(none(licenses) ? ['no licence in its rows: name it'] : []),
    ...(none(label_kinds) ? ['its rows do not say who judged them: check label_kind'] : []),
    ...(/(^|[-_./])(test|eval|val|validation|dev)(?:[-_]?set)?([-_./]|$)/i.test(basename(shown))
      ? ['by its name a test or evaluation set: leave it out if you evaluate on it']
      : []),
    ...(several_turns > 0
      ? [
          `${several_turns} of ${count} pairs differ before the last turn; \`structure\` drops them unless allow_several_turns is set (layout conversations)`,
        ]
      : []),
    ...(probabilities
      ? [`its scores (${scores.slice(0, 3).join(', ')}) are all from 0 to 1: read as judges' probabilities, not as rewards`]
      : []),
    ...(format === 'scored' && responses > MANY_RESPONSES
      ? [`up to ${responses} responses a row: the best is paired with each other one, not every two`]
      : []),
  ]
}

/** More make so many pairs of every two that one prompt would rule the corpus. */
export const MANY_RESPONSES = 4

const BENCHMARK_NAME = /bench|arena-?hard|gsm8k|humaneval|mmlu|truthfulqa|alpaca_?eval|(^|[-_./])(test|eval)([-_./]|$)/i
/** Columns that hold several answers or what was thought of them; benchmarks have one `answer`. */
const ANSWERS =
  /^(scores?|solutions|responses?|chosen|rejected|outputs?|replies|parent_id|message_tree_id|(answer|completion|output|response)_?[0-9ab])$/
/** Larger files are no benchmarks. */
const BENCHMARK_BYTES = 256 * 2 ** 20

/** Rows that are no pairs: items to decontaminate against where they name a benchmark, or look like one. */
async function otherRole(shown: string, path: string, rows: readonly Row[]): Promise<Pick<Seen, 'role' | 'unsure'>> {
  const keys = Object.keys(rows[0] ?? {})
  const asks = ['text', 'turns', ...QUESTIONS].find(name => keys.includes(name))
  if (!asks || statSync(path).size > BENCHMARK_BYTES)
    return { role: 'neither', unsure: [`no known format fits its rows (${keys.slice(0, 8).join(', ') || 'no objects'}); ${CONVERT}`] }
  const answers = keys.filter(name => ANSWERS.test(name))
  if (answers.length > 0)
    return {
      role: 'neither',
      unsure: [
        `no known format fits its rows (${keys.slice(0, 8).join(', ')}): prompts with ${answers.join(', ')}, but not the names by which answers are compared; ${CONVERT}`,
      ],
    }
  try {
    await benchmarkItems(readFileSync(path), shown)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { role: 'neither', unsure: [`prompts without answers, and no benchmark either: ${error.message.replace(`${shown}: `, '')}`] }
  }
  if (keys.includes('benchmark')) return { role: 'benchmark', unsure: [] }
  if (BENCHMARK_NAME.test(shown.split('/').slice(-2).join('/')))
    return { role: 'benchmark', unsure: [`taken for a benchmark by its name; its items are under ${asks}`] }
  return { role: 'neither', unsure: ['prompts without answers: no pairs; name it under benchmarks if training data must not contain them'] }
}
