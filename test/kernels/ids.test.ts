import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type GivenTurn, type Turns, turnsColumn } from '../../pipeline/batch.ts'
import { pieceHashes, writeHash } from '../../pipeline/kernels/hash.ts'
import { pairIds, turnsIds, writeTurnsId } from '../../pipeline/kernels/ids.ts'
import { nativeHasher } from '../../pipeline/kernels/native-hash.ts'
import { wasm } from './native-texts.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function idsOf(...rows: GivenTurn[][]): string[] {
  const ids = turnsIds(turnsColumn(rows), rows.length)
  return rows.map((_, i) => hex(ids.subarray(16 * i, 16 * (i + 1))))
}

const turn = fc.record({ role: fc.nat(3), content: fc.string({ unit: 'grapheme', maxLength: 40 }) })
const rowsOfTurns = fc.array(fc.array(turn, { maxLength: 4 }), { maxLength: 6 })

describe('ids of conversations', () => {
  it('depend on roles, on where a turn ends, and on empty turns', () => {
    const said = (role: number, content: string): GivenTurn => ({ role, content })
    const rows = [
      [said(1, 'ab')],
      [said(2, 'ab')],
      [said(1, 'a'), said(1, 'b')],
      [said(1, 'ab'), said(1, '')],
      [said(1, ''), said(1, 'ab')],
      [],
      [said(1, '')],
    ]
    expect(new Set(idsOf(...rows)).size).toBe(rows.length)
  })

  it('do not depend on what lies around them', () => {
    const property = fc.property(fc.array(turn), rowsOfTurns, (turns, before) => {
      expect(idsOf(...before, turns).at(-1)).toBe(idsOf(turns)[0])
    })
    fc.assert(property, { seed: 42 })
  })

  it('take texts longer than the buffer they start with', () => {
    const long = (end: string): GivenTurn[] => [{ role: 1, content: 'x'.repeat(200_000) + end }]
    const [a, b, c] = idsOf(long(''), long('x'), long(''))
    expect(a).not.toBe(b)
    expect(a).toBe(c)
  })
})

describe('ids of pairs', () => {
  const [a, b, c] = [1, 2, 3].map(n => new Uint8Array(32).fill(n))

  it('depend on the order of the sides', () => {
    const ids = [pairIds(a, b, c), pairIds(a, c, b), pairIds(b, a, c)].map(hex)
    expect(new Set(ids).size).toBe(3)
  })

  it('are those of the three ids in a row', () => {
    const out = new Uint8Array(16)
    writeHash(Buffer.concat([a, b, c].map(ids => ids.subarray(0, 16))), out, 0)
    expect(hex(pairIds(a, b, c))).toBe(hex(out).repeat(2))
  })
})

describe('xxHash128', () => {
  it('gives what the reference implementation gives', () => {
    const out = new Uint8Array(16)
    writeHash(new Uint8Array(0), out, 0)
    expect(hex(out)).toBe('99aa06d3014798d86001c324468d497f')
    expect(hex(pieceHashes([Buffer.from('a'.repeat(300))], 1024))).toBe('5e563f2cb28d2005c1d17581d8eb7e21')
  })

  it('of pieces does not depend on the parts in which they come', () => {
    const bytes = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * i) >> 3))
    const property = fc.property(fc.nat(3000), fc.nat(3000), (i, k) => {
      const [from, to] = [Math.min(i, k), Math.max(i, k)]
      const parts = [bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)]
      expect(hex(pieceHashes(parts, 256))).toBe(hex(pieceHashes([bytes], 256)))
    })
    fc.assert(property, { seed: 42 })
  })
})

describe('xxHash128 by the compiled kernel', () => {
  const native = nativeHasher(wasm('hash'))
  const plainly = (turns: Turns, rows: number): Uint8Array => {
    const out = new Uint8Array(rows * 16)
    for (let row = 0; row < rows; row++) writeTurnsId(turns, row, out)
    return out
  }

  it('is the same for texts of every length up to three blocks', () => {
    const bytes = new Uint8Array(3100).map((_, i) => (i * 2654435761) >>> 13)
    const [fast, slow] = [new Uint8Array(16), new Uint8Array(16)]
    for (let length = 1; length <= bytes.length; length++) {
      native.pieces([bytes.subarray(0, length)], 65_536, fast)
      writeHash(bytes.subarray(0, length), slow, 0)
      expect(`${length} ${hex(fast)}`).toBe(`${length} ${hex(slow)}`)
    }
  })

  it('is the same for pieces of any size in any parts', () => {
    const bytes = new Uint8Array(200_000).map((_, i) => (i * 2654435761) >>> 11)
    const property = fc.property(fc.integer({ min: 1, max: 65_536 }), fc.array(fc.nat(bytes.length), { maxLength: 4 }), (size, cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length]
      const parts = places.slice(1).map((to, i) => bytes.subarray(places[i], to))
      const fast = new Uint8Array(Math.ceil(bytes.length / size) * 16)
      native.pieces(parts, size, fast)
      const slow = new Uint8Array(fast.length)
      for (let i = 0; i * size < bytes.length; i++) writeHash(bytes.subarray(i * size, (i + 1) * size), slow, 16 * i)
      expect(Buffer.compare(fast, slow)).toBe(0)
    })
    fc.assert(property, { seed: 42, numRuns: 50 })
  })

  it('is the same for any turns, and for a part of them', () => {
    const property = fc.property(rowsOfTurns, fc.nat(3), (rows, skipped) => {
      const turns = turnsColumn(rows)
      const from = Math.min(skipped, rows.length)
      const view = { starts: turns.starts.subarray(from), items: turns.items }
      const out = new Uint8Array((rows.length - from) * 16)
      expect(native.turns(view, rows.length - from, out)).toEqual([])
      expect(hex(out)).toBe(hex(plainly(view, rows.length - from)))
    })
    fc.assert(property, { seed: 42 })
  })

  it('is the same for more rows, turns and bytes than its memory holds, and leaves a row that does not fit', () => {
    const said = (length: number): GivenTurn[] => [{ role: 2, content: 'é'.repeat(length) }]
    const many = Array.from({ length: 20_000 }, (_, i) => ({ role: i % 4, content: `${i}` }))
    const rows = [...Array.from({ length: 9000 }, (_, i) => said(i % 300)), said(600_000), said(7), said(500_000), many, said(1)]
    const turns = turnsColumn(rows)
    const out = new Uint8Array(rows.length * 16)
    const left = native.turns(turns, rows.length, out)
    expect(left).toEqual([9000, 9003])
    for (const row of left) writeTurnsId(turns, row, out)
    expect(Buffer.compare(out, plainly(turns, rows.length))).toBe(0)
  })
})
