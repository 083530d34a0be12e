/** Two builds pair by pair: which pairs ended otherwise, and what of config, inputs and versions did it. */
import { type Cause, causesOf, madeOfManifest, matchedInputs } from './causes.ts'
import { UserError } from './errors.ts'
import { type Finished, filesOf } from './finished.ts'
import type { Manifest, ManifestTotals } from './manifest.ts'
import { openLocked, type Tables } from './sql.ts'
import { quoted } from './table-views.ts'

/** Where a pair ended in one build; `label` is whether it was turned. */
export interface End {
  readonly outcome: 'keep' | 'flip' | 'quarantine' | 'review' | 'drop'
  readonly split: 'train' | 'validation' | null
  readonly step: string | null
  readonly reason: string | null
}

export interface SamplePair {
  readonly pair_id: string
  readonly source: string
  readonly source_id: string | null
  readonly file: string
  readonly row: number
}

/** Pairs that went the same other way. A side is null where only the other build has the pair. */
export interface Movement {
  readonly pairs: number
  readonly a: End | null
  readonly b: End | null
  /** The first step whose verdict on them differs; null where that is the split, or the input. */
  readonly step: string | null
  /** What of `causes` can have done it, by `what`: the step's own changes, else those of what comes before it. */
  readonly because: readonly string[]
  readonly indirectly: boolean
  readonly sample: readonly SamplePair[]
}

export interface Diff {
  readonly a: { readonly dir: string; readonly name: string; readonly totals: ManifestTotals }
  readonly b: { readonly dir: string; readonly name: string; readonly totals: ManifestTotals }
  readonly causes: readonly Cause[]
  readonly pairs: {
    readonly in_both: number
    readonly alike: number
    readonly changed: number
    readonly only_a: number
    readonly only_b: number
    /** Of those that ended alike. */
    readonly other_weight: number
  }
  /** The largest first. */
  readonly movements: readonly Movement[]
}

export interface DiffOptions {
  /** Pairs named of each movement. */
  readonly sample: number
  readonly seed: number
}

export async function diffOf(a: Finished, b: Finished, options: DiffOptions): Promise<Diff> {
  const tables = await openLedgers(a, b)
  try {
    for (const [side, { dir, manifest }] of [['a', a] as const, ['b', b] as const]) {
      const [{ n }] = await tables.rows<{ n: number }>(`select count(*) as n from placed_${side}`)
      if (n !== manifest.totals.pairs_in)
        throw new UserError(`${dir}: the ledger does not hold the rows of the inputs in the manifest; \`goldpan verify\` tells more`)
    }
    await matchPairs(tables)
    const causes = causesOf(madeOfManifest(a.manifest), madeOfManifest(b.manifest))
    const { manifest: ma } = a
    const { manifest: mb } = b
    return {
      a: { dir: a.dir, name: ma.name, totals: ma.totals },
      b: { dir: b.dir, name: mb.name, totals: mb.totals },
      causes,
      pairs: await counts(tables, ma.totals.pairs_in, mb.totals.pairs_in),
      movements: await movementsOf(tables, [ma, mb], causes, options),
    }
  } finally {
    tables.close()
  }
}

/** placed_a, placed_b: every row of a ledger with `f`, its input (matched inputs have one number in both), and `k`, its place in it. */
async function openLedgers(a: Finished, b: Finished): Promise<Tables> {
  const matched = matchedInputs(a.manifest.inputs, b.manifest.inputs)
  const numbers = matched.map((i, j) => i ?? a.manifest.inputs.length + j)
  const files = [a, b].flatMap(finished => filesOf(finished, 'ledger'))
  return openLocked(`${a.dir}, ${b.dir}`, files, async connection => {
    await connection.run(
      `create view placed_a as ${placed(
        a,
        a.manifest.inputs.map((_, i) => i),
      )}`,
    )
    await connection.run(`create view placed_b as ${placed(b, numbers)}`)
  })
}

/** The ledger is in the order of the inputs, so a row's place in it tells its input and its place there, however files are called. */
function placed(finished: Finished, numbers: readonly number[]): string {
  const none = `select null::bigint as place, null::int as f, null::bigint as k, ${[...FACTS, ...END].map(c => `null::varchar as ${c}`).join(', ')}, null::bigint as row, null::float as weight where false`
  const files = finished.manifest.outputs.filter(({ path }) => path.startsWith('ledger/'))
  if (files.length === 0) return none
  const paths = filesOf(finished, 'ledger')
  let from = 0
  const starts = files.map(({ rows }, i) => `(${quoted(paths[i])}, ${(from += rows) - rows})`)
  from = 0
  const inputs = finished.manifest.inputs.map(({ path, pairs }, i) => `(${quoted(path)}, ${from}, ${(from += pairs)}, ${numbers[i]})`)
  return `select l.place, i.f::int as f, l.place - i.first as k, ${[...FACTS, ...END].map(c => `l.${c}`).join(', ')}, l.row, l.weight
    from (select p.first + file_row_number as place, l.* from read_parquet([${paths.map(quoted).join(', ')}], file_row_number = true, filename = true, hive_partitioning = false) l
          join (values ${starts.join(', ')}) p(filename, first) on l.filename = p.filename) l
    join (values ${inputs.join(', ')}) i(file, first, past, f) on l.file = i.file and l.place >= i.first and l.place < i.past`
}

