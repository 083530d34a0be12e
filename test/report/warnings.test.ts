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
async function warningsWith(name: string, steps: string): Promise<string[]> {
  writeFileSync(config, `name: w\nsources: [{ path: a.jsonl }]\nbenchmarks: ["b*.jsonl"]\nsteps: [${steps}]\n`)
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

it('plan says where there is no build to compare with', () => {
  const plan = (out: string) => goldpan(['plan', config, '--store', join(dir, 'store'), '--out', join(dir, out)])
  expect(plan('nowhere')).toMatchObject({ code: 0, stderr: `plan: ${join(dir, 'nowhere')}: no build there to compare with\n` })
  expect(plan('bare')).toMatchObject({ code: 0, stderr: '' })
})
