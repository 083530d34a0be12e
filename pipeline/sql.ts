/** SQL over the tables of a finished build. What runs here can read the build's files and nothing else, and can write nothing. */
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBPreparedStatement,
  DuckDBTypeId,
  type DuckDBValue,
  StatementType,
} from '@duckdb/node-api'
import { hint, UserError } from './errors.ts'
import { type Finished, filesOf } from './finished.ts'
import { createViews, derivedViews, quoted } from './table-views.ts'
import { tableNames } from './tables.ts'

export interface SqlColumn {
  readonly name: string
  readonly numeric: boolean
}

/** A null is null; a value is text as DuckDB writes it, or JSON. */
export type SqlRow = readonly (string | null)[]

export interface Answer {
  readonly columns: readonly SqlColumn[]
  /** The rows as texts in the order of the columns; to be read once, instead of `json`. */
  texts(): AsyncIterable<SqlRow>
  /** Each row as a JSON object. */
  json(): AsyncIterable<string>
}

/** `key`: names of one key are the same to the format. */
function refuseTwice(names: readonly string[], format: string, key = (name: string): string => name): void {
  const keys = names.map(key)
  const twice = names.find((_, i) => keys.indexOf(keys[i]) < i)
  if (twice !== undefined)
    throw new UserError(`query: two columns are called ${twice}; ${format} needs a name for each, as in: select 1 as a, 2 as b`)
}

export class Tables {
  private readonly connection: DuckDBConnection
  private readonly instance: DuckDBInstance
  private readonly dir: string
  constructor(dir: string, instance: DuckDBInstance, connection: DuckDBConnection) {
    this.dir = dir
    this.instance = instance
    this.connection = connection
  }

  /** One SELECT (or FROM, WITH, VALUES, DESCRIBE, SHOW, SUMMARIZE) of a user. */
  async ask(sql: string): Promise<Answer> {
    const statement = await told(() => this.prepared(sql))
    const columns = Array.from({ length: statement.columnCount }, (_, i) => ({
      name: statement.columnName(i),
      type: statement.columnTypeId(i),
    }))
    const from = `from (\n${sql.replace(/[\s;]+$/, '')}\n) as q(${columns.map((_, i) => `c${i}`).join(', ')})`
    // One character before each text: a leading U+FEFF would be lost on its way into JavaScript.
    const texts = columns.map((_, i) => `'|' || c${i}::varchar`).join(', ')
    const fields = columns.map(({ name, type }, i) => `${quoted(name)}, ${jsonCell(`c${i}`, type)}`).join(', ')
    const { connection } = this
    return {
      columns: columns.map(({ name, type }) => ({ name, numeric: NUMERIC.has(type) })),
      async *texts() {
        for await (const row of rowsOf(connection, `select ${texts} ${from}`))
          yield row.map(cell => (cell === null ? null : String(cell).slice(1)))
      },
      async *json() {
        refuseTwice(
          columns.map(({ name }) => name),
          'JSON',
        )
        for await (const [row] of rowsOf(connection, `select json_object(${fields})::varchar ${from}`)) yield String(row)
      },
    }
  }

  /** The answer to a user's SELECT as a Parquet file at `target`, which `openTables` was told of. */
  async write(sql: string, target: string): Promise<void> {
    const statement = await told(() => this.prepared(sql))
    const names = Array.from({ length: statement.columnCount }, (_, i) => statement.columnName(i))
    refuseTwice(names, 'Parquet', name => name.toLowerCase())
    const options = 'format parquet, compression zstd, use_tmp_file false'
    await told(() => this.connection.run(`copy (\nfrom (\n${sql.replace(/[\s;]+$/, '')}\n)\n) to ${quoted(target)} (${options})`))
  }

  /** Rows of a statement of our own, as plain JSON values. `:name` in it is bound. */
  async rows<T>(sql: string, values: Readonly<Record<string, DuckDBValue>> = {}): Promise<T[]> {
    const reader = await this.read(this.connection.runAndReadAll(`select to_json(q)::varchar from (${sql}) q`, { ...values }))
    return reader.getRows().map(([row]) => JSON.parse(String(row)) as T)
  }

  /** Statements of our own that answer nothing. */
  async run(sql: string): Promise<void> {
    await this.read(this.connection.run(sql))
  }

  private read<T>(asked: Promise<T>): Promise<T> {
    return asked.catch(error => {
      throw damaged(this.dir, error as Error)
    })
  }

  close(): void {
    this.connection.closeSync()
    this.instance.closeSync()
  }

