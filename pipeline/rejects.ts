/** Rows that could not be read, as they go to rejects/. */
import { type Batch, batchOf, utf8Of } from './batch.ts'

export const rejectSchema = { row: 'i32', field: 'utf8', error: 'utf8', excerpt: 'utf8' } as const

type Reject = { readonly row: number; readonly field: string; readonly error: string; readonly excerpt: string }

/** Of a file in which millions of rows are bad, so many rejects are objects at a time. */
const REJECTS = 16_384

/** Rejects as columns, a quarter of the size. */
export class Rejects {
  private readonly batches: Batch<typeof rejectSchema>[] = []
  private open: Reject[] = []
  rows = 0

  add(reject: Reject): void {
    this.rows++
    if (this.open.push(reject) === REJECTS) this.flush()
  }

  private flush(): void {
    const { open } = this
    this.batches.push(
      batchOf(rejectSchema, open.length, {
        row: { values: Int32Array.from(open, r => r.row) },
        field: utf8Of(open.map(r => r.field)),
        error: utf8Of(open.map(r => r.error)),
        excerpt: utf8Of(open.map(r => r.excerpt)),
      }),
    )
    this.open = []
  }

  all(): readonly Batch<typeof rejectSchema>[] {
    if (this.open.length > 0 || this.rows === 0) this.flush()
    return this.batches
  }
}
