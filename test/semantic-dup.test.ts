/** Near-duplicate prompts by meaning: rules over literal pairs, and a planted corpus through the built command line with a model. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { relations } from '../pipeline/pair.ts'
import type { Embedder } from '../pipeline/scorer.ts'
import { openOnnxEmbedder } from '../pipeline/scorers/onnx.ts'
import { semanticDup } from '../stages/semantic-dup.ts'
import { freshDir, goldpan, rowsOf } from './cli.ts'
import { type DriveOptions, driveStage, type PairInput, pairsOf } from './drive.ts'
import { embeddingFolder } from './onnx-folder.ts'

async function run(pairs: readonly PairInput[], params: unknown = {}, options: DriveOptions = {}) {
  const { verdicts, summary, pairs: batch } = await driveStage(semanticDup, params, pairs, options)
  const { bytes } = batch.columns.pair_id as { bytes: Uint8Array }
  const ids = pairs.map((_, i) => Buffer.from(bytes.subarray(i * 16, i * 16 + 16)).toString('hex'))
  return {
    of: verdicts.map(v => ids.indexOf(v.add.duplicate_of as string)),
    reasons: verdicts.map(v => v.reason),
    outcomes: verdicts.map(v => v.outcome),
    verdicts,
    ids,
    facts: summary.facts as Record<string, unknown>,
  }
}

const human: PairInput = { label_kind: 'human' }
const ai: PairInput = { label_kind: 'ai' }
const FRANCE = 'Please tell me what the capital city of France is and describe its history'
const REWORDED = 'please, tell me: what is the capital city of France? And describe its history.'
const BREAD = 'How do I bake sourdough bread at home without an oven?'

describe('by hashed words', () => {
  it('prompts in other words fall to the pair of the highest rank, all pairs of theirs with them', async () => {
    const { of, reasons, verdicts, facts, ids } = await run([
      { prompt: REWORDED, chosen: 'a', source: 'x', ...ai },
      { prompt: BREAD },
      { prompt: FRANCE, source: 'y', ...human },
      { prompt: REWORDED, chosen: 'b', source: 'x', ...ai },
      { prompt: FRANCE, chosen: 'other', source: 'y', ...ai },
    ])
    expect(of).toEqual([2, -1, -1, 2, -1])
    expect(reasons).toEqual([null, null, null, null, null])
    expect(verdicts[0].add.relation).toBe('semantic')
    expect(verdicts[0].add.cosine).toBeGreaterThan(0.9)
    expect(verdicts[2].add).toEqual({ duplicate_of: null, relation: null, cosine: null })
    expect(facts).toEqual({
      prompts: 3,
      clusters: 1,
      largest: [{ survivor: ids[2], source: 'y', prompts: 2, pairs: 4 }],
      relations: { semantic: 2 },
      by_source: [{ relation: 'semantic', source: 'x', within: 0, across: 2 }],
      between: [{ relation: 'semantic', source: 'x', survivor_source: 'y', pairs: 2 }],
    })
  })

  it.each(['drop', 'review'])('%s on request', async action => {
    const { reasons, outcomes } = await run(
      [
        { prompt: FRANCE, ...human },
        { prompt: REWORDED, ...ai },
      ],
      { action },
    )
    expect(reasons).toEqual([null, 'semantic'])
    expect(outcomes).toEqual(['stay', action])
  })

  it('keeps the relation that a pair has, whatever becomes of it', async () => {
    const known = { values: Uint8Array.of(0, relations.indexOf('near')), valid: Uint8Array.of(0, 1) }
    const upstream = { schema: { relation: { labels: relations } }, rows: 2, columns: { relation: known } } as const
    const pairs = [
      { prompt: FRANCE, ...human },
      { prompt: REWORDED, ...ai },
    ]
    const { verdicts } = await run(pairs, { action: 'drop' }, { upstream })
    expect(verdicts[1]).toEqual({ reason: 'semantic', outcome: 'drop', add: { duplicate_of: null, relation: 'near', cosine: null } })
  })

  it('tells prompts without words apart', async () => {
    expect((await run([{ prompt: '' }, { prompt: '?' }, { prompt: '!' }, { prompt: '👍' }])).of).toEqual([-1, -1, -1, -1])
  })

  it('says the same for any order and cut', async () => {
    const pairs = Array.from({ length: 60 }, (_, i) => ({ prompt: i % 3 === 0 ? `${BREAD} ${i}` : `${FRANCE} ${'very '.repeat(i % 5)}` }))
    const { verdicts, facts } = await run(pairs)
    expect(verdicts.filter(v => v.add.relation === 'semantic').length).toBeGreaterThan(20)
    const other = await run(pairs, {}, { shuffle_seed: 3, batch_rows: 7 })
    expect([other.verdicts, other.facts]).toEqual([verdicts, facts])
  })
})

/** Words of one meaning. */
const SYNONYMS = [
  ['begin', 'start', 'commence'],
  ['car', 'automobile', 'vehicle'],
  ['fast', 'quick', 'rapid'],
  ['buy', 'purchase', 'acquire'],
  ['house', 'home', 'dwelling'],
]
const DIMS = 16
const folder = embeddingFolder(SYNONYMS, DIMS)

