import { describe, expect, it } from 'vitest'
import { newSurface, readScripts, readSurface, SCRIPTS, type Surface } from '../../pipeline/kernels/surface.ts'

function surfaceOf(text: string): Surface {
  const bytes = new TextEncoder().encode(`before\n${text}\nafter`)
  const surface = newSurface()
  readSurface(surface, bytes, 7, bytes.length - 6)
  return surface
}

describe('readSurface', () => {
  it('counts symbols, digits and brackets of its own range alone', () => {
    expect(surfaceOf('f(x[1]) = {2, 34')).toMatchObject({ symbols: 7, digits: 4, unbalanced: 1 })
    expect(surfaceOf('')).toMatchObject({
      symbols: 0,
      digits: 0,
      unbalanced: 0,
      lines: 0,
      first: 0,
      last: 0,
      windows: 0,
      distinct_windows: 0,
    })
  })

  it('sees repeated lines, open fences and speakers, blank lines apart', () => {
    expect(surfaceOf('a b\n\nc\n a b \n \nc')).toMatchObject({ lines: 4, repeated_lines: 2, open_fences: 0, speaker_lines: 0 })
    expect(surfaceOf('```js\nx\n```\n```')).toMatchObject({ open_fences: 1 })
    expect(surfaceOf('Yes.\nHuman: and then?\nAssistant: no')).toMatchObject({ speaker_lines: 2 })
    expect(surfaceOf('Human: is how it begins')).toMatchObject({ speaker_lines: 0 })
  })

  it('tells how a text begins and ends, whatever the script', () => {
    expect(surfaceOf('  so it goes. \n').last).toBe('.'.charCodeAt(0))
    expect(surfaceOf('水是什么？').last).toBe('？'.codePointAt(0))
    expect(surfaceOf('fin 🙂').last).toBe('🙂'.codePointAt(0))
    expect(surfaceOf(' so').first).toBe('s'.charCodeAt(0))
  })

  it('counts distinct windows: few where a text repeats itself', () => {
    expect(surfaceOf('abcdefgh')).toMatchObject({ windows: 5, distinct_windows: 5 })
    expect(surfaceOf('a'.repeat(203))).toMatchObject({ windows: 200, distinct_windows: 1 })
  })

  it('counts characters that were broken', () => expect(surfaceOf('a\ufffdb\ufffd').replacements).toBe(2))
})

it('readScripts tells scripts apart, and punctuation from letters', () => {
  const scripts = new Float64Array(SCRIPTS)
  const shares = (text: string): number[] => {
    const bytes = new TextEncoder().encode(text)
    readScripts(scripts, bytes, 0, bytes.length)
    return Array.from(scripts)
  }
  expect(shares('abc, é')).toEqual([4, 0, 0, 0, 0, 0, 0, 0])
  expect(shares('вода')).toEqual([0, 4, 0, 0, 0, 0, 0, 0])
  expect(shares('ماء')).toEqual([0, 0, 3, 0, 0, 0, 0, 0])
  expect(shares('પાણી')).toEqual([0, 0, 0, 4, 0, 0, 0, 0])
  expect(shares('水。みず')).toEqual([0, 0, 0, 0, 0, 3, 0, 0])
  expect(shares('물')).toEqual([0, 0, 0, 0, 0, 0, 1, 0])
})