const FACTS = ['pair_id', 'source', 'source_id', 'file'] as const
const END = ['outcome', 'split', 'step', 'reason'] as const
const DIFFERS = END.map(c => `a.${c} is distinct from b.${c}`).join(' or ')
/** Scaling to a mean of 1 makes last digits differ. */
const OTHER_WEIGHT = '(a.weight is distinct from b.weight and abs(coalesce(a.weight, -1) - coalesce(b.weight, -1)) > 1e-5)'
const both = (side: string): string => ['place', ...END, 'weight'].map(c => `${side}.${c} as ${side}_${c}`).join(', ')

/**
 * `moved`: pairs that ended otherwise or with another weight, and those of one build alone. A pair is itself by its input and place there if its
 * texts are the same; else it is the next one of the same texts in the same input, else in any: the n-th copy is the n-th copy.
 */
async function matchPairs(tables: Tables): Promise<void> {
  await tables.run(`create temp table moved as select coalesce(a.pair_id, b.pair_id) as pair_id, a.f as a_f, b.f as b_f, ${both('a')}, ${both('b')}
    from placed_a a full outer join placed_b b on a.f = b.f and a.k = b.k and a.pair_id = b.pair_id
    where a.place is null or b.place is null or ${DIFFERS} or ${OTHER_WEIGHT}`)
  await rematch(tables, 'f, pair_id')
  await rematch(tables, 'pair_id')
}

async function rematch(tables: Tables, by: string): Promise<void> {
  const [{ lonely_a, lonely_b }] = await tables.rows<{ lonely_a: number; lonely_b: number }>(
    'select count(*) filter (b_place is null) as lonely_a, count(*) filter (a_place is null) as lonely_b from moved',
  )
  if (lonely_a === 0 || lonely_b === 0) return
  for (const [side, other] of ['ab', 'ba'])
    await tables.run(`create or replace temp table lonely_${side} as select *, row_number() over (partition by ${by} order by place) as n
      from (select pair_id, ${side}_f as f, ${side}_place as place, ${END.map(c => `${side}_${c} as ${c}`).join(', ')}, ${side}_weight as weight from moved where ${other}_place is null)`)
  await tables.run('delete from moved where a_place is null or b_place is null')
  const on = `${by}, n`
    .split(', ')
    .map(c => `a.${c} = b.${c}`)
    .join(' and ')
  await tables.run(`insert into moved select coalesce(a.pair_id, b.pair_id), a.f, b.f, ${both('a')}, ${both('b')} from lonely_a a full outer join lonely_b b on ${on}
    where a.place is null or b.place is null or ${DIFFERS} or ${OTHER_WEIGHT}`)
}

const IS_CHANGED = `(a_place is not null and b_place is not null and (${END.map(c => `a_${c} is distinct from b_${c}`).join(' or ')}))`

async function counts(tables: Tables, in_a: number, in_b: number): Promise<Diff['pairs']> {
  const [{ changed, only_a, only_b, moved }] = await tables.rows<Record<'changed' | 'only_a' | 'only_b' | 'moved', number>>(
    `select count(*) as moved, count(*) filter ${IS_CHANGED} as changed, count(*) filter (b_place is null) as only_a, count(*) filter (a_place is null) as only_b from moved`,
  )
  const in_both = in_a - only_a
  if (in_both !== in_b - only_b) throw new Error(`diff: ${in_both} pairs of A are matched with ${in_b - only_b} of B`)
  return { in_both, alike: in_both - changed, changed, only_a, only_b, other_weight: moved - changed - only_a - only_b }
}

type Ends = Record<`${'a' | 'b'}_${(typeof END)[number]}`, string | null>
type Found = Ends & { movement: number; pairs: number; in_a: boolean; in_b: boolean }

