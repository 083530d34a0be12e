/** Parquet through parquet-wasm, handed over in small groups: its memory holds one row group encoded, where its one-shot writer holds all rows. */
import { RecordBatchStreamWriter } from 'apache-arrow'
import { Compression, Table, transformParquetStream, type WriterProperties, WriterPropertiesBuilder } from 'parquet-wasm'
import { arrowSchema, recordBatchOf } from './arrow-writer.ts'
import { GROUP_ROWS, type OutColumn } from './out-columns.ts'
import type { Emit, Encoder } from './table-writer.ts'

/** Rows that cross into WebAssembly at once: as many values as its encoder takes in one go, so that fewer would only cost more. */
const BATCH_ROWS = 1024

/** Each setter consumes the builder, and writing consumes the properties: used twice, they silently fall back to the defaults. */
const properties = (): WriterProperties =>
  new WriterPropertiesBuilder()
    .setCreatedBy('goldpan')
    .setCompression(Compression.ZSTD)
    // Prompts and responses repeat in preference data: 37 MB instead of 56 on 110,868 real pairs.
    .setDictionaryPageSizeLimit(8 << 20)
    .setMaxRowGroupSize(GROUP_ROWS)
    .build()

export function openParquetEncoder(columns: readonly OutColumn[], emit: Emit): Encoder {
  const schema = arrowSchema(columns)
  let feed!: ReadableStreamDefaultController
  let taken = (): void => {}
  const groups = new ReadableStream({ start: controller => void (feed = controller), pull: () => taken() }, { highWaterMark: 0 })
  const done = transformParquetStream(groups, properties()).then(stream => drain(stream, emit))
  done.catch(() => {})
  return {
    group_rows: BATCH_ROWS,
    async write(group) {
      const table = Table.fromIPCStream(new RecordBatchStreamWriter().writeAll([recordBatchOf(schema, columns, group)]).toUint8Array(true))
      const asked = new Promise<void>(resolve => (taken = resolve))
      feed.enqueue(table.recordBatches()[0])
      table.free()
      await Promise.race([asked, done])
    },
    close() {
      feed.close()
      return done
    },
  }
}

async function drain(stream: ReadableStream<Uint8Array>, emit: Emit): Promise<void> {
  for await (const chunk of stream) emit(chunk)
}
