import { describe, expect, it } from 'vitest'
import { type Batch, batchOf, columnsOf, hexAt, stringAt } from '../pipeline/batch.ts'
import { UserError } from '../pipeline/errors.ts'
import type { CurvePoint } from '../pipeline/kernels/learning-curve.ts'
import { unit } from '../pipeline/kernels/random.ts'
import type { Scorer } from '../pipeline/scorer.ts'
import { score } from '../stages/score.ts'
import { type Driven, type DriveOptions, driveStage, type PairInput, pairsOf } from './drive.ts'

/** Drives score with every prompt a cluster of its own. */
async function scored(input: readonly PairInput[], params: object = {}, options: DriveOptions = {}): Promise<Driven> {
  const pairs = pairsOf(input) as unknown as Batch
  const upstream = batchOf({ prompt_cluster: 'id' }, pairs.rows, { prompt_cluster: pairs.columns.prompt_id as never }) as unknown as Batch
  return driveStage(score, params, pairs, { ...options, upstream })
}
const column = ({ verdicts }: Driven, name: string): (number | null)[] => verdicts.map(v => v.add[name] as number | null)
const turned = (pair: PairInput): PairInput => ({ ...pair, chosen: pair.rejected, rejected: pair.chosen })

const WORDS = 'rain tide root stone wind lamp river sand'.split(' ')
const filler = (i: number, k: number, words: number): string =>
  Array.from({ length: words }, (_, n) => WORDS[Math.floor(unit(k, i, n) * WORDS.length)]).join(' ')

/** Helpful answers say "because", bad ones "whatever"; all are of one length, and a prompt has one pair. */
const lessons: PairInput[] = Array.from({ length: 300 }, (_, i) => ({
  prompt: `question ${i}`,
  chosen: `${filler(i, 1, 6)} because ${filler(i, 2, 4)}.`,
  rejected: `${filler(i, 3, 6)} whatever ${filler(i, 4, 4)}.`,
}))
/** Every pair of six answers to a prompt, the lower number better; nothing in the words says so. */
const ranked = (prompt: string): PairInput[] =>
  [0, 1, 2, 3, 4, 5].flatMap(a =>
    [0, 1, 2, 3, 4, 5]
      .filter(b => a < b)
      .map(b => ({ prompt, chosen: `answer ${filler(a, 7, 9)}`, rejected: `answer ${filler(b, 7, 9)}` })),
  )

