import { describe, expect, test } from 'vitest'
import { bytesText, cut, displayWidth, grouped, tableOf, visible } from '../../pipeline/report/table.ts'

describe('tableOf', () => {
  test('numbers to the right, text to the left, wide characters counted as two', () => {
    expect(
      tableOf(
        ['name', 'n'],
        [
          ['你好', '1'],
          ['abc', '12345'],
        ],
        { right: [false, true] },
      ),
    ).toBe(['name      n', '你好      1', 'abc   12345'].join('\n'))
  })

  test('lines fit the width: the widest columns give way first', () => {
    const text = tableOf(['id', 'long', 'longer'], [['1', 'a'.repeat(40), 'b'.repeat(90)]], { width: 60 })
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(60)
    expect(text).toContain('…')
    expect(text.split('\n')[1].startsWith('1 ')).toBe(true)
  })

  test('a number is never cut, a name above it is', () => {
    const text = tableOf(['source', 'held out pairs', 'why'], [['a-long-name', '12,345,678', 'exact 14, label_conflict 3']], {
      right: [false, true],
      width: 26,
    })
    expect(text).toContain('12,345,678 ')
    expect(text).toContain('held out …')
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(26)
  })

  test('twenty columns on a narrow terminal still have eight characters each', () => {
    const row = Array(20).fill('0123456789')
    expect(tableOf(row, [row], { width: 40 }).split('\n')[0].split('  ')).toEqual(Array(20).fill('0123456…'))
  })
})

test('what a terminal would obey is shown', () => {
  expect(visible('a\nb\u001b[31mred\u202e\u0007')).toBe('a\\nb\\u001b[31mred\\u202e\\u0007')
  expect(visible('é 你 👍')).toBe('é 你 👍')
})

test('display width: combining marks take none, wide characters two', () => {
  expect(displayWidth('e\u0301')).toBe(1)
  expect(displayWidth('你👍a')).toBe(5)
  expect(cut('你好世界', 5)).toBe('你好…')
  expect(cut('short', 5)).toBe('short')
})

test('figures for people', () => {
  expect([0, 999, 1000, 1234567].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567'])
  expect([0, 1023, 1024, 1536 * 1024, 5 * 2 ** 40].map(bytesText)).toEqual(['0 B', '1023 B', '1.0 KiB', '1.5 MiB', '5.0 TiB'])
})
