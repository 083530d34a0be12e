import fc from 'fast-check'
import { expect, it } from 'vitest'
import { batchOf, hexAt, isValid, listOf, stringAt, utf8Of } from '../pipeline/batch.ts'
import { gather, pick } from '../pipeline/gather.ts'

const items = { number: 'i32', id: 'id', vector: { vector: 2 } } as const

/** Lists of so many children each; every value names its child. */
function listsOf(counts: readonly number[]) {
  const rows = counts.reduce((n, count) => n + count, 0)
  const numbers = Array.from({ length: rows }, (_, i) => i)
  const children = batchOf(items, rows, {
    number: { values: Int32Array.from(numbers), valid: Uint8Array.from(numbers, i => i % 2) },
    id: { bytes: Uint8Array.from({ length: rows * 16 }, (_, i) => i) },
    vector: { values: Float32Array.from({ length: rows * 2 }, (_, i) => i) },
  })
  return batchOf({ lists: { list: items } }, counts.length, { lists: listOf(counts, children) })
}

it.each([
  ['short', 3],
  ['long', 40],
])('gathers %s lists of anything', (_, most) => {
  const counts = fc.array(fc.integer({ min: most >> 1, max: most }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(counts, fc.array(fc.integer({ min: -1, max: 7 }), { maxLength: 12 }), (counts, picks) => {
      const index = picks.map(i => Math.min(i, counts.length - 1))
      const { lists } = gather(listsOf(counts), Int32Array.from(index)).columns
      const before = counts.map((_, i) => counts.slice(0, i).reduce((n, count) => n + count, 0))
      const wanted = index.flatMap(i => (i < 0 ? [] : Array.from({ length: counts[i] }, (_, k) => before[i] + k)))
      const { number, id, vector } = lists.items.columns
      expect([...lists.starts]).toEqual([0, ...index.map((_, k) => index.slice(0, k + 1).reduce((n, i) => n + (counts[i] ?? 0), 0))])
      expect([...number.values]).toEqual(wanted)
      expect([...number.valid!]).toEqual(wanted.map(i => i % 2))
      expect([...id.bytes]).toEqual(wanted.flatMap(i => Array.from({ length: 16 }, (_, k) => (i * 16 + k) & 255)))
      expect([...vector.values]).toEqual(wanted.flatMap(i => [2 * i, 2 * i + 1]))
    }),
    { seed: 42 },
  )
})

const narrow = { number: 'f32', double: 'f64', byte: 'u8', text: 'utf8', id: 'id', vector: { vector: 3 } } as const

/** Rows whose values name them; every third number is null where `nulls`. */
function rowsFrom(first: number, rows: number, nulls: boolean) {
  const names = Array.from({ length: rows }, (_, i) => first + i)
  const valid = nulls ? Uint8Array.from(names, name => (name % 3 === 0 ? 0 : 1)) : undefined
  return batchOf(narrow, rows, {
    number: { values: Float32Array.from(names), valid },
    double: { values: Float64Array.from(names, name => name + 1e-9) },
    byte: { values: Uint8Array.from(names) },
    text: utf8Of(names.map(name => 'x'.repeat(name % 50))),
    id: { bytes: Uint8Array.from(names.flatMap(name => Array(16).fill(name & 255))) },
    vector: { values: Float32Array.from(names.flatMap(name => [name, -name, 0.5])) },
  })
}

it('picks runs of rows and single rows of several batches', () => {
  const run = fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: -1, max: 99 }), fc.integer({ min: 1, max: 60 }))
  fc.assert(
    fc.property(fc.array(run, { maxLength: 6 }), runs => {
      const batches = [0, 1, 2].map(k => rowsFrom(100 * k, 100, k === 1))
      const wanted = runs.flatMap(([which, from, length]) =>
        from < 0 ? [[which, -1]] : Array.from({ length: Math.min(length, 100 - from) }, (_, i) => [which, from + i]),
      )
      const [which, index] = [0, 1].map(k => Int32Array.from(wanted, pair => pair[k]))
      const { number, double, byte, text, id, vector } = pick(narrow, batches, which, index).columns
      const told = wanted.map(([, row], i) => {
        if (row < 0) return [isValid(number, i), isValid(text, i), stringAt(text, i)]
        return [
          isValid(number, i) && number.values[i],
          double.values[i],
          byte.values[i],
          stringAt(text, i).length,
          hexAt(id, i),
          ...vector.values.slice(3 * i, 3 * i + 3),
        ]
      })
      const expected = wanted.map(([k, row]) => {
        const name = 100 * k + row
        if (row < 0) return [false, false, '']
        const byte = (name & 255).toString(16).padStart(2, '0')
        return [k === 1 && name % 3 === 0 ? false : name, name + 1e-9, name & 255, name % 50, byte.repeat(16), name, -name, 0.5]
      })
      expect(told).toEqual(expected)
    }),
    { seed: 42 },
  )
})
