/** Models that one build trained, exported and used by another through the real command line. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { columnsOf } from '../../pipeline/batch.ts'
import { Build } from '../../pipeline/build.ts'
import { type BuiltIn, unpacked } from '../../pipeline/kernels/built-in.ts'
import { unit } from '../../pipeline/kernels/random.ts'
import { meanWeights } from '../../pipeline/kernels/text-model.ts'
import type { Manifest } from '../../pipeline/manifest.ts'
import { responseQuality } from '../../pipeline/measures/response-quality.ts'
import { termColumns, textTerms } from '../../pipeline/measures/text-terms.ts'
import { summaryOf } from '../../pipeline/pass.ts'
import { freshDir, goldpan, rowsOf } from '../cli.ts'
import { pairsOf } from '../drive.ts'

const dir = freshDir('models')
const WORDS = 'rain tide root stone wind lamp river sand cloud field'.split(' ')
const filler = (i: number, k: number): string =>
  Array.from({ length: 5 }, (_, n) => WORDS[Math.floor(unit(k, i, n) * WORDS.length)]).join(' ')
const pairs = (from: number, count: number) =>
  Array.from({ length: count }, (_, k) => {
    const i = from + k
    return {
      id: `${i}`,
      prompt: `Tell me of ${filler(i, 9)}?`,
      chosen: `${filler(i, 1)} because ${filler(i, 2)}.`,
      rejected: i % 10 === 9 ? '' : `${filler(i, 3)} whatever ${filler(i, 4)}`,
    }
  })
const jsonl = (name: string, rows: readonly object[]) => writeFileSync(join(dir, name), rows.map(row => JSON.stringify(row)).join('\n'))
const run = (config: string, ...flags: string[]) =>
  goldpan([
    'run',
    join(dir, config),
    '--out',
    join(dir, config.replace('.yaml', '')),
    '--store',
    join(dir, 'store'),
    '--threads',
    '0',
    '--progress',
    'none',
    ...flags,
  ])
const exporting = (...flags: string[]) =>
  goldpan(['models', 'export', join(dir, 'first'), '--out', join(dir, 'models'), '--store', join(dir, 'store'), ...flags])

beforeAll(() => {
  mkdirSync(dir, { recursive: true })
  jsonl('learnt.jsonl', pairs(0, 200))
  jsonl('judged.jsonl', pairs(1000, 60))
  const tail = 'output: { publish_without_review: true }\n'
  writeFileSync(join(dir, 'first.yaml'), `name: first\nseed: 1\nsources: [{ path: learnt.jsonl }]\nsteps: [score]\n${tail}`)
  writeFileSync(
    join(dir, 'second.yaml'),
    `name: second\nseed: 1\nsources: [{ path: judged.jsonl }]\nmodels: { text: { onnx: models/bt-text }, quality: { onnx: models/bt-quality } }\nsteps: [score]\n${tail}`,
  )
  const first = run('first.yaml')
  if (first.code !== 0) throw new Error(first.stderr)
}, 60_000)

describe('goldpan models export', () => {
  it('saves models that say in another build what they say here', async () => {
    const exported = exporting('--json')
    expect(exported.stderr).toBe('')
    expect((JSON.parse(exported.stdout) as { name: string }[]).map(e => e.name)).toEqual(['bt-text', 'bt-quality'])
    expect(run('second.yaml').code).toBe(0)
    const ledger = await rowsOf(
      join(dir, 'second'),
      `SELECT source_id, margin_text, margin_quality FROM '{dir}/ledger/*.parquet' ORDER BY row`,
    )
    const inputs = pairs(1000, 60)
    const { text, quality } = await expected(inputs)
    expect(ledger).toHaveLength(60)
    ledger.forEach((row, i) => {
      expect(row.margin_text as number, `${i}`).toBeCloseTo(text[i], 5)
      expect(row.margin_quality as number, `${i}`).toBeCloseTo(quality[i], 4)
    })
    expect(text.filter(margin => margin > 0).length).toBeGreaterThan(55)
    expect(new Set(quality.map(q => q.toFixed(4))).size).toBeGreaterThan(10)
  }, 60_000)

  it('writes a graph that another reader of ONNX understands', () => {
    exporting()
    const proto = createRequire(import.meta.url)('onnx-proto') as { onnx: { ModelProto: { decode(bytes: Uint8Array): { graph: Graph } } } }
    interface Graph {
      readonly node: readonly { readonly opType: string }[]
      readonly initializer: readonly { readonly name: string; readonly rawData: Uint8Array }[]
    }
    const { graph } = proto.onnx.ModelProto.decode(readFileSync(join(dir, 'models/bt-text/model.onnx')))
    expect(graph.node.map(n => n.opType)).toEqual(['Gather', 'Mul', 'ReduceSum'])
    const { bits } = JSON.parse(readFileSync(join(dir, 'models/bt-text/goldpan.json'), 'utf8')) as { bits: number }
    expect(graph.initializer.find(t => t.name === 'weights')!.rawData.length).toBe(4 * 2 ** bits)
  })

  it('says in one line what is wrong', () => {
    expect(exporting('--source', 'lernt')).toMatchObject({ code: 2, stderr: expect.stringContaining('known: learnt') })
    const elsewhere = goldpan(['models', 'export', join(dir, 'first'), '--out', join(dir, 'm'), '--store', join(dir, 'nowhere')])
    expect(elsewhere).toMatchObject({ code: 2, stderr: expect.stringContaining('knows nothing of') })
    writeFileSync(join(dir, 'models/bt-text/goldpan.json'), '{"format": 1, "view": "hashed-terms", "terms_version": 9, "bits": 12}')
    const second = run('second.yaml', '--set', 'name=third')
    expect(second.code).toBe(2)
    expect(second.stderr).toMatch(/terms_version: expected 1, got 9; export the model again/)
  }, 30_000)
})

/** Margins by the kernels: weights in the store, terms and features as the measures find them. */
async function expected(inputs: ReturnType<typeof pairs>): Promise<{ text: number[]; quality: number[] }> {
  const manifest = JSON.parse(readFileSync(join(dir, 'first/manifest.json'), 'utf8')) as Manifest & { plan_key: string }
  const build = await Build.open(join(dir, 'store/plans', `${manifest.plan_key}.json`), join(dir, 'store'))
  const { state, tables } = summaryOf(build, build.steps().find(step => step.stage === 'score')!, 0)
  const models = unpacked(state as unknown as Omit<BuiltIn, 'text'>, tables!.weights)
  const weights = meanWeights(models.text, 0)
  const batch = pairsOf(inputs.map(({ prompt, chosen, rejected }) => ({ prompt, chosen, rejected }))) as never
  const context = { seed: 1, file: async () => new Uint8Array(0) }
  const terms = (await (await textTerms.open({ max_terms: 100_000 }, context))(batch)) as never as { terms: unknown }
  const { starts, items } = columnsOf({ schema: termColumns, rows: inputs.length, columns: terms } as never, termColumns).terms
  const values = ((await (await responseQuality.open({}, context))(batch)) as { quality: { values: Float32Array } }).quality.values
  const width = values.length / inputs.length
  const own = models.quality.map(fold => fold.own[0] ?? fold.shared)
  return {
    text: inputs.map((_, i) => {
      const row = items.columns.term.values.subarray(starts[i], starts[i + 1])
      return row.reduce((sum, term) => sum + (term & 1 ? -1 : 1) * weights[term >>> (32 - models.text.bits)], 0)
    }),
    quality: inputs.map((_, i) =>
      Array.from({ length: width }, (_, k) => (values[i * width + k] * own.reduce((n, w) => n + w[k], 0)) / own.length).reduce(
        (a, b) => a + b,
        0,
      ),
    ),
  }
}