  private async prepared(sql: string): Promise<DuckDBPreparedStatement> {
    const statements = await this.connection.extractStatements(sql)
    if (statements.count !== 1 && /\bpivot\b/i.test(sql))
      throw new UserError("query: PIVOT needs its values here, as in ON outcome IN ('keep', 'drop')")
    if (statements.count !== 1) throw new UserError(`query: expected one statement, got ${statements.count}`)
    const statement = await statements.prepare(0)
    if (statement.statementType !== StatementType.SELECT)
      throw new UserError('query: only statements that read are run: SELECT, FROM, WITH, VALUES, DESCRIBE, SHOW, SUMMARIZE')
    if (statement.parameterCount > 0)
      throw new UserError('query: parameters ($1, ?) have no value here; write the values into the statement')
    return statement
  }
}

/** JSON has no NaN; and a float32 in as few digits as read back, not those of the double it would become. */
function jsonCell(cell: string, type: DuckDBTypeId): string {
  if (!FLOATS.has(type)) return cell
  return `case when isfinite(${cell}) then ${type === DuckDBTypeId.FLOAT ? `${cell}::varchar::double` : cell} end`
}

const FLOATS = new Set([DuckDBTypeId.FLOAT, DuckDBTypeId.DOUBLE])
const { TINYINT, SMALLINT, INTEGER, BIGINT, HUGEINT, UTINYINT, USMALLINT, UINTEGER, UBIGINT, UHUGEINT, DECIMAL } = DuckDBTypeId
const NUMERIC = new Set([...FLOATS, TINYINT, SMALLINT, INTEGER, BIGINT, HUGEINT, UTINYINT, USMALLINT, UINTEGER, UBIGINT, UHUGEINT, DECIMAL])

async function* rowsOf(connection: DuckDBConnection, sql: string): AsyncIterable<DuckDBValue[]> {
  const result = await told(() => connection.stream(sql))
  for (;;) {
    const chunk = await told(() => result.fetchChunk())
    if (!chunk || chunk.rowCount === 0) return
    yield* chunk.getRows()
  }
}

/** What DuckDB complains of is the user's SQL: one line of it, with the names that it suggests. */
async function told<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof UserError) throw error
    throw new UserError(`query: ${complaintOf((error as Error).message)}`)
  }
}

function complaintOf(message: string): string {
  if (message === 'Error in native callback') return 'the statement is empty'
  const table = /Table with name (.+) does not exist/.exec(message)?.[1]
  if ((tableNames as readonly string[]).includes(table?.toLowerCase() ?? ''))
    return `${table} is in Arrow files, which SQL does not read here; ledger, flipped, quarantine, review and rejects are there`
  if (table) return `no table ${table}${hint(table, [...tableNames, ...Object.keys(derivedViews)])}`
  const [first, ...more] = message.replace(/^Failed to extract statements: /, '').split('\n')
  if (/^Invalid Error/.test(first)) return `${first}; \`goldpan verify\` tells whether a file is damaged`
  const refused = first.replace(
    'file system operations are disabled by configuration',
    'a query reads the tables of the build and nothing else',
  )
  return [refused, ...more.filter(line => line.startsWith('Candidate'))].join(' ').trim()
}

/** Errors of DuckDB that come from what it is asked; all others come from what it reads. */
const OF_THE_QUESTION = /^(Binder|Catalog|Parser|Syntax|Conversion|Constraint|Not implemented|INTERNAL) Error/i

const damageText = (dir: string, { message }: Error): string =>
  `${dir}: ${message.split('\n')[0]}; \`goldpan verify\` tells which file is damaged`

/** A question of our own that fails on what lies in the files. */
const damaged = (dir: string, error: Error): Error => (OF_THE_QUESTION.test(error.message) ? error : new UserError(damageText(dir, error)))

/** Opens every table of the build as a view; one without files is a view without rows. `target` is a file that `write` may make. */
export async function openTables(finished: Finished, target?: string): Promise<Tables> {
  const files = [...tableNames.flatMap(table => filesOf(finished, table)), ...(target === undefined ? [] : [target])]
  return openLocked(finished.dir, files, connection => createViews(finished, connection))
}

/** A database in memory with what `prepare` makes; afterwards it reads these files and nothing else, and no setting can be changed. */
export async function openLocked(
  dir: string,
  files: readonly string[],
  prepare: (connection: DuckDBConnection) => Promise<void>,
): Promise<Tables> {
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    // Made when a query outgrows memory, and removed with the instance.
    temp_directory: join(tmpdir(), `goldpan-query-${randomUUID()}`),
  })
  const connection = await instance.connect()
  const tables = new Tables(dir, instance, connection)
  try {
    await prepare(connection)
    await connection.run(`set allowed_paths = [${files.map(quoted).join(', ')}]`)
    // From here on views read these files; anything else, any write and any change of a setting is refused.
    await connection.run('set enable_external_access = false')
    await connection.run('set lock_configuration = true')
    return tables
  } catch (error) {
    tables.close()
    throw new UserError(damageText(dir, error as Error))
  }
}
