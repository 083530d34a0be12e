/** A file that a build reads, by its content. */
import { statSync } from 'node:fs'
import type { NamedFile } from './files.ts'
import { digestOf } from './keys.ts'

export interface PlannedFile {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

export type Digest = (file: NamedFile) => Promise<PlannedFile>

export const plannedFile: Digest = async file => ({ path: file.shown, bytes: statSync(file.path).size, sha256: await digestOf(file.path) })
