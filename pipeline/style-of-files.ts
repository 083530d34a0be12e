/** The style bias of preference files as they are, without a config: read, measured and audited in this thread. */
import { type Batch, batchOf, type Columns, emptyBatch, type Ids, stringAt } from './batch.ts'
import type { Recognised } from './codecs/source.ts'
import { concat } from './concat.ts'
import type { NamedFile } from './files.ts'
import { gather, gatherColumn, inOrder } from './gather.ts'
import { ingestFile } from './ingest.ts'
import { lanesOf } from './kernels/groups.ts'
import { mix32 } from './kernels/mix.ts'
import { styleDifferences } from './kernels/style-differences.ts'
import { type StyleColumns, style } from './measures/style.ts'
import { type Audit, audited, auditFacts } from './measures/style-facts.ts'
import { firstSigns } from './measures/style-sample.ts'
import type { pairFacts } from './pair.ts'

/** What is told of one source, or of all together. */
export interface StyleOfSource {
  readonly source: string
  /** Pairs with a label, and ties, which say nothing of style. */
  readonly pairs: number
  readonly ties: number
  /** Over all pairs that differ in it: the share whose chosen response is longer, or has more Markdown; null where none differs. */
  readonly longer: number | null
  readonly more_markdown: number | null
  readonly audit: Audit
}

export interface StyleOfFiles {
  readonly files: readonly FileRead[]
  readonly sources: readonly StyleOfSource[]
  /** Where there are several sources. */
  readonly all?: StyleOfSource
}

export type FileRead = Recognised & { readonly path: string; readonly format: string; readonly rows: number; readonly rejected: number }

/** Pairs a source to which models are fitted; the shares are counted over all. */
const SAMPLE = 20_000

/** Reads the files one after another and audits every source, and all of them together. */
export async function styleOfFiles(files: readonly NamedFile[], seed: number, sample = SAMPLE): Promise<StyleOfFiles> {
  const read: FileRead[] = []
  const sources = new Map<string, Gathered>()
  const all = new Gathered('all', seed, sample)
  const measure = await style.open({}, { seed, file: () => Promise.reject(new Error('style reads no file')) })
  let ordinal = 0
  const take = async (texts: Batch, facts: Batch<typeof pairFacts>): Promise<void> => {
    const styles = (await measure(texts)) as unknown as StyleColumns
    for (const [name, index] of bySource(facts)) {
      if (!sources.has(name)) sources.set(name, new Gathered(name, seed, sample))
      for (const into of [sources.get(name)!, all]) into.add(styles, facts.columns, index, ordinal)
    }
    ordinal += texts.rows
  }
  for (const { shown, path } of files) {
    const options = { format: 'auto', priority: 0, scores: false, pairs: 'all', min_gap: 0, shown_first: 'shown_first' } as const
    const { container, compression, format, rows, rejected } = await ingestFile({ path, shown, ...options }, { shard: take })
    read.push({ path: shown, container, compression, format, rows, rejected })
  }
  const told = [...sources.values()].map(source => source.told())
  return { files: read, sources: told, ...(told.length > 1 ? { all: all.told() } : {}) }
}

function bySource({ rows, columns }: Batch<typeof pairFacts>): Map<string, Int32Array> {
  const found = new Map<string, number[]>()
  for (let i = 0; i < rows; i++) {
    const name = stringAt(columns.source, i)
    const rowsOf = found.get(name)
    if (rowsOf) rowsOf.push(i)
    else found.set(name, [i])
  }
  return new Map([...found].map(([name, index]) => [name, Int32Array.from(index)]))
}

/** Counts of a source's pairs, and a sample of them by pair_id. */
class Gathered {
  private readonly source: string
  private readonly seed: number
  private readonly most: number
  private sampled = emptyBatch(audited)
  /** Pairs whose hash is below belong to the sample. */
  private limit = 2 ** 32
  private ties = 0
  private pairs = 0
  private readonly won = { longer: 0, more_markdown: 0 }
  private readonly differing = { longer: 0, more_markdown: 0 }

  constructor(source: string, seed: number, most: number) {
    this.source = source
    this.seed = seed
    this.most = most
  }

  add(styles: StyleColumns, facts: Columns<typeof pairFacts>, of: Int32Array, ordinal: number): void {
    const index = of.filter(i => facts.tie.values[i] === 0)
    this.ties += of.length - index.length
    this.pairs += index.length
    const { longer, more_markdown, differences, context } = styleDifferences(
      styles.style_chosen.values,
      styles.style_rejected.values,
      index,
    )
    this.count('longer', longer)
    this.count('more_markdown', more_markdown)
    const rows = batchOf(audited, index.length, {
      ordinal: { values: index.map(i => ordinal + i) },
      pair_id: gatherColumn(facts.pair_id, 'id', index) as Ids,
      prompt_cluster: gatherColumn(facts.prompt_id, 'id', index) as Ids,
      differences: { values: differences },
      context: { values: context },
      longer: { values: longer },
      more_markdown: { values: more_markdown },
      first: { values: firstSigns(facts.shown_first.values, index) },
      support: { values: new Int32Array(index.length) },
      weight: { values: new Float64Array(index.length).fill(1) },
    })
    this.sampled = concat(audited, [this.sampled, this.below(rows)])
    while (this.sampled.rows > 2 * this.most) {
      this.limit /= 2
      this.sampled = this.below(this.sampled)
    }
  }

  private count(name: 'longer' | 'more_markdown', signs: Float32Array): void {
    for (const sign of signs) {
      if (sign !== 0) this.differing[name]++
      if (sign > 0) this.won[name]++
    }
  }

  private below(rows: Batch<typeof audited>): Batch<typeof audited> {
    if (this.limit === 2 ** 32) return rows
    const [lanes] = lanesOf(rows.columns.pair_id, rows.rows)
    return gather(
      rows,
      Int32Array.from(lanes.keys()).filter(i => mix32(lanes[i] ^ this.seed) >>> 0 < this.limit),
    )
  }

  told(): StyleOfSource {
    const { source, pairs, ties, won, differing } = this
    const share = (name: 'longer' | 'more_markdown'): number | null => (differing[name] > 0 ? won[name] / differing[name] : null)
    const audit = auditFacts(inOrder(this.sampled as unknown as Batch), this.seed, false)
    return { source, pairs, ties, longer: share('longer'), more_markdown: share('more_markdown'), audit }
  }
}
