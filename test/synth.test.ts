import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Command } from 'commander'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { register } from '../pipeline/commands/synth.ts'
import { loadConfig } from '../pipeline/config.ts'
import type { Truth } from '../pipeline/synth/truth.ts'
import { type SynthOptions, synthesise } from '../pipeline/synth.ts'

const SENTENCES = [
  'The kettle on the upper shelf needs a new lid before the guests arrive on Friday.',
  'Walk along the river until the second bridge and then climb the narrow stairs to the garden.',
  'Most batteries lose a tenth of their charge when the workshop stays cold for a month.',
  'A sorted list can be searched in twenty steps even if it holds a million names.',
  'Her grandmother planted beans under the maize so that the leaves would shade the roots.',
  'The ferry leaves the harbour at 7 and returns with the mail around 4 in the afternoon.',
  'Write the test first, watch it fail, and only then change the function that it names.',
  'Salt draws water out of the sliced cucumber, which keeps the salad from turning soggy.',
  'How long should the dough rest before somebody shapes the loaves for the oven?',
  'Which of these two formulas describes the speed of a falling stone after a second?',
  '我们明天早上在图书馆门口见面，然后一起去买票。',
  '这个程序读取文件以后会把结果写到另一个目录里。',
  '如果天气太热，就把花盆搬到阳台的阴影下面去。',
  '你觉得学习一门新的语言需要多长时间才够用？',
]

const folder = mkdtempSync(join(tmpdir(), 'goldpan-synth-'))
const pool = join(folder, 'pool.jsonl')
afterAll(() => rmSync(folder, { recursive: true }))

const options = (out: string, changed: Partial<SynthOptions> = {}): SynthOptions => ({
  pairs: 1500,
  out: join(folder, out),
  format: 'jsonl',
  shardPairs: 100_000,
  from: [pool],
  withScores: false,
  seed: 5,
  shares: {
    ...{ exact_duplicate: 0.05, near_duplicate: 0.2, swapped: 0.03, near_swapped: 0.03, contaminated: 0.03 },
    ...{ empty_side: 0.02, identical_sides: 0.02, malformed: 0.02, tie: 0.02 },
  },
  flipped: 0.1,
  meanBytes: 900,
  chinese: 0.1,
  slopes: { quality: 1.5, length: 1.5, markdown: 1.5 },
  benchmarkItems: 20,
  ...changed,
})

interface Pair {
  readonly id: string
  readonly prompt: readonly { role: string; content: string }[]
  readonly chosen: string | null
  readonly rejected: string | null
  readonly tie?: boolean
  readonly votes?: readonly { annotator: string; vote: string }[]
  readonly scores?: Readonly<Record<string, readonly [number, number]>>
}

const linesOf = (out: string, file = 'pairs-00000.jsonl'): string[] =>
  readFileSync(join(folder, out, file), 'utf8')
    .split('\n')
    .slice(0, -1)
const pairsOf = (lines: readonly string[]): Map<string, Pair> =>
  new Map(lines.flatMap(line => parsed(line) ?? []).map(pair => [pair.id, pair]))
const truthsOf = (out: string): Truth[] => linesOf(out, 'truth.jsonl').map(line => JSON.parse(line) as Truth)

function parsed(line: string): Pair | undefined {
  try {
    return JSON.parse(line) as Pair
  } catch {
    return undefined
  }
}

const promptOf = (pair: Pair): string => JSON.stringify(pair.prompt)
const fieldOf = (pair: Pair, field: 'prompt' | 'chosen' | 'rejected'): string =>
  field === 'prompt' ? pair.prompt.map(turn => turn.content).join('\n') : (pair[field] ?? '')

/** Word 5-grams in the plainest way; of a shorter text, itself. */
function shinglesOf(text: string): Set<string> {
  const words = text.toLowerCase().match(/\p{Script=Han}|(?:(?!\p{Script=Han})[\p{L}\p{M}\p{N}_])+/gu) ?? []
  if (words.length < 5) return new Set([words.join(' ')])
  return new Set(words.slice(4).map((_, i) => words.slice(i, i + 5).join(' ')))
}

function jaccard(a: Set<string>, b: Set<string>): number {
  const shared = [...a].filter(x => b.has(x)).length
  return shared / (a.size + b.size - shared)
}

const smallestJaccard = (a: Pair, b: Pair): number =>
  Math.min(
    ...(['prompt', 'chosen', 'rejected'] as const).map(field => jaccard(shinglesOf(fieldOf(a, field)), shinglesOf(fieldOf(b, field)))),
  )

const turned = (pair: Pair): Pair => ({ ...pair, chosen: pair.rejected, rejected: pair.chosen })

