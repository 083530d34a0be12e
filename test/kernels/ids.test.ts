import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8Of } from '../../pipeline/batch.ts'
import { writePairId, writeTurnsId } from '../../pipeline/kernels/ids.ts'

type Turn = readonly [role: number, content: string]

/** The id of a conversation that lies behind `before` in its column. */
function turnsId(turns: readonly Turn[], before: readonly Turn[] = []): string {
  const all = [...before, ...turns]
  const { bytes, offsets } = utf8Of(all.map(([, content]) => content))
  const out = new Uint8Array(48)
  writeTurnsId(
    Uint8Array.from(all, ([role]) => role),
    bytes,
    offsets,
    before.length,
    all.length,
    out,
    1,
  )
  expect([...out.subarray(0, 16), ...out.subarray(32)].every(byte => byte === 0)).toBe(true)
  return Buffer.from(out.subarray(16, 32)).toString('hex')
}

const turn = fc.tuple(fc.nat(3), fc.string({ unit: 'grapheme', maxLength: 40 }))

describe('ids of conversations', () => {
  it('depend on roles, on where a turn ends, and on empty turns', () => {
    const ids = [
      turnsId([[1, 'ab']]),
      turnsId([[2, 'ab']]),
      turnsId([
        [1, 'a'],
        [1, 'b'],
      ]),
      turnsId([
        [1, 'ab'],
        [1, ''],
      ]),
      turnsId([
        [1, ''],
        [1, 'ab'],
      ]),
      turnsId([]),
      turnsId([[1, '']]),
    ]
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('do not depend on what lies around them', () => {
    const property = fc.property(fc.array(turn), fc.array(turn), (turns, before) => {
      expect(turnsId(turns, before)).toBe(turnsId(turns))
    })
    fc.assert(property, { seed: 42 })
  })

  it('take texts longer than the buffer they start with', () => {
    const long = 'x'.repeat(200_000)
    expect(turnsId([[1, long]])).not.toBe(turnsId([[1, `${long}x`]]))
    expect(turnsId([[1, long]])).toBe(turnsId([[1, long]]))
  })
})

describe('ids of pairs', () => {
  it('depend on the order of the sides', () => {
    const [a, b, c] = [1, 2, 3].map(n => new Uint8Array(16).fill(n))
    const idOf = (...ids: [Uint8Array, Uint8Array, Uint8Array]) => {
      const out = new Uint8Array(16)
      writePairId(...ids, 0, out)
      return Buffer.from(out).toString('hex')
    }
    expect(new Set([idOf(a, b, c), idOf(a, c, b), idOf(b, a, c)]).size).toBe(3)
    expect(idOf(a, b, c)).toBe(idOf(a, b, c))
  })
})
