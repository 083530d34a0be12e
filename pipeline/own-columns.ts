/** What a build keeps of a step whose stage is the user's, so that whoever reads the build needs not the code. */
import type { Schema } from './batch.ts'

/** Where a stage comes from that is not goldpan's: its file, and the digest of the module that the file and its imports make. */
export interface Own {
  readonly path: string
  readonly sha256: string
}

export interface OwnStep extends Own {
  /** Columns that it adds to the ledger. */
  readonly adds: Schema
  /** Where its reasons send a pair. */
  readonly reasons: Readonly<Record<string, string>>
}