async function movementsOf(
  tables: Tables,
  manifests: readonly [Manifest, Manifest],
  causes: readonly Cause[],
  { sample, seed }: DiffOptions,
): Promise<Movement[]> {
  const names = ['a', 'b'].flatMap(side => END.map(c => `${side}_${c}`)).join(', ')
  const found = await tables.rows<Found>(
    `select ${names}, a_place is not null as in_a, b_place is not null as in_b, count(*) as pairs from moved
     where a_place is null or b_place is null or ${IS_CHANGED} group by all order by pairs desc, in_a, in_b, ${names}`,
  )
  // Hashes of DuckDB may differ between its versions; MD5 draws the same pairs for ever.
  const drawn = await tables.rows<Ends & { in_a: boolean; in_b: boolean; pair_id: string; place: number }>(
    `select ${names}, a_place is not null as in_a, b_place is not null as in_b, pair_id, coalesce(b_place, a_place) as place from moved
     where a_place is null or b_place is null or ${IS_CHANGED}
     qualify row_number() over (partition by ${names}, a_place is null, b_place is null order by md5('${seed}' || pair_id), place) <= ${sample} order by md5('${seed}' || pair_id), place`,
  )
  const facts = await factsOf(tables, drawn)
  const idOf = (m: Ends & { in_a: boolean; in_b: boolean }): string =>
    JSON.stringify([m.in_a, m.in_b, ...['a', 'b'].flatMap(side => END.map(c => m[`${side}_${c}` as keyof Ends]))])
  const samples = new Map<string, typeof drawn>()
  for (const pair of drawn) samples.set(idOf(pair), [...(samples.get(idOf(pair)) ?? []), pair])
  return found.map(movement => {
    const [a, b] = (['a', 'b'] as const).map(side => endOf(movement, side))
    const pairs = (samples.get(idOf(movement)) ?? []).map(({ in_b, place }) => facts.get(`${in_b ? 'b' : 'a'} ${place}`)!)
    return { pairs: movement.pairs, a, b, ...blame(a, b, manifests, causes), sample: pairs }
  })
}

function endOf(found: Found, side: 'a' | 'b'): End | null {
  if (!found[`in_${side}`]) return null
  return Object.fromEntries(END.map(c => [c, found[`${side}_${c}`]])) as unknown as End
}

async function factsOf(
  tables: Tables,
  drawn: readonly { in_b: boolean; pair_id: string; place: number }[],
): Promise<Map<string, SamplePair>> {
  const facts = new Map<string, SamplePair>()
  for (const side of ['a', 'b']) {
    const of = drawn.filter(({ in_b }) => in_b === (side === 'b'))
    if (of.length === 0) continue
    const rows = await tables.rows<SamplePair & { place: number }>(
      `select place, pair_id, source, source_id, file, row from placed_${side} where pair_id in (${of.map(({ pair_id }) => quoted(pair_id)).join(', ')})`,
    )
    for (const { place, ...fact } of rows) facts.set(`${side} ${place}`, fact)
  }
  return facts
}

/** The first step at which two ends part, and the causes that can have made it judge otherwise. */
function blame(
  a: End | null,
  b: End | null,
  [ma, mb]: readonly [Manifest, Manifest],
  causes: readonly Cause[],
): Pick<Movement, 'step' | 'because' | 'indirectly'> {
  const named = (found: readonly Cause[]): string[] => found.map(({ what }) => what)
  if (a === null || b === null)
    return { step: null, because: named(causes.filter(c => c.kind === 'input' || c.what.startsWith('sources '))), indirectly: false }
  const order = [...ma.steps.map(({ id }) => id)]
  for (const [i, { id }] of mb.steps.entries())
    if (!order.includes(id)) order.splice(i === 0 ? 0 : order.indexOf(mb.steps[i - 1].id) + 1, 0, id)
  const places = [a, b].flatMap(({ step }) => (step === null ? [] : [order.indexOf(step)]))
  const step = places.length === 0 ? null : order[Math.min(...places)]
  if (step === null) {
    const splits = named(causes.filter(({ what }) => what.startsWith('output.splits') || what === 'seed'))
    return splits.length > 0
      ? { step, because: splits, indirectly: false }
      : { step, because: named(causes.filter(c => c.steps.length > 0)), indirectly: true }
  }
  const own = causes.filter(({ steps }) => steps.length === 1 && steps[0] === step)
  if (own.length > 0) return { step, because: named(own), indirectly: false }
  const before = new Set(order.slice(0, order.indexOf(step) + 1))
  const because = causes.filter(({ steps }) => steps.some(id => before.has(id)))
  if (because.length > 0 || ![a, b].some(({ outcome }) => outcome === 'review')) return { step, because: named(because), indirectly: true }
  // people take a pair back at a later step than the one that sent it to them
  return { step, because: named(causes.filter(({ kind }) => kind === 'judgements')), indirectly: false }
}
