import { join } from 'node:path'
import { PACKAGE } from './version.ts'

/** Worker threads and child processes load compiled code, also when what starts them runs from its sources (in tests). `file` is named from pipeline/. */
export const compiled = (file: string): string => join(PACKAGE, 'dist/pipeline', file)
