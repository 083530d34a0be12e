/** Two builds compared, on real builds of a few pairs. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Diff, diffOf } from '../pipeline/diff.ts'
import { openFinished } from '../pipeline/finished.ts'
import { diffText } from '../pipeline/report/diff-text.ts'
import { Bench, type Files } from './built.ts'

const bench = new Bench('diff')
const row = (name: string) => ({ id: name, prompt: `What of ${name}?`, chosen: `Good ${name} is good.`, rejected: `Bad ${name} is bad.` })
const STEPS = 'steps: [structure, exact-dedup]\n'
const between = (a: { out: string }, b: { out: string }, sample = 2): Promise<Diff> =>
  diffOf(openFinished(a.out), openFinished(b.out), { sample, seed: 42 })
const said = (diff: Diff) =>
  diff.movements.map(({ pairs, a, b, because }) => [pairs, a?.step ?? a?.outcome ?? null, b?.step ?? b?.outcome ?? null, because])

describe('diff', () => {
  it('finds nothing between a build and itself', async () => {
    const a = await bench.build({ 'a.jsonl': [row('x'), row('y')] }, STEPS)
    const diff = await between(a, a)
    expect(diff).toMatchObject({
      causes: [],
      movements: [],
      pairs: { in_both: 2, alike: 2, changed: 0, only_a: 0, only_b: 0, other_weight: 0 },
    })
    expect(diffText(diff)).toContain('nothing that moves a pair: steps, params, inputs, versions and judgements are the same')
  })

  it('names the param that made pairs leave, and pairs to explain', async () => {
    const words = Array.from({ length: 30 }, (_, i) => `word${i}`).join(' ')
    const long = (end: string) => ({ id: end, prompt: `${words} ${end}`, chosen: `${words} yes`, rejected: `no ${words}` })
    const config = bench.config({ 'a.jsonl': [long('one'), row('x'), long('two')] }, 'steps: [structure, near-dup]\n')
    const a = await bench.run(config, ['steps.near-dup.threshold=0.98'])
    const diff = await between(a, await bench.run(config, ['steps.near-dup.threshold=0.7']))
    expect(diff.causes).toEqual([{ kind: 'config', what: 'steps.near-dup.threshold', from: '0.98', to: '0.7', steps: ['near-dup'] }])
    expect(diff.movements).toMatchObject([
      {
        pairs: 1,
        a: { outcome: 'keep', split: 'train', step: null },
        b: { outcome: 'drop', split: null, step: 'near-dup', reason: 'near' },
        step: 'near-dup',
        because: ['steps.near-dup.threshold'],
        indirectly: false,
        sample: [{ source: 's', source_id: 'two', file: 'a.jsonl', row: 2 }],
      },
    ])
  })

  it('follows the copies of a pair when the file of the survivor is removed', async () => {
    const a = await bench.build({ 'a.jsonl': [row('x')], 'b.jsonl': [row('n'), row('x')], 'c.jsonl': [row('y')] }, STEPS)
    const b = await bench.build({ 'b.jsonl': [row('n'), row('x')], 'c.jsonl': [row('y')] }, STEPS)
    const diff = await between(a, b)
    expect(diff.pairs).toEqual({ in_both: 3, alike: 2, changed: 1, only_a: 1, only_b: 0, other_weight: 0 })
    expect(said(diff)).toEqual([
      [1, 'keep', null, ['input a.jsonl']],
      [1, 'exact-dedup', 'keep', ['input a.jsonl']],
    ])
    expect(diff.movements[1]).toMatchObject({
      step: 'exact-dedup',
      indirectly: true,
      sample: [{ source_id: 'x', file: 'b.jsonl', row: 1 }],
    })
  })

  it('sees a renamed file as the same, and a file with rows put in front as the same pairs', async () => {
    const a = await bench.build({ 'a.jsonl': [row('x'), row('y'), row('x')], 'b.jsonl': [row('p')] }, STEPS)
    const renamed = await bench.build({ 'z.jsonl': [row('x'), row('y'), row('x')], 'b.jsonl': [row('p')] }, STEPS)
    const moved = await between(a, renamed)
    expect(moved.pairs).toEqual({ in_both: 4, alike: 4, changed: 0, only_a: 0, only_b: 0, other_weight: 0 })
    expect(moved.causes.map(({ what, to }) => `${what}: ${to}`)).toEqual(['input a.jsonl: renamed to z.jsonl'])
    const longer = await bench.build({ 'a.jsonl': [row('new'), row('x'), row('y'), row('x')], 'b.jsonl': [row('p')] }, STEPS)
    const diff = await between(a, longer)
    expect(diff.pairs).toEqual({ in_both: 4, alike: 4, changed: 0, only_a: 0, only_b: 1, other_weight: 0 })
    expect(diff.causes.map(({ what, to }) => `${what}: ${to}`)).toEqual(['input a.jsonl: changed, 4 pairs'])
  })

  it('keeps apart rows that make several pairs, and a file read in two ways', async () => {
    const ranked = { prompt: 'Which?', responses: ['one way', 'two ways', 'three ways'].map((content, i) => ({ content, score: i })) }
    const config = bench.config({ 'r.scored.jsonl': [ranked, ranked] }, STEPS)
    const a = await bench.run(config)
    expect(a.manifest.totals.pairs_in).toBe(6)
    const diff = await between(a, await bench.run(config, ['sources.0.pairs=best']))
    expect(diff.pairs).toMatchObject({ in_both: 4, only_a: 2, only_b: 0 })
    expect(diff.causes).toMatchObject([{ what: 'sources r.scored.jsonl.pairs', from: 'all', to: 'best' }])
  })

  it('tells splits that moved with the seed, steps that came and went, and the text of it all', async () => {
    const config = bench.config(
      { 'a.jsonl': Array.from({ length: 40 }, (_, i) => row(`pair ${i}`)) },
      `${STEPS}output: { splits: { validation: 0.3 } }\n`,
    )
    const a = await bench.run(config)
    const diff = await between(a, await bench.run(config, ['seed=7', 'output.splits.validation=0.4']))
    expect(diff.pairs.changed).toBeGreaterThan(5)
    expect(diff.movements.every(({ step, because }) => step === null && because.join() === 'seed,output.splits.validation')).toBe(true)
    const steps = await bench.run(bench.config({ 'a.jsonl': [row('x'), row('x')] }, 'steps: [structure]\n'))
    const more = await bench.run(bench.config({ 'a.jsonl': [row('x'), row('x')] }, STEPS))
    const text = diffText(await between(steps, more))
    expect(text).toMatch(/step exact-dedup +not there +-> +added/)
    expect(text).toMatch(/1 +1 +kept, in train +dropped by exact-dedup: exact +step exact-dedup/)
    expect(text).toContain(`goldpan explain ${more.out} `)
  })

  it('matches as many pairs as there are equal texts, whatever was moved, copied or removed', async () => {
    const corpus = fc.dictionary(
      fc.constantFrom('a.jsonl', 'b.jsonl', 'c.jsonl'),
      fc.array(fc.constantFrom('x', 'y', 'z', 'w'), { minLength: 1, maxLength: 6 }),
      {
        minKeys: 1,
      },
    )
    await fc.assert(
      fc.asyncProperty(corpus, corpus, async (a, b) => {
        const files = (of: Record<string, string[]>): Files =>
          Object.fromEntries(Object.entries(of).map(([name, rows]) => [name, rows.map(row)]))
        const { pairs, movements } = await between(await bench.build(files(a), STEPS), await bench.build(files(b), STEPS))
        const count = (of: Record<string, string[]>, name: string): number =>
          Object.values(of)
            .flat()
            .filter(n => n === name).length
        const all = ['x', 'y', 'z', 'w']
        expect(pairs.in_both).toBe(all.reduce((n, name) => n + Math.min(count(a, name), count(b, name)), 0))
        expect(pairs.only_a).toBe(all.reduce((n, name) => n + Math.max(0, count(a, name) - count(b, name)), 0))
        expect(movements.reduce((n, m) => n + m.pairs, 0)).toBe(pairs.changed + pairs.only_a + pairs.only_b)
      }),
      { seed: 42, numRuns: 8 },
    )
  })
})