beforeAll(async () => {
  writeFileSync(pool, SENTENCES.map(text => `${JSON.stringify({ id: 'x-1', text })}\n`).join(''))
  await synthesise(options('base'))
})

describe('rows', () => {
  test('are the same bytes for the same seed, and others for another', async () => {
    await synthesise(options('again'))
    await synthesise(options('other', { seed: 6 }))
    for (const file of readdirSync(join(folder, 'base')).filter(name => name !== 'benchmarks'))
      expect(linesOf('again', file), file).toEqual(linesOf('base', file))
    expect(linesOf('again', 'benchmarks/synth.jsonl')).toEqual(linesOf('base', 'benchmarks/synth.jsonl'))
    expect(linesOf('other')[0]).not.toEqual(linesOf('base')[0])
  })

  test('do not depend on how many follow', async () => {
    await synthesise(options('short', { pairs: 700 }))
    expect(linesOf('base').slice(0, 700)).toEqual(linesOf('short'))
    const short = linesOf('short', 'truth.jsonl')
    expect(short.length).toBeGreaterThan(100)
    expect(linesOf('base', 'truth.jsonl').slice(0, short.length)).toEqual(short)
  })

  test('lie in shards of the size asked for, gzipped where asked', async () => {
    await synthesise(options('cut', { shardPairs: 600, format: 'jsonl.gz' }))
    const files = readdirSync(join(folder, 'cut')).filter(name => name.startsWith('pairs-'))
    expect(files).toEqual(['pairs-00000.jsonl.gz', 'pairs-00001.jsonl.gz', 'pairs-00002.jsonl.gz'])
    const texts = files.map(file => gunzipSync(readFileSync(join(folder, 'cut', file))).toString())
    expect(texts.join('')).toBe(`${linesOf('base').join('\n')}\n`)
    const broken = truthsOf('cut').filter(truth => truth.kind === 'malformed')
    expect(broken.some(truth => truth.id.startsWith('pairs-00002.jsonl.gz:'))).toBe(true)
  })

  test('as Parquet hold what the lines hold, but for lines that cannot be read', async () => {
    await synthesise(options('table', { format: 'parquet' }))
    const bytes = readFileSync(join(folder, 'table', 'pairs-00000.parquet'))
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
    const rows = new Map((await parquetReadObjects({ file, compressors })).map(row => [row.id as string, row]))
    expect(rows.size).toBe(1500)
    const broken = new Set(truthsOf('base').flatMap(({ kind, id }) => (kind === 'malformed' ? [Number(id.split(':')[1])] : [])))
    for (const line of linesOf('base').filter((_, row) => !broken.has(row))) {
      const { tie = false, votes = [], ...pair } = JSON.parse(line) as Pair
      expect(rows.get(pair.id)).toEqual({ ...pair, tie, votes })
    }
  })

  test('have the mean size asked for', async () => {
    const { text_bytes_per_pair } = await synthesise(options('large', { pairs: 3000, meanBytes: 2200, chinese: 0 }))
    expect(Math.abs(text_bytes_per_pair / 2200 - 1)).toBeLessThan(0.05)
  })

  test('share prompts: most with few, some with many', () => {
    const counts = new Map<string, number>()
    for (const pair of pairsOf(linesOf('base')).values()) counts.set(promptOf(pair), (counts.get(promptOf(pair)) ?? 0) + 1)
    const sizes = [...counts.values()]
    expect(Math.max(...sizes)).toBeGreaterThan(100)
    expect(sizes.filter(n => n <= 4).length / sizes.length).toBeGreaterThan(0.9)
  })

  test('that are not copies have little in common', () => {
    const planted = new Set(truthsOf('base').flatMap(truth => (truth.kind === 'flipped_label' ? [] : [truth.id])))
    const plain = [...pairsOf(linesOf('base')).values()].filter(
      pair => typeof pair.chosen === 'string' && pair.rejected !== null && !planted.has(pair.id),
    )
    const holders = new Map<string, number[]>()
    const sets = plain.map(pair => ({ c: shinglesOf(pair.chosen!), r: shinglesOf(pair.rejected!) }))
    let closest = 0
    sets.forEach(({ c }, i) => {
      for (const shingle of c) {
        for (const j of holders.get(shingle) ?? [])
          closest = Math.max(closest, Math.min(jaccard(c, sets[j].c), jaccard(sets[i].r, sets[j].r)))
        holders.set(shingle, [...(holders.get(shingle) ?? []).slice(-3), i])
      }
    })
    expect(plain.length).toBeGreaterThan(700)
    expect(closest).toBeLessThan(0.5)
  })
})

