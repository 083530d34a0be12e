/** Style control over real labels with votes (GOLDPAN_DATA): what it keeps is as right as what it was given. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Batch } from '../pipeline/batch.ts'
import { unit } from '../pipeline/kernels/random.ts'
import { styleBias } from '../stages/style-bias.ts'
import { ROOT } from './cli.ts'
import { driveStage, type PairInput, pairsOf } from './drive.ts'

const FILE = join(resolve(process.env.GOLDPAN_DATA ?? join(ROOT, '../shared/data')), 'ukpconvarg1.jsonl.gz')
const present = existsSync(FILE)
if (!present) console.log(`skipped: style control of ukpconvarg1, which is not at ${FILE} (set GOLDPAN_DATA)`)

type Row = Required<Pick<PairInput, 'prompt' | 'chosen' | 'rejected' | 'votes'>>

const OTHER = { chosen: 'rejected', rejected: 'chosen', tie: 'tie' } as const
const turn = ({ prompt, chosen, rejected, votes }: Row): PairInput => ({
  prompt,
  chosen: rejected,
  rejected: chosen,
  votes: votes.map(({ annotator, vote }) => ({ annotator, vote: OTHER[vote] })),
})

interface Supported {
  readonly pairs: number
  readonly before: number
  readonly after: number
  readonly lost: number
  readonly difference: readonly [number, number, number]
}

describe.skipIf(!present)('of ukpconvarg1', () => {
  const rows = present
    ? gunzipSync(readFileSync(FILE))
        .toString()
        .trim()
        .split('\n')
        .filter((_, i) => i % 2 === 0)
        .map(line => JSON.parse(line) as Row)
        .map(({ prompt, chosen, rejected, votes }): Row => ({ prompt, chosen, rejected, votes }))
    : []

  async function controlled(action: string, turned: number) {
    const pairs = pairsOf(rows.map((row, i) => (unit(5, i, 0) < turned ? turn(row) : row))) as unknown as Batch
    const upstream = { schema: { prompt_cluster: 'id' }, rows: pairs.rows, columns: { prompt_cluster: pairs.columns.prompt_id } } as Batch
    const { summary } = await driveStage(styleBias, { action }, pairs, { upstream })
    const { corpus } = summary.facts as unknown as { corpus: { supported: Supported; before: Area; after: Area } }
    return corpus
  }
  type Area = { readonly linear_auc: number }

  it.each([
    ['reweight', 0],
    ['reweight', 0.1],
    ['drop', 0.1],
  ])('%s with %s of the labels turned: kept labels are no less right by the majority of votes', async (action, turned) => {
    const { supported, before, after } = await controlled(action, turned)
    expect(supported.pairs).toBeGreaterThan(3500)
    expect(supported.after).toBeGreaterThanOrEqual(supported.before)
    expect(after.linear_auc).toBeLessThan(before.linear_auc)
  })

  it('subsample: no less right but for the luck of the draw', async () => {
    const { supported, before, after } = await controlled('subsample', 0)
    expect(supported.after).toBeGreaterThan(supported.before - 0.005)
    expect(supported.difference[2]).toBeGreaterThan(0)
    expect(after.linear_auc).toBeLessThan(before.linear_auc - 0.15)
  })
})