describe('by a model', () => {
  let model: Embedder
  beforeAll(async () => {
    model = await openOnnxEmbedder('tiny', folder)
  })
  afterAll(() => model.close())
  const options = (): DriveOptions => ({ embedders: { tiny: model } })

  it('embeds a prompt as the mean over its tokens', async () => {
    expect(model.dims).toBe(DIMS)
    const vectors = await model.embed(pairsOf([{ prompt: 'start car' }, { prompt: 'vehicle' }]).columns.prompt, 2)
    const third = Math.fround(1 / 3)
    const rest = (zeros: number): number[] => new Array(zeros).fill(0)
    expect([...vectors]).toEqual([third, third, ...rest(14), 0, 0.5, ...rest(14)])
  })

  it('finds paraphrases that share no word', async () => {
    const pairs = [
      { prompt: 'buy fast car', ...human },
      { prompt: 'acquire rapid automobile', ...ai },
      { prompt: 'buy house', ...ai },
      { prompt: 'acquire rapid automobile', chosen: 'x', ...ai },
    ]
    expect((await run(pairs, { onnx: 'tiny', dims: DIMS }, options())).of).toEqual([-1, 0, -1, 0])
    expect((await run(pairs)).of).toEqual([-1, -1, -1, -1])
  })

  it('names the folder that it cannot use', async () => {
    const empty = freshDir('no-model')
    await expect(openOnnxEmbedder('models/mini', empty)).rejects.toThrow(
      `onnx models/mini: ${empty}: no config.json; export the model with optimum-cli export onnx --task feature-extraction`,
    )
  })

  it('refuses dims that are not those of the model', async () => {
    await expect(run([{ prompt: 'car' }], { onnx: 'tiny' }, options())).rejects.toThrow(
      'semantic-dup: dims: expected 16, as tiny gives, got 256',
    )
  })
})

describe('planted paraphrases through the command line', () => {
  const dir = freshDir('semantic')
  const phrase = (meanings: readonly number[], form: number): string => meanings.map(m => SYNONYMS[m][form]).join(' ')
  const planted = [
    [0, 1],
    [2, 3, 4],
    [1, 2],
    [0, 3, 4],
  ]
  const rows = planted.flatMap((meanings, p) =>
    [0, 1, 2].map(form => ({ id: `${p}-${form}`, prompt: phrase(meanings, form), chosen: `c ${p} ${form}`, rejected: 'r' })),
  )
  writeFileSync(join(dir, 'a.jsonl'), rows.map(row => JSON.stringify(row)).join('\n'))
  writeFileSync(
    join(dir, 'c.yaml'),
    `name: semantic\nsources: [{ path: a.jsonl, label_kind: ai }]\nsteps: [semantic-dup: { onnx: ${folder}, dims: ${DIMS}, action: drop }]\n`,
  )
  const build = (out: string, threads: string) =>
    goldpan([
      'run',
      join(dir, 'c.yaml'),
      '--out',
      join(dir, out),
      '--store',
      join(dir, `store-${out}`),
      '--threads',
      threads,
      '--progress',
      'none',
    ])

  it('one of each planted group stays, and the manifest is the same for any number of threads', async () => {
    expect(build('out', '0')).toMatchObject({ code: 0, stderr: '' })
    const kept = await rowsOf(
      join(dir, 'out'),
      `SELECT prompt_of, count(*)::INT AS n FROM (SELECT split_part(source_id, '-', 1) AS prompt_of FROM '{dir}/ledger/*.parquet' WHERE outcome = 'keep') GROUP BY 1 ORDER BY 1`,
    )
    expect(kept).toEqual(planted.map((_, p) => ({ prompt_of: String(p), n: 1 })))
    const dropped = await rowsOf(
      join(dir, 'out'),
      `SELECT DISTINCT relation::VARCHAR AS relation, reason::VARCHAR AS reason, round(cosine, 4)::DOUBLE AS cosine FROM '{dir}/ledger/*.parquet' WHERE outcome = 'drop'`,
    )
    expect(dropped).toEqual([{ relation: 'semantic', reason: 'semantic', cosine: 1 }])
    expect(build('two', '2').code).toBe(0)
    expect(goldpan(['verify', join(dir, 'two')]).code).toBe(0)
    expect(goldpan(['query', join(dir, 'two'), 'select count(*) as n from edges', '--format', 'csv']).stdout).toBe('n\n8\n')
    const [one, two] = ['out', 'two'].map(out => goldpan(['query', join(dir, out), 'from ledger', '--format', 'csv']).stdout)
    expect(two).toBe(one)
  })
})