describe('score, built-in', () => {
  it('learns from words which answers are better, and judges pairs that it has not seen', async () => {
    const driven = await scored(lessons)
    const margins = column(driven, 'margin_bt_text') as number[]
    expect(margins.filter(m => m > 0).length).toBeGreaterThan(290)
    expect(driven.summary.facts).toMatchObject({
      pairs_trained: 300,
      'bt-graph': { pairs: 300, responses: 600, pairs_linked: 0, accuracy: null },
    })
    expect(column(driven, 'margin_bt_graph').every(m => m === null)).toBe(true)
  })

  it('never judges a pair by a model that saw its label: turning a pair turns its margins', async () => {
    const pairs = [...lessons.slice(0, 60), ...ranked('p')]
    const before = await scored(pairs)
    for (const i of [7, 62, 70]) {
      const after = await scored(pairs.map((pair, k) => (k === i ? turned(pair) : pair)))
      for (const name of ['margin_bt_text', 'margin_bt_quality']) expect(column(after, name)[i]).toBe(-(column(before, name)[i] as number))
      // what the graph makes of text, quality and style is weighed on other pairs, whose own judges saw this label
      const [was, is] = [before, after].map(driven => column(driven, 'margin_bt_graph')[i])
      if (i < 60) expect([was, is]).toEqual([null, null])
      else expect(Math.abs(is! + was!)).toBeLessThan(0.06 * Math.abs(was!))
    }
  })

  it('finds the label that the other pairs of its prompt contradict', async () => {
    const pairs = ['p', 'q', 'r'].flatMap(ranked)
    const flipped = [4, 17, 38]
    const margins = column(await scored(pairs.map((pair, i) => (flipped.includes(i) ? turned(pair) : pair))), 'margin_bt_graph') as number[]
    const worst = [...margins.keys()].sort((a, b) => margins[a] - margins[b]).slice(0, 3)
    expect(worst.sort((a, b) => a - b)).toEqual(flipped)
  })

  it('learns how much it says for an answer that the other answers say it, too', async () => {
    const word = (prompt: number, k: number): string => `w${(prompt * 50 + k).toString(36)}`
    const said = (prompt: number, from: number): string => Array.from({ length: 12 }, (_, k) => word(prompt, from + k)).join(' ')
    // three answers have most words in common, the fourth says something else, and loses to two of them
    const prompts = Array.from({ length: 60 }, (_, p) => ({
      prompt: `question ${p}`,
      alike: [0, 2, 4].map(from => said(p, from)),
      odd: said(p, 30),
    }))
    const pairs = prompts.flatMap(({ prompt, alike: [a, b, c], odd }): PairInput[] => [
      { prompt, chosen: a, rejected: odd },
      { prompt, chosen: b, rejected: odd },
      { prompt, chosen: c, rejected: a, tie: true },
    ])
    const wrong = [0, 1]
    const given = pairs.map((pair, i) => (wrong.includes(i) ? turned(pair) : pair))
    const [without, within] = [await scored(given, { consensus_words: 0 }), await scored(given)].map(
      d => column(d, 'margin_bt_graph') as number[],
    )
    // all labels of the first prompt are wrong, so they vouch for one another
    for (const i of wrong) expect([without[i] > 0, within[i] < without[i] - 1]).toEqual([true, true])
    const labelled = [...within.keys()].filter(i => i > 2 && i % 3 < 2)
    const mean = (margins: readonly number[]): number => labelled.reduce((sum, i) => sum + margins[i], 0) / labelled.length
    expect(mean(within)).toBeGreaterThan(mean(without) + 1)
  })

  it('shows how it gets better with more pairs, on pairs that it has not seen', async () => {
    const { learning_curve } = (await scored(lessons)).summary.facts as unknown as { learning_curve: CurvePoint[] }
    expect(learning_curve).toHaveLength(5)
    expect(learning_curve.map(point => point.pairs)).toEqual([...learning_curve.map(point => point.pairs)].sort((a, b) => a - b))
    const [first, last] = [learning_curve[0], learning_curve[4]]
    expect(last.pairs).toBeGreaterThan(200)
    expect(last.pairs).toBeLessThan(300)
    expect(last.text.accuracy).toBeGreaterThan(0.95)
    expect(first.text.accuracy).toBeLessThan(last.text.accuracy)
    expect(((await scored(lessons.slice(0, 20))).summary.facts as unknown as { learning_curve: unknown }).learning_curve).toEqual([])
  })

  it('tells of circles, of contradicted pairs and of responses on which labels do not agree', async () => {
    const beat = (chosen: string, rejected: string): PairInput => ({ prompt: 'circle', chosen, rejected })
    const circle = [beat('one', 'two'), beat('two', 'three'), beat('three', 'one')]
    const odd = [...circle, ...circle, ...ranked('p')].map((pair, i) => (i === 8 ? turned(pair) : pair))
    const { summary, pairs } = await scored(odd)
    const facts = (summary.facts as Record<'bt-graph', Record<string, unknown>>)['bt-graph']
    expect(facts).toMatchObject({ prompts: 2, responses: 9, triples: 21, prompts_left_out: 0 })
    expect(facts.prompts_with_cycles).toBe(2)
    expect((facts.residuals as number[]).reduce((a, b) => a + b, 0)).toBe(facts.pairs_linked)
    const { pair_id } = columnsOf(pairs, { pair_id: 'id' })
    expect((facts.most_contradicted_pairs as { pair_id: string }[]).map(p => p.pair_id)).toContain(hexAt(pair_id, 8))
    const [first] = facts.most_cyclic_prompts as { triples: number; cyclic: number }[]
    expect(first).toMatchObject({ triples: 20, cyclic: 2 })
  })

  it('does not let copies of a pair vouch for one another, whichever way they are labelled', async () => {
    const copies = [...Array(5)].map(() => ({ prompt: 'p', chosen: 'yes it is', rejected: 'no it is not' }))
    expect(column(await scored([...copies, turned(copies[0])]), 'margin_bt_graph')).toEqual(Array(6).fill(null))
  })

  it('does not learn length, unless style is let in', async () => {
    const long = (i: number): PairInput => ({ prompt: `q ${i}`, chosen: filler(i, 1, 40), rejected: filler(i, 2, 8) })
    const pairs = Array.from({ length: 200 }, (_, i) => long(i))
    const facts = (await scored(pairs)).summary.facts as Record<'bt-text', { auc: number; with_style: { auc: number } }>
    expect(facts['bt-text'].with_style.auc).toBeGreaterThan(0.99)
    const [without, within] = [await scored(pairs), await scored(pairs, { style_in_score: 'all' })].map(
      d => column(d, 'margin_bt_text') as number[],
    )
    const mean = (of: number[]): number => of.reduce((a, b) => a + b, 0) / of.length
    expect(mean(within)).toBeGreaterThan(3 * Math.abs(mean(without)))
  })

  it('learns nothing from ties, and judges them too', async () => {
    const ties = lessons.map(pair => ({ ...turned(pair), prompt: `tie ${pair.prompt}`, tie: true }))
    const margins = column(await scored([...lessons, ...ties]), 'margin_bt_text') as number[]
    expect(margins.slice(300).filter(m => m < 0).length).toBeGreaterThan(290)
  })

  it('learns from a sample where there are many pairs', async () => {
    const { summary } = await scored(lessons, { max_training_pairs: 100 })
    const { pairs_trained } = summary.facts as { pairs_trained: number }
    expect(pairs_trained).toBeGreaterThan(70)
    expect(pairs_trained).toBeLessThan(130)
  })

  it('scores one pair, and none', async () => {
    expect(column(await scored([{}]), 'margin_bt_text')).toEqual([0])
    expect((await scored([])).verdicts).toEqual([])
  })
})

