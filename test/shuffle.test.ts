/** output.shuffle and output.shard_rows. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ShuffledOrder } from '../pipeline/shuffle.ts'
import { freshDir, goldpan, rowsOf } from './cli.ts'

const dir = freshDir('shuffle')
/** Of ids, the first lane: pairs 2n and 2n + 1 have one prompt. */
const prompts = Int32Array.from({ length: 4000 }, (_, i) => Math.imul(Math.floor(i / 2), 2654435761))

it('mixes blocks from everywhere, and reads each within one window', () => {
  const starts = Int32Array.from({ length: 40 }, (_, i) => i * 100)
  const taken = (seed: number): number[] => {
    const order = new ShuffledOrder(seed, starts, 8)
    for (let i = 0; i < 4000; i++) order.add(i, [prompts], i)
    return [...order.take()]
  }
  const order = taken(1)
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 4000 }, (_, i) => i))
  expect(taken(1)).toEqual(order)
  expect(taken(2)).not.toEqual(order)
  for (let window = 0; window < 5; window++) {
    const blocks = order.slice(window * 800, (window + 1) * 800).map(i => Math.floor(i / 100))
    expect(new Set(blocks).size).toBe(8)
    expect(Math.max(...blocks) - Math.min(...blocks)).toBeGreaterThan(15)
  }
  // Pairs of one prompt stand side by side; else the order knows nothing of the input's: half of the prompts' neighbours come later.
  const firsts = order.filter((_, i) => i % 2 === 0)
  expect(order.every((o, i) => i % 2 === 0 || o === order[i - 1] + 1)).toBe(true)
  const rising = firsts.filter((o, i) => i > 0 && o > firsts[i - 1]).length
  expect(Math.abs(rising / firsts.length - 0.5)).toBeLessThan(0.04)
})

interface Row {
  readonly id: string
  readonly file: string
}

function build(name: string, output: object, threads: number, seed = 1): string {
  const out = join(dir, name)
  writeFileSync(
    join(dir, `${name}.yaml`),
    `name: s\nseed: ${seed}\nsources: [{ path: "*.jsonl" }]\nsteps: [structure]\noutput: ${JSON.stringify(output)}\n`,
  )
  const said = goldpan(
    ['run', `${name}.yaml`, '--out', out, '--store', `${name}.store`, '--threads', String(threads), '--progress', 'none'],
    { cwd: dir },
  )
  if (said.code !== 0) throw new Error(said.stderr)
  return out
}
const ids = async (out: string): Promise<Row[]> =>
  (await rowsOf(
    out,
    "select source_id id, filename[-9:] file from read_parquet('{dir}/train/*.parquet', filename = true)",
  )) as unknown as Row[]
const bytesIn = (out: string): string[] =>
  readdirSync(join(out, 'train')).map(file => readFileSync(join(out, 'train', file)).toString('base64'))

it('gives the same rows in another order, in the same bytes for any number of threads, the same split as without', async () => {
  mkdirSync(dir, { recursive: true })
  for (const source of ['a', 'b']) {
    const rows = Array.from({ length: 150 }, (_, i) =>
      JSON.stringify({ id: `${source}${i}`, prompt: `${source} ${i >> 1}?`, chosen: `yes ${i}`, rejected: 'no' }),
    )
    writeFileSync(join(dir, `${source}.jsonl`), rows.join('\n'))
  }
  const splits = { validation: 0.2 }
  const [plain, shuffled] = [build('plain', { splits }, 0), build('shuffled', { splits, shuffle: true, shard_rows: 50 }, 0)]
  const again = build('again', { splits, shuffle: true, shard_rows: 50 }, 2)
  const [before, after] = [await ids(plain), await ids(shuffled)]
  expect(after.map(({ id }) => id).sort()).toEqual(before.map(({ id }) => id).sort())
  expect(bytesIn(again)).toEqual(bytesIn(shuffled))
  const perFile = [...new Set(after.map(({ file }) => file))].map(file => after.filter(row => row.file === file))
  expect(perFile.length).toBe(Math.ceil(after.length / 50))
  for (const rows of perFile.slice(0, -1)) {
    expect(rows.length).toBe(50)
    // Both sources are in every shard; without the shuffle one follows the other.
    expect(new Set(rows.map(({ id }) => id[0]))).toEqual(new Set(['a', 'b']))
  }
  expect(before.map(({ id }) => id[0]).join('')).toMatch(/^a+b+$/)
})