describe('truth', () => {
  const of = (kind: string): Truth[] => truthsOf('base').filter(truth => truth.kind === kind)
  let pairs: Map<string, Pair>
  beforeAll(() => {
    pairs = pairsOf(linesOf('base'))
  })

  test('names exact duplicates and swapped copies, all of them', () => {
    for (const { id, of: original } of of('exact_duplicate')) {
      const [copy, first] = [pairs.get(id)!, pairs.get(original!)!]
      expect([copy.prompt, copy.chosen, copy.rejected]).toEqual([first.prompt, first.chosen, first.rejected])
    }
    for (const { id, of: original } of of('swapped')) {
      const [copy, first] = [pairs.get(id)!, pairs.get(original!)!]
      expect([copy.prompt, copy.chosen, copy.rejected]).toEqual([first.prompt, first.rejected, first.chosen])
    }
    const copies = new Set([...of('exact_duplicate'), ...of('swapped'), ...of('malformed')].map(truth => truth.id))
    const others = [...pairs.values()].filter(p => !copies.has(p.id) && p.chosen && p.rejected)
    expect(new Set(others.map(p => JSON.stringify([p.prompt, [p.chosen, p.rejected].sort()]))).size).toBe(others.length)
    expect(copies.size).toBeGreaterThan(80)
  })

  test('gives the Jaccard of near copies, and no near copy is exact', () => {
    const near = [...of('near_duplicate'), ...of('near_swapped')]
    for (const { id, of: original, kind, jaccard: stated, fields } of near) {
      const first = pairs.get(original!)!
      const copy = kind === 'near_swapped' ? turned(pairs.get(id)!) : pairs.get(id)!
      expect(smallestJaccard(copy, first), id).toBeCloseTo(stated!, 3)
      const sides = kind === 'near_swapped' ? { prompt: 'prompt', chosen: 'rejected', rejected: 'chosen' } : undefined
      for (const field of fields as ('prompt' | 'chosen' | 'rejected')[]) {
        const side = (sides?.[field] ?? field) as typeof field
        expect(fieldOf(copy, side), `${id} ${field}`).not.toBe(fieldOf(first, side))
      }
    }
    expect(new Set(near.map(truth => truth.edit)).size).toBe(9)
    expect(near.filter(truth => truth.jaccard! >= 0.8).length / near.length).toBeGreaterThan(0.35)
  })

  test('names the benchmark item that a prompt holds', () => {
    const items = new Map(
      linesOf('base', 'benchmarks/synth.jsonl').map(line => [JSON.parse(line).id as string, JSON.parse(line).text as string]),
    )
    expect(items.size).toBe(20)
    expect(of('contaminated').length).toBeGreaterThan(20)
    for (const { id, of: item } of of('contaminated')) expect(pairs.get(id)!.prompt.at(-1)!.content).toContain(items.get(item!)!)
  })

  test('names rows without a signal', () => {
    for (const { id, edit, fields } of of('empty_side')) expect(pairs.get(id)![fields![0] as 'chosen']).toBe(edit === 'null' ? null : '')
    for (const { id } of of('identical_sides')) expect(pairs.get(id)!.chosen).toBe(pairs.get(id)!.rejected)
    for (const { id } of of('tie')) expect(pairs.get(id)!.tie).toBe(true)
    expect(Math.min(of('empty_side').length, of('identical_sides').length, of('tie').length)).toBeGreaterThan(10)
  })

  test('names broken lines by file and row, and no other line is broken', () => {
    const lines = linesOf('base')
    const broken = new Map(of('malformed').map(truth => [Number(truth.id.replace('pairs-00000.jsonl:', '')), truth.edit]))
    expect(new Set(broken.values()).size).toBe(5)
    lines.forEach((line, row) => {
      const found = parsed(line)
      const isText = found !== undefined && [found.chosen, found.rejected].every(side => side === null || typeof side === 'string')
      const isRole = found?.prompt.every(turn => ['system', 'user', 'assistant'].includes(turn.role)) ?? false
      expect(isText && isRole, `row ${row}`).toBe(!broken.has(row))
    })
  })

  test('names turned labels: without them those rows have their sides exchanged', async () => {
    await synthesise(options('straight', { flipped: 0 }))
    const straight = pairsOf(linesOf('straight'))
    const near = new Set([...of('near_duplicate'), ...of('near_swapped')].map(truth => truth.id))
    const wrong = new Set(of('flipped_label').map(truth => truth.id))
    const swapped = new Set([...of('swapped'), ...of('near_swapped')].map(truth => truth.id))
    for (const [id, row] of pairs) {
      const isTurned = wrong.has(id) !== swapped.has(id)
      const { prompt, chosen, rejected } = isTurned ? turned(straight.get(id)!) : straight.get(id)!
      if (!near.has(id)) expect([row.prompt, row.chosen, row.rejected], id).toEqual([prompt, chosen, rejected])
    }
    expect(wrong.size).toBeGreaterThan(100)
  })
})

