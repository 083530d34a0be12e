/** Runs the built command line as a user does, and reads the tables of a build with DuckDB. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'

export const ROOT = resolve(import.meta.dirname, '..')
export const CLI = join(ROOT, 'dist/pipeline/cli.js')
if (!existsSync(CLI)) throw new Error('dist/ is not built: run `make build` first')

export const freshDir = (name: string): string => mkdtempSync(join(tmpdir(), `goldpan-${name}-`))

export interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface SpawnOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs `goldpan ARGS` to its end. */
export function goldpan(args: readonly string[], options: SpawnOptions = {}): Said {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  return { code: status ?? -1, stdout, stderr }
}

export type Row = Readonly<Record<string, unknown>>

/** Rows of an SQL query; `{dir}` stands for the build's folder. Integers come as strings. */
export async function rowsOf(dir: string, sql: string): Promise<Row[]> {
  const db = await DuckDBInstance.create(':memory:')
  const connection = await db.connect()
  try {
    const result = await connection.runAndReadAll(sql.replaceAll('{dir}', dir))
    return result.getRowObjectsJson() as Row[]
  } finally {
    connection.closeSync()
    db.closeSync()
  }
}
