/** The process in which a Parquet file is read before goldpan reads it (see parquet-trial.ts). What is wrong with it is told by the reading that follows. */
import { connect, forget, type Reading, selectOf } from './duckdb-parquet.ts'

async function readAll(reading: Reading): Promise<void> {
  const connection = await connect()
  try {
    const result = await connection.stream(selectOf(reading))
    for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; ) chunk = await result.fetchChunk()
  } finally {
    connection.closeSync()
  }
}

process.on('message', async (reading: Reading) => {
  await readAll(reading).catch(forget)
  process.send!('read')
})
process.on('disconnect', () => process.exit())
