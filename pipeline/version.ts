import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The package's folder: one level up from the sources, two from the compiled code. */
export const PACKAGE = join(import.meta.dirname, import.meta.dirname.endsWith(join('dist', 'pipeline')) ? '../..' : '..')

export const VERSION = (JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { version: string }).version
