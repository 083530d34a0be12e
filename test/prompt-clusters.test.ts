import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { turnsIds } from '../pipeline/kernels/ids.ts'
import { relations } from '../pipeline/pair.ts'
import { promptClusters } from '../stages/prompt-clusters.ts'
import { type DriveOptions, driveStage, type PairInput, pairsOf, type Text } from './drive.ts'

/** For each prompt the smallest place of a prompt of its cluster, and the cluster's name as it is. */
async function run(prompts: readonly Text[], params: unknown = {}, options: DriveOptions = {}) {
  const pairs = withOwnIds(prompts.map((prompt, i) => ({ prompt, chosen: `c${i}` })))
  const { verdicts, summary, pairs: batch } = await driveStage(promptClusters, params, pairs, options)
  const { bytes } = batch.columns.prompt_id as { bytes: Uint8Array }
  const ids = prompts.map((_, i) => Buffer.from(bytes.subarray(i * 16, i * 16 + 16)).toString('hex'))
  const names = verdicts.map(v => v.add.prompt_cluster as string)
  return { of: names.map(name => names.indexOf(name)), names, ids, facts: summary.facts }
}

/** With the prompt_id that ingest gives: that of a question by itself tells which conversations begin with it. */
function withOwnIds(inputs: readonly PairInput[]) {
  const pairs = pairsOf(inputs)
  return { ...pairs, columns: { ...pairs.columns, prompt_id: { bytes: turnsIds(pairs.columns.prompt, pairs.rows) } } }
}

