import { once } from 'node:events'
import { type Command, Option } from 'commander'
import { openFinished } from '../finished.ts'
import { cut, tableOf, visible } from '../report/table.ts'
import { type Answer, openTables } from '../sql.ts'

export const queryFormats = ['table', 'csv', 'json'] as const
export type QueryFormat = (typeof queryFormats)[number]

export const register = (program: Command): void => {
  program
    .command('query')
    .description(
      'SQL over the tables train, validation, flipped, quarantine, review, ledger and rejects of a finished build, and edges: the ledger of what duplicates what; reads only',
    )
    .argument('<dir>', 'folder of the build')
    .argument('<sql>', 'one SELECT, as DuckDB understands it')
    .addOption(
      new Option('--format <form>', 'how to print the rows; a table shows 1000 at most and cuts long cells')
        .choices(queryFormats)
        .default('table'),
    )
    .option('--json', 'short for --format json')
    .addHelpText(
      'after',
      `\nExample: goldpan query out/quickstart "SELECT step, reason, count(*) FROM ledger GROUP BY ALL ORDER BY 3 DESC"`,
    )
    .action(async (dir: string, sql: string, { format, json }: { format: QueryFormat; json?: boolean }) => {
      for await (const text of query(dir, sql, json ? 'json' : format, process.stdout.isTTY ? process.stdout.columns : undefined))
        if (!process.stdout.write(text)) await once(process.stdout, 'drain')
    })
}

/** The answer as text, in pieces. `width` is the terminal's. */
export async function* query(dir: string, sql: string, format: QueryFormat, width?: number): AsyncIterable<string> {
  const tables = await openTables(openFinished(dir))
  try {
    const answer = await tables.ask(sql)
    if (format === 'json') yield* jsonArray(answer)
    else if (format === 'csv') yield* csv(answer)
    else yield await table(answer, width)
  } finally {
    tables.close()
  }
}

async function* jsonArray(answer: Answer): AsyncIterable<string> {
  let before = '['
  for await (const row of answer.json()) {
    yield `${before}\n${row}`
    before = ','
  }
  yield before === '[' ? '[]\n' : '\n]\n'
}

/** RFC 4180; an empty text is "" and a null is nothing. */
async function* csv(answer: Answer): AsyncIterable<string> {
  const line = (cells: readonly (string | null)[]): string => `${cells.map(cell => (cell === null ? '' : csvCell(cell))).join(',')}\n`
  yield line(answer.columns.map(c => c.name))
  for await (const row of answer.texts()) yield line(row)
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
