import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Worker threads load compiled code, also when what starts them runs from its sources (in tests). `file` is named from pipeline/. */
export function compiled(file: string): string {
  const beside = join(import.meta.dirname, '..', file)
  return existsSync(beside) ? beside : join(import.meta.dirname, '../../dist/pipeline', file)
}
