/** Small source files, and what is read from them. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Batch } from '../pipeline/batch.ts'
import { type IngestResult, ingestFile, type SourceFile } from '../pipeline/ingest.ts'
import { rowAt } from './drive.ts'

/** A file of this content in a folder of its own. */
export function source(content: string | Uint8Array, options: Partial<SourceFile> = {}): SourceFile {
  const path = join(mkdtempSync(join(tmpdir(), 'goldpan-ingest-')), 'rows.jsonl')
  writeFileSync(path, content)
  const none = { format: 'auto', source: 'x', priority: 0, scores: true, pairs: 'all', min_gap: 0, shown_first: 'shown_first' } as const
  return { path, shown: 'x.jsonl', ...none, ...options }
}

export interface Read extends IngestResult {
  readonly texts: Record<string, unknown>[]
  readonly facts: Record<string, unknown>[]
  readonly refused: Record<string, unknown>[]
  readonly shards: number
}

/** The pairs and rejects of a file as plain rows. */
export async function read(file: SourceFile, limits?: { shard_bytes: number; shard_rows: number }): Promise<Read> {
  const rows = (batch: Batch): Record<string, unknown>[] => Array.from({ length: batch.rows }, (_, i) => rowAt(batch, i))
  const texts: Record<string, unknown>[] = []
  const facts: Record<string, unknown>[] = []
  let shards = 0
  const sink = {
    shard: async (t: Batch, f: Batch): Promise<void> => {
      shards++
      texts.push(...rows(t))
      facts.push(...rows(f))
    },
  }
  const result = await ingestFile(file, sink, limits)
  return { ...result, texts, facts, refused: result.rejects.flatMap(rows), shards }
}

export const lines = (...rows: unknown[]): string => rows.map(row => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n')
export const user = (content: string) => ({ role: 'user', content })
export const assistant = (content: string) => ({ role: 'assistant', content })
/** Prompt and responses as `u:text | a:text`. */
export const brief = (row: Record<string, unknown>): unknown[] =>
  ['prompt', 'chosen', 'rejected'].map(name =>
    (row[name] as { role: string; content: string }[]).map(t => `${t.role[0]}:${t.content}`).join(' | '),
  )
