import { expect, it } from 'vitest'
import { stringAt } from '../../pipeline/batch.ts'
import { exchangeOf } from '../../pipeline/kernels/last-turn.ts'
import { pairsOf, rowAt } from '../drive.ts'

const user = (content: string) => ({ role: 'user', content }) as const
const assistant = (content: string) => ({ role: 'assistant', content }) as const

it('shares the columns where each side is one turn', () => {
  const { prompt, chosen } = pairsOf([
    { prompt: 'a', chosen: 'b' },
    { prompt: 'c', chosen: 'd' },
  ]).columns
  const exchange = exchangeOf(prompt, chosen, 2)
  expect(exchange.prompt).toBe(prompt)
  expect(exchange.response).toBe(chosen.items.columns.content)
  expect([...exchange.answered]).toEqual([1, 1])
})

it('adds all turns of a side but the last to the prompt, and knows sides without a turn', () => {
  const pairs = pairsOf([
    { prompt: 'a', chosen: [assistant('b'), user('c'), assistant('d')] },
    { prompt: 'e', chosen: [] },
    { prompt: 'f', chosen: 'g' },
  ])
  const { prompt, response, answered } = exchangeOf(pairs.columns.prompt, pairs.columns.chosen, 3)
  const rows = [0, 1, 2].map(i => rowAt({ schema: { prompt: pairs.schema.prompt }, rows: 3, columns: { prompt } }, i).prompt)
  expect(rows).toEqual([[user('a'), assistant('b'), user('c')], [user('e')], [user('f')]])
  expect([0, 1, 2].map(i => stringAt(response, i))).toEqual(['d', '', 'g'])
  expect([...answered]).toEqual([1, 0, 1])
})
