import { describe, expect, it } from 'vitest'
import { structure } from '../stages/structure.ts'
import { driveStage, type PairInput } from './drive.ts'

const reasonsOf = async (pairs: readonly PairInput[], params = {}): Promise<(string | null)[]> =>
  (await driveStage(structure, params, pairs)).verdicts.map(v => v.reason)

const user = (content: string) => ({ role: 'user', content }) as const
const assistant = (content: string) => ({ role: 'assistant', content }) as const

describe('structure', () => {
  it('keeps a sound pair, however short its answers, in any script', async () => {
    expect(
      await reasonsOf([
        { prompt: '6 x 7?', chosen: '42', rejected: '41' },
        { prompt: '最大的洋？', chosen: '太平洋', rejected: '大西洋' },
      ]),
    ).toEqual([null, null])
  })

  it('drops a side without text: no turn, nothing, white space of any kind', async () => {
    const sides = [[], '', ' \n\t', '\u00a0\u3000\u200b', [assistant('  '), assistant('')]]
    expect(await reasonsOf(sides.map(chosen => ({ chosen })))).toEqual(sides.map(() => 'empty_side'))
    expect(await reasonsOf([{ rejected: '' }, { chosen: '', rejected: '' }])).toEqual(['empty_side', 'empty_side'])
    expect(await reasonsOf([{ chosen: '\u3000。' }])).toEqual([null])
  })

  it('drops a pair without a prompt', async () => {
    expect(await reasonsOf([{ prompt: '' }, { prompt: [] }, { prompt: [user('\n')] }])).toEqual(['no_prompt', 'no_prompt', 'no_prompt'])
  })

  it('drops a pair whose prompt ends with nobody to answer', async () => {
    const prompts = [
      [user('a'), assistant('b')],
      [{ role: 'system', content: 'Be kind.' } as const],
      [user('a'), { role: 'tool', content: '{}' } as const],
    ]
    expect(await reasonsOf(prompts.map(prompt => ({ prompt })))).toEqual(['last_turn_not_user', 'last_turn_not_user', null])
  })

  it('drops pairs that differ before the last turn, unless told to keep them', async () => {
    const pairs = [
      { chosen: [assistant('a'), user('b'), assistant('c')], rejected: 'd' },
      { prompt: [], chosen: [user('a'), assistant('b')], rejected: [user('c'), assistant('d')] },
      { chosen: [user('a')] },
    ]
    expect(await reasonsOf(pairs)).toEqual(Array(3).fill('differs_before_last_turn'))
    expect(await reasonsOf(pairs, { allow_several_turns: true })).toEqual([null, null, null])
  })

  it('drops identical sides and ties, the former first', async () => {
    expect(
      await reasonsOf([
        { chosen: 'a', rejected: 'a' },
        { chosen: 'a', rejected: 'A' },
        { tie: true },
        { chosen: 'a', rejected: 'a', tie: true },
      ]),
    ).toEqual(['identical_sides', null, 'tie', 'identical_sides'])
  })

  it('measures length in bytes, of the longest text', async () => {
    const pairs = [
      { chosen: 'x'.repeat(10) },
      { chosen: 'x'.repeat(11) },
      { rejected: '水水水水' },
      { prompt: [user('123456'), assistant('12345'), user('1')] },
    ]
    expect(await reasonsOf(pairs, { max_text_bytes: 10 })).toEqual([null, 'too_long', 'too_long', 'too_long'])
  })

  it('refuses a length that is none', () => {
    expect(structure.params.safeParse({ max_text_bytes: 0 }).success).toBe(false)
  })
})
