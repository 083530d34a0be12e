/** node duckdb-copy.mjs IN.parquet OUT.parquet: reads a Parquet file and writes it again, nothing else. The floor that a build is held against. */
import { DuckDBInstance } from '@duckdb/node-api'

const [, , from, to] = process.argv
const db = await DuckDBInstance.create(':memory:')
const connection = await db.connect()
await connection.run('SET threads = 2')
await connection.run(`COPY (SELECT * FROM read_parquet('${from}')) TO '${to}' (FORMAT parquet, COMPRESSION zstd)`)