/** Scores a response by the number of its letters e, less those of the prompt's last turn; a NaN for one word. */
const letters: Scorer = {
  id: 'letters',
  score: async (prompt, responses) =>
    Float32Array.from({ length: responses.offsets.length - 1 }, (_, i) => {
      const text = stringAt(responses, i)
      const asked = stringAt(prompt.items.columns.content, prompt.starts[i + 1] - 1)
      return text === 'unreadable' ? Number.NaN : text.split('e').length - asked.split('e').length
    }),
  close: async () => undefined,
}

describe('score, recorded and configured', () => {
  it('adds the margins of scores that came with the rows, by name', async () => {
    const pairs = [{ scores: { 'Org/RM-7B': [2.5, 1] } }, { scores: { other: [0, 3] } }, {}] as const
    const { verdicts } = await scored(pairs, { builtin: [] }, { recorded: ['Org/RM-7B', 'other'] })
    expect(verdicts.map(v => v.add)).toEqual([
      { margin_org_rm_7b: 1.5, margin_other: null },
      { margin_org_rm_7b: null, margin_other: -3 },
      { margin_org_rm_7b: null, margin_other: null },
    ])
  })

  it('asks the configured models alone, unless built-in ones are named', async () => {
    const options = { models: ['letters'], scorers: { letters } }
    const pairs = [
      { chosen: 'eel', rejected: 'fog' },
      { chosen: 'unreadable', rejected: 'e' },
      { chosen: [], rejected: 'e' },
    ]
    expect((await scored(pairs, {}, options)).verdicts.map(v => v.add)).toEqual([
      { margin_letters: 2, cut_letters: 0 },
      { margin_letters: null, cut_letters: 0 },
      { margin_letters: null, cut_letters: 0 },
    ])
    const both = await scored(pairs, { builtin: ['bt-text'] }, options)
    expect(Object.keys(both.verdicts[0].add).sort()).toEqual(['cut_letters', 'margin_bt_text', 'margin_letters'])
  })

  it('gives a side of several turns to a model as prompt and last turn', async () => {
    const chosen = [
      { role: 'assistant', content: 'x' },
      { role: 'user', content: 'eee' },
      { role: 'assistant', content: 'eeeee' },
    ] as const
    const { verdicts } = await scored([{ prompt: 'p', chosen, rejected: 'e' }], {}, { models: ['letters'], scorers: { letters } })
    expect(verdicts[0].add).toEqual({ margin_letters: 5 - 3 - 1, cut_letters: 0 })
  })

  it('refuses two models of one column', async () => {
    const clash = scored([{}], { builtin: [] }, { recorded: ['my rm', 'my-rm'] })
    await expect(clash).rejects.toThrow(UserError)
    await expect(clash).rejects.toThrow('score: models "my rm" and "my-rm" would both fill column margin_my_rm; rename or leave out one')
  })
})
