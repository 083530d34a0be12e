/**
 * Real votes replayed as annotators: the label is one vote, the truth what most of the others said; sampled, answered, built again. WHOLE=1
 * (`make bench`): all rows of both sets, with and without labels turned round, under several seeds, with the figures on stdout.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { openFinished } from '../pipeline/finished.ts'
import { build } from '../pipeline/index.ts'
import { type People, peopleOf } from '../pipeline/judgements/people.ts'
import { logPlaces } from '../pipeline/judgements/places.ts'
import { Draws } from '../pipeline/kernels/random.ts'
import { freshDir, rowsOf } from './cli.ts'

const DATA = resolve(process.env.GOLDPAN_DATA ?? join(import.meta.dirname, '../../shared/data'))
type Vote = 'chosen' | 'rejected' | 'tie'
interface Row {
  readonly id: string
  readonly prompt: unknown
  readonly chosen: string
  readonly rejected: string
  readonly votes?: readonly { readonly annotator: string; readonly vote: Vote }[]
}
interface Replayed {
  readonly pair: object
  readonly id: string
  readonly wrong: boolean
  /** In terms of the label. */
  readonly others: readonly { readonly annotator: string; readonly vote: Vote }[]
}

const turned = (vote: Vote): Vote => (vote === 'tie' ? vote : vote === 'chosen' ? 'rejected' : 'chosen')

const whole = process.env.WHOLE === '1'
/** Of a large file every second row, unless `whole`. */
const MANY = 5000

/** `flips`: the share of labels that are turned round besides. */
function replay(name: string, flips: number, seed: number): Replayed[] {
  const rows = gunzipSync(readFileSync(join(DATA, `${name}.jsonl.gz`)))
    .toString('utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Row)
  const draws = new Draws()
  return rows
    .filter((_, i) => whole || rows.length < MANY || i % 2 === 0)
    .flatMap(({ id, prompt, chosen, rejected, votes = [] }, i) => {
      draws.start(seed, i, 1)
      const one = draws.below(Math.max(1, votes.length))
      const others = votes.filter((_, k) => k !== one)
      const ahead = others.filter(v => v.vote === 'chosen').length - others.filter(v => v.vote === 'rejected').length
      if (votes.length < 3 || votes[one].vote === 'tie' || ahead === 0 || chosen.trim() === '' || rejected.trim() === '') return []
      const label = draws.chance(flips) ? turned(votes[one].vote) : votes[one].vote
      const sides = label === 'chosen' ? { chosen, rejected } : { chosen: rejected, rejected: chosen }
      const pair = { id, prompt, ...sides, label_kind: 'human' }
      return [
        {
          pair,
          id,
          wrong: label !== (ahead > 0 ? 'chosen' : 'rejected'),
          others: others.map(v => ({ ...v, vote: label === 'chosen' ? v.vote : turned(v.vote) })),
        },
      ]
    })
}

/** How many times as many wrong labels the targeted draws hold as all pairs do, and what `review status` says after the others' answers. */
async function loop(name: string, flips: number, budget: number, seed: number): Promise<{ lift: number; right: number; people: People }> {
  const dir = freshDir('replay')
  const pairs = replay(name, flips, seed)
  writeFileSync(join(dir, 'a.jsonl'), pairs.map(({ pair }) => `${JSON.stringify(pair)}\n`).join(''))
  writeFileSync(
    join(dir, 'c.yaml'),
    `name: ${name}\nsources: [{ path: a.jsonl }]\njudgements: [answers.jsonl]\noutput: { publish_without_review: true }\nsteps: [structure, exact-dedup, score, disagreement, verification-sample: { budget: ${budget} }, decide]\n`,
  )
  const out = join(dir, 'out')
  await build(join(dir, 'c.yaml'), { out, store: join(dir, 'store'), threads: 0 })
  const known = new Map(pairs.map(pair => [pair.id, pair]))
  const sampled = await rowsOf(
    out,
    `SELECT source_id, pair_id, draw, step FROM '{dir}/ledger/*.parquet' WHERE step IS NULL OR step = 'decide'`,
  )
  const wrong = (of: typeof sampled): number => of.filter(row => known.get(String(row.source_id))!.wrong).length / of.length
  const drawn = sampled.filter(row => row.draw !== null)
  const lines = drawn.flatMap(({ source_id, pair_id }) =>
    known.get(String(source_id))!.others.map(({ annotator, vote }, k) => ({
      id: `${pair_id}-${k}`,
      pair_id,
      annotator,
      at: '2026-01-01T00:00:00Z',
      left: 'chosen',
      outcome: vote === 'chosen' ? 'left' : vote === 'rejected' ? 'right' : 'tie',
      protocol: 'replay',
    })),
  )
  writeFileSync(join(dir, 'answers.jsonl'), lines.map(line => `${JSON.stringify(line)}\n`).join(''))
  const finished = openFinished(out)
  const people = await peopleOf(finished, logPlaces(finished), 0.1)
  return { lift: wrong(sampled.filter(row => row.draw === 'targeted')) / wrong(sampled), right: 1 - wrong(sampled), people }
}

describe.skipIf(!existsSync(join(DATA, 'pandalm.jsonl.gz')))('real votes', () => {
  const cases: readonly [string, number, number, number][] = [
    ['ukpconvarg1', 0, 200, 3.6],
    // 27 or 28 of 100 are wrong then: where every draw is a wrong label, that is 3.56 to 3.7 times
    ['ukpconvarg1', 0.1, 200, 3.4],
    ['pandalm', 0, 100, 2.7],
    ['pandalm', 0.1, 100, 2.7],
  ]
  const some = whole
    ? [5, 6, 7, 8, 9].flatMap(seed => cases.map(one => [...one, seed] as const))
    : cases.slice(1, 3).map(one => [...one, 5] as const)
  it.each(some)(
    'of %s, %d of the labels turned: %d draws find what is wrong, and the audit what is right',
    async (name, flips, budget, least, seed) => {
      const { lift, right, people } = await loop(name, flips, budget, seed)
      const { low, high } = people.estimates.labels!
      const most = 1 / (1 - right)
      if (whole) console.log(`${name}, ${flips * 100} % turned, seed ${seed}: ${lift.toFixed(2)} of at most ${most.toFixed(2)}`)
      expect(lift).toBeGreaterThanOrEqual(least)
      expect(low).toBeLessThanOrEqual(right)
      expect(high).toBeGreaterThanOrEqual(right - 0.03)
      expect(people.notes).toEqual([])
    },
  )
})
