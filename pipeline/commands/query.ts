import { once } from 'node:events'
import { createReadStream, createWriteStream, existsSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { type Command, Option } from 'commander'
import { guarded, UserError } from '../errors.ts'
import { openFinished, refuseInside } from '../finished.ts'
import { cut, tableOf, visible } from '../report/table.ts'
import { inert } from '../spreadsheet.ts'
import { type Answer, openTables } from '../sql.ts'

const queryFormats = ['table', 'csv', 'json', 'parquet', 'spreadsheet'] as const
export type QueryFormat = (typeof queryFormats)[number]
type TextFormat = Exclude<QueryFormat, 'parquet'>

interface Flags {
  readonly format: QueryFormat
  readonly json?: boolean
  readonly output?: string
}

export const register = (program: Command): void => {
  program
    .command('query')
    .description(
      'SQL over the tables train, validation, flipped, quarantine, review, ledger and rejects of a finished build, and edges: the ledger of what duplicates what; reads only',
    )
    .argument('<dir>', 'folder of the build')
    .argument('<sql>', 'one SELECT, as DuckDB understands it')
    .addOption(
      new Option(
        '--format <form>',
        'table shows 1000 rows at most and cuts long cells; csv holds texts as they are; spreadsheet is csv in which no cell is run as a formula',
      )
        .choices(queryFormats)
        .default('table'),
    )
    .option('--json', 'short for --format json')
    .option('--output <file>', 'write there instead of printing')
    .addHelpText(
      'after',
      `\nExample: goldpan query out/quickstart "SELECT step, reason, count(*) FROM ledger GROUP BY ALL ORDER BY 3 DESC"`,
    )
    .action(async (dir: string, sql: string, { format, json, output }: Flags, command: Command) => {
      if (json && format !== 'json' && command.getOptionValueSource('format') === 'cli')
        throw new UserError(`query: --json and --format ${format} are two forms; give one of them`)
      const as = json ? 'json' : format
      if (output !== undefined) await queryInto(dir, sql, as, output)
      else if (as === 'parquet') await queryParquet(dir, sql)
      else await print(query(dir, sql, as, process.stdout.isTTY ? process.stdout.columns : undefined), process.stdout)
    })
}

async function print(texts: AsyncIterable<string | Uint8Array>, to: Writable): Promise<void> {
  for await (const text of texts) if (!to.write(text)) await once(to, 'drain')
}

/** The answer as text, in pieces. `width` is the terminal's. */
export async function* query(dir: string, sql: string, format: TextFormat, width?: number): AsyncIterable<string> {
  const tables = await openTables(openFinished(dir))
  try {
    const answer = await tables.ask(sql)
    if (format === 'json') yield* jsonArray(answer)
    else if (format === 'table') yield await table(answer, width)
    else yield* csv(answer, format === 'spreadsheet')
  } finally {
    tables.close()
  }
}

/** The answer as a Parquet file of DuckDB's at `file`. */
async function parquet(dir: string, sql: string, file: string): Promise<void> {
  const tables = await openTables(openFinished(dir), file)
  try {
    await tables.write(sql, file)
  } finally {
    tables.close()
  }
}

async function queryParquet(dir: string, sql: string): Promise<void> {
  if (process.stdout.isTTY) throw new UserError('query --format parquet: a terminal cannot show it; use --output FILE, or redirect')
  const folder = mkdtempSync(join(tmpdir(), 'goldpan-query-'))
  try {
    await parquet(dir, sql, join(folder, 'answer.parquet'))
    await print(createReadStream(join(folder, 'answer.parquet')), process.stdout)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Writes aside, and into place when the answer is whole. */
export async function queryInto(dir: string, sql: string, format: QueryFormat, output: string): Promise<void> {
  refuseTarget(dir, output)
  const aside = join(dirname(resolve(output)), `.${basename(output)}.${process.pid}`)
  try {
    if (format === 'parquet') await parquet(dir, sql, aside)
    else await writeTexts(query(dir, sql, format), aside, output)
    guarded(output, () => renameSync(aside, output))
  } finally {
    rmSync(aside, { force: true })
  }
}

async function writeTexts(texts: AsyncIterable<string>, file: string, output: string): Promise<void> {
  const stream = createWriteStream(file)
  try {
    await once(stream, 'open')
    await print(texts, stream)
    stream.end()
    await once(stream, 'finish')
  } catch (error) {
    stream.destroy()
    guarded(output, () => {
      throw error
    })
  }
}

function refuseTarget(dir: string, output: string): void {
  const folder = dirname(resolve(output))
  if (!existsSync(folder)) throw new UserError(`query --output ${output}: no such folder ${folder}`)
  if (existsSync(output) && !statSync(output).isFile()) throw new UserError(`query --output ${output}: is not a file`)
  refuseInside(dir, output, `query --output ${output}`)
}

async function* jsonArray(answer: Answer): AsyncIterable<string> {
  let before = '['
  for await (const row of answer.json()) {
    yield `${before}\n${row}`
    before = ','
  }
  yield before === '[' ? '[]\n' : '\n]\n'
}

/** RFC 4180; an empty text is "" and a null is nothing. `safe`: cells that are not numbers are made inert. */
async function* csv({ columns, texts }: Answer, safe: boolean): AsyncIterable<string> {
  const cellOf = (cell: string | null, numeric: boolean): string => (cell === null ? '' : csvCell(safe && !numeric ? inert(cell) : cell))
  const line = (cells: readonly (string | null)[], numeric: (c: number) => boolean): string =>
    `${cells.map((cell, c) => cellOf(cell, numeric(c))).join(',')}\n`
  yield line(
    columns.map(c => c.name),
    () => false,
  )
  for await (const row of texts()) yield line(row, c => columns[c].numeric)
}

const csvCell = (text: string): string => (text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

const TABLE_ROWS = 1000
const CELL_WIDTH = 60

async function table({ columns, texts }: Answer, width: number | undefined): Promise<string> {
  const rows: string[][] = []
  let more = false
  for await (const row of texts()) {
    if ((more = rows.length === TABLE_ROWS)) break
    rows.push(row.map(cell => cell ?? 'null'))
  }
  const shown = width === undefined ? rows.map(row => row.map(cell => cut(visible(cell), CELL_WIDTH))) : rows
  const names = columns.map(c => c.name)
  const text = tableOf(names, shown, { right: columns.map(c => c.numeric), width })
  return `${text}\n${more ? `... more than ${TABLE_ROWS} rows; --format csv or json prints them all\n` : ''}`
}
