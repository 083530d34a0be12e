/** Warnings of the report that count or miss something, by a build of each kind. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { build } from '../../pipeline/index.ts'
import { freshDir, goldpan } from '../cli.ts'

const ITEM = 'A gardener plants tulips in rows of nine and has four left over; how many tulips does he have at least in all of his rows?'

const dir = freshDir('warnings')
const config = join(dir, 'c.yaml')

/** The texts of all warnings of a build with these steps. */
async function warningsWith(name: string, steps: string, { source = '', more = '' } = {}): Promise<string[]> {
  writeFileSync(config, `name: w\nsources: [{ path: a.jsonl${source} }]\n${more}benchmarks: ["b*.jsonl"]\nsteps: [${steps}]\n`)
  await build(config, { out: join(dir, name), store: join(dir, 'store'), threads: 0 })
  const { warnings } = JSON.parse(readFileSync(join(dir, name, 'report.json'), 'utf8')) as { warnings: { text: string }[] }
  return warnings.map(({ text }) => text)
}

it('counts a pair that holds items of two benchmarks once, and tells of a build without structure', async () => {
  const rows = Array.from({ length: 10 }, (_, i) => ({ prompt: i < 6 ? `${ITEM} ${i}` : `Why ${i}?`, chosen: `So ${i}.`, rejected: 'No.' }))
  writeFileSync(join(dir, 'a.jsonl'), rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  for (const benchmark of ['b1', 'b2'])
    writeFileSync(join(dir, `${benchmark}.jsonl`), `${JSON.stringify({ benchmark, id: '1', text: ITEM })}\n`)
  const without = 'no step structure: ties, and pairs with an empty side or two equal ones, were not looked for'
  const bare = await warningsWith('bare', 'decontaminate')
  expect(bare).toContain('6 pairs (60 %) hold items of b1, b2')
  expect(bare).toContain(without)
  expect(await warningsWith('whole', 'structure, decontaminate')).not.toContain(without)
})

it('tells of what the config names and no step or file has a use for', async () => {
  const pairs = '`pairs` and `min_gap` of the config are for rows of format scored, and change nothing of pair'
  const benchmarks = 'the config names benchmarks, but no step decontaminate looks for them: training data may hold them'
  const models = 'the config names models, but no step score asks them'
  const more = 'models: { m: { http: "http://127.0.0.1:9", protocol: tei, model: m } }\n'
  const unused = await warningsWith('unused', 'structure', { source: ', min_gap: 0.5', more })
  expect(unused).toEqual(expect.arrayContaining([pairs, benchmarks, models]))
  expect(unused.join()).not.toContain('was not compared with any benchmark')
  const used = await warningsWith('used', 'structure, decontaminate')
  for (const text of [pairs, benchmarks, models]) expect(used).not.toContain(text)
})

it('plan says where there is no build to compare with', () => {
  const plan = (out: string) => goldpan(['plan', config, '--store', join(dir, 'store'), '--out', join(dir, out)])
  expect(plan('nowhere')).toMatchObject({ code: 0, stderr: `plan: ${join(dir, 'nowhere')}: no build there to compare with\n` })
  expect(plan('bare')).toMatchObject({ code: 0, stderr: '' })
})
