/** Wrong labels among pairs scored by 31 real reward models (GOLDPAN_DATA): what p_mean must find. The bench of the same name has all figures. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type Batch, batchOf, type Columns, type Schema } from '../pipeline/batch.ts'
import { problemOf } from '../pipeline/formats/problems.ts'
import { unit } from '../pipeline/kernels/random.ts'
import { disagreement } from '../stages/disagreement.ts'
import { driveStage, type PairInput } from './drive.ts'

const FILE = join(resolve(process.env.GOLDPAN_DATA ?? '../shared/data'), 'rewardmath-scores.jsonl.gz')
if (!existsSync(FILE)) console.log(`skipped: wrong labels found by real reward models, which are not at ${FILE}`)

describe.skipIf(!existsSync(FILE))('p_mean of 31 real models with one label in ten turned', () => {
  // the body of a skipped block runs too, on a machine that has no such file
  const lines = existsSync(FILE) ? gunzipSync(readFileSync(FILE)).toString().trim().split('\n') : []
  const problems = lines.map(line => problemOf(JSON.parse(line), '').said)
  const pairs = problems.flatMap((_, p) => Array.from({ length: 9 }, (_, k) => ({ p, k, turned: unit(1, p * 9 + k, 1) < 0.1 })))
  const names = (problems[0] ?? []).map((_, j) => `margin_m${j}`)
  const schema: Schema = Object.fromEntries(names.map(name => [name, 'f32' as const]))
  const columns = names.map((name, j) => {
    const values = Float32Array.from(pairs, ({ p, k, turned }) => problems[p][j].margins[k] * (turned ? -1 : 1))
    return [name, { values }]
  })
  const upstream = batchOf(schema, pairs.length, Object.fromEntries(columns) as Columns<Schema>) as unknown as Batch

  async function found(params: object): Promise<number> {
    const input = pairs.map(({ p, turned }): PairInput => {
      const vote = turned ? 'rejected' : 'chosen'
      return { prompt: `${p}`, votes: ['x', 'y'].map(annotator => ({ annotator, vote })) }
    })
    const { verdicts } = await driveStage(disagreement, params, input, { upstream })
    const doubts = verdicts.map(v => 1 - (v.add.p_mean as number))
    const [bad, good] = [true, false].map(is => doubts.filter((_, i) => pairs[i].turned === is))
    return bad.reduce((n, b) => n + good.reduce((m, g) => m + (b > g ? 1 : b === g ? 0.5 : 0), 0), 0) / (bad.length * good.length)
  }

  it('finds more of them the more is known of the models', async () => {
    const equal = await found({ weights: 'equal', gold: 'ignore' })
    const weighed = await found({ weights: 'auc' })
    const stacked = await found({})
    expect([equal > 0.85, weighed > 0.884, stacked > 0.914], `${equal} ${weighed} ${stacked}`).toEqual([true, true, true])
    expect(weighed).toBeGreaterThan(equal)
    expect(stacked).toBeGreaterThan(weighed)
  })
})
