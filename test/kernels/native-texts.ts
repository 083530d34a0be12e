/** The compiled kernels, and texts that they must read as their twins in TypeScript do. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect } from 'vitest'
import { batchOf, listOf, type Turns, turnsOf, utf8Of } from '../../pipeline/batch.ts'

/** A kernel as `make build` compiled it. */
export const wasm = (name: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(join(import.meta.dirname, `../../dist/pipeline/kernels/wasm/${name}.wasm`)))

export const sameBytes = (a: ArrayBufferView, b: ArrayBufferView) => expect(Buffer.compare(bytesOf(a), bytesOf(b))).toBe(0)

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer => Buffer.from(buffer, byteOffset, byteLength)

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