const words = (start: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${start}${i}`)
const text = words('w', 60)
const changed = (...places: number[]): string => text.map((word, i) => (places.includes(i) ? `${word}x` : word)).join(' ')

const talk = (...turns: string[]): Text => turns.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }))

describe('conversations that begin with the same question', () => {
  const branches = [
    talk('Why is the sky blue?'),
    talk('Why is the sky blue?', words('a', 30).join(' '), 'And red in the evening?'),
    talk('Why is the sky blue?', words('b', 30).join(' '), 'Since when?', words('c', 30).join(' '), 'Tell me more.'),
    [{ role: 'system', content: words('s', 30).join(' ') }, ...(talk('Why is the sky blue?') as object[])] as Text,
  ]

  it('are one cluster, named by the smallest prompt_id', async () => {
    const { of, names, ids, facts } = await run([...branches, talk('Why is grass green?', 'So it is.', 'Since when?')])
    expect(of).toEqual([0, 0, 0, 0, 4])
    expect(names[0]).toBe(ids.slice(0, 4).toSorted()[0])
    expect(facts).toMatchObject({ openings: { shared: 1, prompts: 4, too_common: 0 } })
  })

  it('and near-duplicates of one of them, too', async () => {
    const near = [talk(changed()), talk(changed(30)), talk(changed(), 'Well.', words('q', 90).join(' ')), talk('other')]
    expect((await run(near)).of).toEqual([0, 0, 0, 3])
    expect((await run(near, { openings: 0 })).of).toEqual([0, 0, 2, 3])
  })

  it('are left apart where so many begin so that it is a template', async () => {
    const { of, facts } = await run(branches, { openings: 3 })
    expect(of).toEqual([0, 1, 2, 3])
    expect(facts).toMatchObject({ openings: { shared: 0, prompts: 0, too_common: 1 } })
    expect((await run(branches, { openings: 0 })).of).toEqual([0, 1, 2, 3])
  })

  it('are not those that end with it, or that no user begins', async () => {
    const prompts: Text[] = [
      branches[0],
      talk('Hello.', 'Hello!', 'Why is the sky blue?'),
      [...(talk('Hello.') as object[]), { role: 'system', content: 'Why is the sky blue?' }] as Text,
      [{ role: 'system', content: 'Be brief.' }],
      [
        { role: 'system', content: 'Be brief.' },
        { role: 'assistant', content: 'What may I do for you?' },
      ],
    ]
    expect((await run(prompts)).of).toEqual([0, 1, 1, 3, 4])
  })
})

describe('prompt clusters', () => {
  it('are of near-duplicate prompts, named by the smallest prompt_id', async () => {
    const { of, names, ids } = await run([changed(), 'something else', changed(30), changed()])
    expect(of).toEqual([0, 1, 0, 0])
    expect(names[0]).toBe([ids[0], ids[2]].toSorted()[0])
    expect(names[1]).toBe(ids[1])
  })

  it('go along chains, so that none is cut by a split', async () => {
    const chain = [changed(), changed(10), changed(10, 30), changed(10, 30, 50)]
    expect((await run([chain[3], chain[0], 'other', chain[2], chain[1]])).of).toEqual([0, 0, 2, 0, 0])
  })

  it('look at all turns of a prompt', async () => {
    const turns = (last: string): Text => [
      { role: 'user', content: changed() },
      { role: 'assistant', content: words('a', 40).join(' ') },
      { role: 'user', content: last },
    ]
    const prompts = [turns('go on'), turns('go on please'), turns(words('q', 40).join(' '))]
    expect((await run(prompts, { openings: 0 })).of).toEqual([0, 0, 2])
  })

  it('tell short prompts apart unless they are the same', async () => {
    expect((await run(['Why?', 'why', 'Why not?', '', ' ', '2 + 2', '2 + 3'])).of).toEqual([0, 0, 2, 3, 4, 5, 6])
  })

  it('are counted, with the largest first', async () => {
    const { facts, names } = await run([changed(), changed(), changed(30), changed(10), 'a b c', 'A b c!', 'x'])
    expect(facts).toMatchObject({
      clusters: 2,
      clustered_prompts: 5,
      cut: 0,
      largest: [
        { cluster: names[0], prompts: 3 },
        { cluster: names[4], prompts: 2 },
      ],
    })
    expect(facts).toMatchObject({ candidates: { pairs: 7, prompts: 6, most_pairs_of_a_prompt: 2 } })
  })

  it('hold for thousands of near copies', async () => {
    const prompts = Array.from({ length: 3000 }, (_, i) => `${changed()} ${i}`)
    const { of, facts } = await run(prompts)
    expect(new Set(of)).toEqual(new Set([0]))
    expect((facts as { compared: number }).compared).toBeLessThan(9000)
  })
})

it('agrees with all pairs compared, for any order and cut', async () => {
  const prompt = fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { maxLength: 3 })
  let joined = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(prompt, { minLength: 2, maxLength: 40, size: 'max' }),
      fc.integer({ min: 1, max: 40 }),
      fc.nat(),
      async (edits, batch_rows, shuffle_seed) => {
        const prompts = edits.map(places => changed(...places))
        const { of } = await run(prompts, {}, { batch_rows, shuffle_seed })
        expect(of).toEqual(connected(prompts))
        joined += of.filter((first, i) => first !== i).length
      },
    ),
    { seed: 42, numRuns: 40 },
  )
  expect(joined).toBeGreaterThan(200)
})

/** The smallest place of each one's component under Jaccard >= .8, by comparing all. */
function connected(prompts: readonly string[]): number[] {
  const sets = prompts.map(
    prompt =>
      new Set(
        prompt
          .split(' ')
          .map((_, i, all) => all.slice(i, i + 5).join(' '))
          .slice(0, -4),
      ),
  )
  const near = (a: Set<string>, b: Set<string>) => {
    const shared = [...a].filter(shingle => b.has(shingle)).length
    return shared / (a.size + b.size - shared) >= 0.8
  }
  const of = prompts.map((_, i) => i)
  for (let i = 0; i < of.length; i++)
    for (let j = 0; j < i; j++) {
      const [low, high] = [Math.min(of[i], of[j]), Math.max(of[i], of[j])]
      if (low < high && near(sets[i], sets[j])) for (let k = 0; k < of.length; k++) if (of[k] === high) of[k] = low
    }
  return of
}

describe('pairs of one prompt', () => {
  const shared = (count: number, prompt: string, source = 'x'): PairInput[] =>
    Array.from({ length: count }, (_, i) => ({ prompt, chosen: `${prompt} ${source} ${i}`, source }))
  const drive = async (pairs: readonly PairInput[], params: unknown, options: DriveOptions = {}) => {
    const { verdicts, summary } = await driveStage(promptClusters, params, pairs, options)
    return { verdicts, reasons: verdicts.map(v => v.reason), facts: summary.facts }
  }
  const kept = (reasons: readonly (string | null)[]): number[] => [...reasons.keys()].filter(i => reasons[i] === null)

  it('are counted by source and across sources', async () => {
    const pairs = [...shared(3, 'p', 'a'), ...shared(2, 'p', 'b'), ...shared(2, 'q', 'b'), ...shared(1, 'r', 'a')]
    const { facts, reasons } = await drive(pairs, {})
    expect(reasons.filter(Boolean)).toEqual([])
    expect(facts).toMatchObject({
      candidates: { pairs: 8, prompts: 3 },
      relations: { 'same-prompt': 5 },
      by_source: [
        { relation: 'same-prompt', source: 'b', within: 1, across: 2 },
        { relation: 'same-prompt', source: 'a', within: 2, across: 0 },
      ],
      between: [
        { relation: 'same-prompt', source: 'a', survivor_source: 'a', pairs: 2 },
        { relation: 'same-prompt', source: 'b', survivor_source: 'a', pairs: 2 },
        { relation: 'same-prompt', source: 'b', survivor_source: 'b', pairs: 1 },
      ],
    })
  })

  it('are capped by a draw that depends on the seed alone, with a relation and a reason of their own', async () => {
    const pairs = [...shared(40, 'p'), ...shared(2, 'q')]
    const { reasons, verdicts } = await drive(pairs, { max_per_prompt: 3 })
    expect(kept(reasons).filter(i => i < 40)).toHaveLength(3)
    expect(reasons.slice(40)).toEqual([null, null])
    for (const { reason, outcome, add } of verdicts) {
      expect(outcome).toBe(reason === null ? 'stay' : 'drop')
      expect(add.relation).toBe(reason === null ? null : 'same-prompt')
    }
    const again = await drive(pairs, { max_per_prompt: 3 }, { shuffle_seed: 5, batch_rows: 7 })
    expect(again.reasons).toEqual(reasons)
    expect((await drive(pairs, { max_per_prompt: 3 }, { seed: 43 })).reasons).not.toEqual(reasons)
    const larger = await drive(pairs, { max_per_prompt: 4 })
    expect(kept(reasons).every(i => larger.reasons[i] === null)).toBe(true)
  })

  it.each([
    ['mark', 'stay', null],
    ['review', 'review', 'same_prompt'],
  ])('may be sent elsewhere: %s', async (same_prompt, outcome, reason) => {
    const { verdicts } = await drive(shared(9, 'p'), { max_per_prompt: 4, same_prompt })
    expect(verdicts.filter(v => v.add.relation === 'same-prompt')).toHaveLength(5)
    for (const verdict of verdicts.filter(v => v.add.relation !== null)) expect(verdict).toMatchObject({ outcome, reason })
  })

  it('are weighed by a column of an earlier step', async () => {
    const pairs = shared(200, 'p')
    const values = Float32Array.from(pairs, (_, i) => (i % 2 === 0 ? 50 : 1))
    const upstream = { schema: { weight: 'f32' }, rows: 200, columns: { weight: { values } } } as const
    const { reasons } = await drive(pairs, { max_per_prompt: 50, weight: 'weight' }, { upstream })
    const heavy = kept(reasons).filter(i => i % 2 === 0).length
    expect(heavy).toBeGreaterThan(44)
    const none = { ...upstream, columns: { weight: { values: values.map(w => (w === 1 ? 0 : 1)) } } }
    const drawn = kept((await drive(pairs, { max_per_prompt: 101, weight: 'weight' }, { upstream: none })).reasons)
    expect(drawn.filter(i => i % 2 === 0)).toHaveLength(100)
  })

  it('keep the relation that they have', async () => {
    const pairs = shared(3, 'p')
    const upstream = {
      schema: { relation: { labels: relations } },
      rows: 3,
      columns: { relation: { values: new Uint8Array(3).fill(relations.indexOf('near')) } },
    } as const
    const { verdicts } = await drive(pairs, { max_per_prompt: 1 }, { upstream })
    expect(verdicts.map(v => v.reason).filter(Boolean)).toEqual(['same_prompt', 'same_prompt'])
    expect(verdicts.map(v => v.add.relation)).toEqual(['near', 'near', 'near'])
  })

  it('hold for a prompt of many pairs and for many copies of one pair', async () => {
    const many = await drive(shared(5000, 'p'), { max_per_prompt: 8 })
    expect(kept(many.reasons)).toHaveLength(8)
    const copies = await drive(new Array(5000).fill({ prompt: 'p', chosen: 'c' }), { max_per_prompt: 8 })
    expect(kept(copies.reasons)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  it('refuse a weight without a cap', () => {
    const { error } = promptClusters.params.safeParse({ weight: 'weight' })
    expect(error?.issues[0]).toMatchObject({ path: ['weight'], message: 'weighs the draw of max_per_prompt, which is not given' })
  })
})
