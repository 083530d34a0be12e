import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The package's folder: one level up from the sources, two from the compiled code. */
export const PACKAGE = join(import.meta.dirname, import.meta.dirname.endsWith(join('dist', 'pipeline')) ? '../..' : '..')

export const VERSION = (JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { version: string }).version

/** Worker threads and child processes load compiled code, also when what starts them runs from its sources (in tests). `file` is named from pipeline/. */
export const compiled = (file: string): string => join(PACKAGE, 'dist/pipeline', file)
