/** The compiled kernels, and texts that they must read as their twins in TypeScript do. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import fc from 'fast-check'
import { expect } from 'vitest'
import { batchOf, listOf, type Turns, turnsOf, utf8Of } from '../../pipeline/batch.ts'

/** Every kernel of this working copy by name, compiled once for all files of tests in a process. */
const kernels = compiled()

function compiled(): Map<string, Uint8Array<ArrayBuffer>> {
  const folder = mkdtempSync(join(tmpdir(), 'goldpan-wasm-'))
  execFileSync(process.execPath, [join(import.meta.dirname, '../../pipeline/kernels/wasm/build.mjs'), folder])
  return new Map(readdirSync(folder).map(file => [basename(file, '.wasm'), new Uint8Array(readFileSync(join(folder, file)))]))
}

export const wasm = (name: string): Uint8Array<ArrayBuffer> => kernels.get(name)!

export const sameBytes = (a: { buffer: ArrayBufferLike }, b: { buffer: ArrayBufferLike }) =>
  expect(Buffer.compare(Buffer.from(a.buffer), Buffer.from(b.buffer))).toBe(0)

/** Every range of Unicode that the kernels treat in a way of its own, between much ASCII. */
export const character = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ' ',
      '_',
      'Z',
      '[',
      '@',
      '{',
      '\u007f',
      'é',
      'İ',
      'ß',
      'ﬃ',
      'ΐ',
      '\u0301',
      '你',
      'の',
      'カ',
      '한',
      'ท',
      'ี่',
      '\u212a',
      '𝒜',
      '👍',
    ),
  },
)
export const text = fc.array(character, { maxLength: 80 }).map(parts => parts.join('').toWellFormed())

export const turnsFrom = (responses: string[][]): Turns => {
  const content = utf8Of(responses.flat())
  const rows = responses.flat().length
  const items = batchOf(turnsOf.list, rows, { role: { values: new Uint8Array(rows).fill(2) }, content })
  return listOf(
    responses.map(turns => turns.length),
    items,
  )
}