describe('labels', () => {
  const noCopies = {
    exact_duplicate: 0,
    near_duplicate: 0,
    swapped: 0,
    near_swapped: 0,
    contaminated: 0,
    empty_side: 0,
    identical_sides: 0,
    malformed: 0,
    tie: 0,
  }

  test('favour length and markdown by the slopes, and not without them', async () => {
    const plain = { pairs: 3000, shares: noCopies, flipped: 0 }
    const fair = await synthesise(options('fair', { ...plain, slopes: { quality: 1.5, length: 0, markdown: 0 } }))
    const biased = await synthesise(options('biased', { ...plain, slopes: { quality: 1.5, length: 3, markdown: 2 } }))
    expect(Math.abs(fair.longer_wins! - 0.5)).toBeLessThan(0.05)
    expect(Math.abs(fair.markdown_wins! - 0.5)).toBeLessThan(0.05)
    expect(biased.longer_wins!).toBeGreaterThan(0.65)
    expect(biased.markdown_wins!).toBeGreaterThan(0.65)
  })

  test('follow the quality that recorded scores and votes know', async () => {
    await synthesise(options('scored', { pairs: 3000, shares: noCopies, flipped: 0, withScores: true }))
    const pairs = [...pairsOf(linesOf('scored')).values()]
    const agreeing = (model: string): number => pairs.filter(({ scores }) => scores![model][0] > scores![model][1]).length / pairs.length
    expect(agreeing('rm-a')).toBeGreaterThan(0.65)
    expect(agreeing('rm-a')).toBeGreaterThan(agreeing('rm-c'))
    const votes = pairs.flatMap(row => row.votes ?? [])
    expect(votes.length).toBeGreaterThan(500)
    const decided = votes.filter(vote => vote.vote !== 'tie')
    expect(decided.filter(vote => vote.vote === 'chosen').length / decided.length).toBeGreaterThan(0.6)
  })

  test('can be learnt from the words: careful openings stand more often in what wins', () => {
    const pairs = [...pairsOf(linesOf('scored')).values()]
    const careful = (text: string): number => text.match(/For example:|To check it:|Step by step:|Precisely:/g)?.length ?? 0
    const ahead = pairs.filter(p => careful(p.chosen!) > careful(p.rejected!)).length
    const behind = pairs.filter(p => careful(p.chosen!) < careful(p.rejected!)).length
    expect(ahead / (ahead + behind)).toBeGreaterThan(0.55)
  })
})

test('the command passes its options on', async () => {
  const program = new Command('goldpan')
  register(program)
  const out = join(folder, 'command')
  const flags = ['--near', '0.5', '--flipped', '0', '--seed', '3', '--shard-pairs', '60', '--from', pool]
  await program.parseAsync(['synth', '--pairs', '100', '--out', out, ...flags], { from: 'user' })
  expect(readdirSync(out).filter(name => name.startsWith('pairs-'))).toHaveLength(2)
  const kinds = truthsOf('command').map(truth => truth.kind)
  expect(kinds.filter(kind => kind === 'near_duplicate').length).toBeGreaterThan(30)
  expect(readFileSync(join(out, 'README.txt'), 'utf8')).toContain('"seed":3')
})

describe('the folder', () => {
  test('holds a config that can be loaded', () => {
    const { config, steps } = loadConfig(join(folder, 'base', 'config.yaml'))
    expect(config.sources[0].path).toBe('pairs-*.jsonl')
    expect(steps.map(step => step.stage)).toContain('near-dup')
  })

  test('is refused if it holds something', async () => {
    await expect(synthesise(options('base'))).rejects.toThrow(/base: the folder is not empty/)
    await expect(synthesise(options('pool.jsonl'))).rejects.toThrow(/expected a folder, got a file/)
  })

  test('is not begun for shares or pools that cannot be', async () => {
    const shares = { ...options('none').shares, near_duplicate: 0.8 }
    await expect(synthesise(options('none', { shares }))).rejects.toThrow(/shares of planted rows come to 1\.020/)
    await expect(synthesise(options('none', { format: 'parquet', withScores: true }))).rejects.toThrow(/--scores/)
    await expect(synthesise(options('none', { from: [join(folder, 'gone.jsonl')] }))).rejects.toThrow(/gone\.jsonl: cannot be read/)
    await expect(synthesise(options('none', { from: ['texts.csv'] }))).rejects.toThrow(/texts\.csv: expected a \.jsonl/)
    writeFileSync(join(folder, 'few.jsonl'), '{"text":"Two words."}\n')
    await expect(synthesise(options('none', { from: [join(folder, 'few.jsonl')] }))).rejects.toThrow(/at least 3 sentences/)
    expect(readdirSync(folder)).not.toContain('none')
  })
})
