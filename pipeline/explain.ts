/** One pair's life in a finished build: its rows of the ledger with what they refer to, and its texts where the build holds them. */
import { UserError } from './errors.ts'
import { type Finished, filesOf } from './finished.ts'
import type { Tables } from './sql.ts'
import { quoted } from './table-views.ts'
import type { TableName } from './tables.ts'

/** A row of the ledger; beside these it has the columns of the models. */
export interface LedgerRow {
  readonly pair_id: string
  readonly source: string
  readonly source_id: string | null
  readonly file: string
  readonly row: number
  readonly outcome: 'keep' | 'flip' | 'quarantine' | 'review' | 'drop'
  readonly split: 'train' | 'validation' | null
  readonly step: string | null
  readonly reason: string | null
  readonly duplicate_of: string | null
  readonly relation: string | null
  readonly jaccard: number | null
  readonly prompt_id: string
  readonly cluster_id: string | null
  readonly cluster_size: number | null
  readonly contamination:
    | readonly { readonly benchmark: string; readonly item: string; readonly span: string; readonly coverage: number }[]
    | null
  readonly style_p: number | null
  readonly weight: number | null
  readonly p_mean: number | null
  readonly disagreement: number | null
  readonly against: number | null
  readonly draw: string | null
  /** Only where flags were drawn. */
  readonly flag_probability?: number | null
  readonly inclusion_probability: number | null
  readonly human: { readonly outcome: string; readonly n: number; readonly agreement: number } | null
  readonly [model: string]: unknown
}

export type Survivor = Pick<LedgerRow, 'pair_id' | 'source' | 'source_id' | 'file' | 'row' | 'outcome'>

export interface Message {
  readonly role: string
  readonly content: string
}

/** The texts as a table holds them: in train a flipped pair's sides are turned; layout conversations has no prompt. */
export interface PairTexts {
  readonly table: TableName
  readonly prompt?: readonly Message[]
  readonly chosen: readonly Message[]
  readonly rejected: readonly Message[]
}

export interface Explained {
  /** In input order; several where texts occur several times, or a source_id is not unique. */
  readonly rows: readonly LedgerRow[]
  /** By pair_id: those that the rows duplicate. */
  readonly survivors: Readonly<Record<string, Survivor>>
  /** By pair_id. */
  readonly texts: Readonly<Record<string, PairTexts>>
}

const TEXTS_AT_MOST = 20

/** `id` is a pair_id or source:source_id. */
export async function explainPair(finished: Finished, tables: Tables, id: string): Promise<Explained> {
  const rows = await rowsOf(tables, id)
  if (rows.length === 0) throw await unknownPair(finished, tables, id)
  return { rows, survivors: await survivorsOf(tables, rows), texts: await textsOf(finished, tables, rows) }
}

/** Names the pair that was meant where the source is left out or the pair_id cut, and where rows are that have no id. */
async function unknownPair({ dir, manifest }: Finished, tables: Tables, id: string): Promise<UserError> {
  const [meant] = await tables.rows<LedgerRow>(
    'select * from ledger where source_id = $id or (length($id) > 5 and starts_with(pair_id, lower($id))) order by source, pair_id limit 1',
    { id },
  )
  const named = meant && (meant.source_id === id ? `${meant.source}:${id}` : meant.pair_id)
  const { rejected } = manifest.totals
  return new UserError(
    `explain ${id}: no such pair in ${dir}${named ? `; did you mean ${named}?` : ''}; expected a pair_id (32 hex digits) or source:source_id, as in: goldpan query ${dir} "SELECT pair_id, source, source_id FROM ledger LIMIT 5"${rejected > 0 ? `; the ${rejected} rows that could not be read are in its table rejects` : ''}`,
  )
}

async function rowsOf(tables: Tables, id: string): Promise<LedgerRow[]> {
  if (/^[0-9a-f]{32}$/i.test(id)) {
    const named = await tables.rows<LedgerRow>('select * from ledger where pair_id = $id', { id: id.toLowerCase() })
    if (named.length > 0) return named
  }
  // A source may hold colons, and so may an id: every place where they could meet is tried, each by a statement that skips what it need not read.
  let found: LedgerRow[] = []
  for (const { index } of id.matchAll(/:/g)) {
    const named = { source: id.slice(0, index), source_id: id.slice(index + 1) }
    found = found.concat(await tables.rows<LedgerRow>('select * from ledger where source = $source and source_id = $source_id', named))
  }
  return found
}

async function survivorsOf(tables: Tables, rows: readonly LedgerRow[]): Promise<Record<string, Survivor>> {
  const ids = [...new Set(rows.flatMap(row => row.duplicate_of ?? []))]
  if (ids.length === 0) return {}
  const found = await tables.rows<Survivor & { duplicate: boolean }>(
    `select pair_id, source, source_id, file, row, outcome, duplicate_of is not null as duplicate from ledger where pair_id in (${ids.map(quoted).join(', ')})`,
  )
  // An exact duplicate has its survivor's pair_id: the one that duplicates nothing stands for all.
  return Object.fromEntries(
    ids.flatMap(id =>
      [found.find(s => s.pair_id === id && !s.duplicate) ?? found.find(s => s.pair_id === id)].flatMap(s => (s ? [[id, s]] : [])),
    ),
  )
}

async function textsOf(finished: Finished, tables: Tables, rows: readonly LedgerRow[]): Promise<Record<string, PairTexts>> {
  const texts: Record<string, PairTexts> = {}
  for (const id of new Set(rows.slice(0, TEXTS_AT_MOST).map(row => row.pair_id))) {
    for (const table of tablesHolding(rows.filter(row => row.pair_id === id))) {
      if (filesOf(finished, table).some(path => path.endsWith('.arrow'))) continue
      const prompt = finished.output.layout === 'conversations' && table !== 'review' ? '' : 'prompt, '
      const [found] = await tables.rows<Omit<PairTexts, 'table'>>(
        `select ${prompt}chosen, rejected from ${table} where pair_id = $id limit 1`,
        { id },
      )
      if (!found) continue
      texts[id] = { table, ...found, chosen: [found.chosen].flat(), rejected: [found.rejected].flat() }
      break
    }
  }
  return texts
}

/** Where the texts of these rows should be. An exact duplicate's are where its survivor's are. */
function tablesHolding(rows: readonly LedgerRow[]): TableName[] {
  const tables = rows.flatMap(({ outcome, split, draw, flag_probability }): TableName[] => {
    if (split) return [split]
    if (outcome === 'quarantine' || outcome === 'review') return [outcome]
    return draw || (flag_probability ?? null) !== null ? ['review'] : []
  })
  const copies = rows.some(row => row.relation === 'exact')
  return [...new Set<TableName>([...tables, ...(copies ? (['train', 'validation', 'quarantine', 'review'] as const) : [])])]
}
