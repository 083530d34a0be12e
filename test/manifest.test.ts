import { expect, test } from 'vitest'
import { canonicalJson } from '../pipeline/manifest.ts'

test('keys are sorted at every depth, arrays keep their order, undefined is left out', () => {
  const value = { b: [{ z: 1, a: null }, 2], a: { ä: 'x', Z: true, __proto: 1 }, gone: undefined }
  expect(canonicalJson(value)).toBe(
    [
      '{',
      '  "a": {',
      '    "Z": true,',
      '    "__proto": 1,',
      '    "ä": "x"',
      '  },',
      '  "b": [',
      '    {',
      '      "a": null,',
      '      "z": 1',
      '    },',
      '    2',
      '  ]',
      '}',
      '',
    ].join('\n'),
  )
})

test('reads back to itself', () => {
  const text = canonicalJson({ b: 1.5e-7, a: ['\u2028', '"'], '10': 1, '9': 2 })
  expect(canonicalJson(JSON.parse(text))).toBe(text)
})

test.each([Number.NaN, Number.POSITIVE_INFINITY])('%d has no form', value => {
  expect(() => canonicalJson({ steps: [{ rate: value }] })).toThrow('rate: ')
})
