import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { promptClusters } from '../stages/prompt-clusters.ts'
import { type DriveOptions, driveStage, type PairInput, type Text } from './drive.ts'

/** For each prompt the smallest place of a prompt of its cluster, and the cluster's name as it is. */
async function run(prompts: readonly Text[], params: unknown = {}, options: DriveOptions = {}) {
  const pairs: PairInput[] = prompts.map((prompt, i) => ({ prompt, chosen: `c${i}` }))
  const { verdicts, summary, pairs: batch } = await driveStage(promptClusters, params, pairs, options)
  const { bytes } = batch.columns.prompt_id as { bytes: Uint8Array }
  const ids = prompts.map((_, i) => Buffer.from(bytes.subarray(i * 16, i * 16 + 16)).toString('hex'))
  const names = verdicts.map(v => v.add.prompt_cluster as string)
  return { of: names.map(name => names.indexOf(name)), names, ids, facts: summary.facts }
}

const words = (start: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${start}${i}`)
const text = words('w', 60)
const changed = (...places: number[]): string => text.map((word, i) => (places.includes(i) ? `${word}x` : word)).join(' ')

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
    expect((await run([turns('go on'), turns('go on please'), turns(words('q', 40).join(' '))])).of).toEqual([0, 0, 2])
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
