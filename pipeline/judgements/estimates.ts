/** What the judged sample says of the whole build: how often labels and decisions are right, and what targeting finds. */
import type { Judged } from '../judgement.ts'
import { type Audited, type Share, shareOf } from '../kernels/audit-estimate.ts'
import { bootstrap, type Interval, wilson } from '../kernels/intervals.ts'
import type { Outcome } from '../pair.ts'

/** A pair of `review/` with what the estimates need. `models_outcome`: what was decided before people were heard. */
export interface DrawnPair {
  readonly pair_id: string
  readonly prompt_id: string
  readonly draw: 'audit' | 'targeted' | null
  readonly inclusion_probability: number | null
  readonly stratum: string | null
  readonly models_outcome: Outcome | null
  /** Where the pair ended. */
  readonly outcome?: Outcome | null
}

const decided = ['keep', 'flip', 'drop', 'quarantine', 'review'] as const
export type Decisions = Readonly<Partial<Record<(typeof decided)[number], Share>>>

export interface Estimates {
  /** Audited pairs that people gave a verdict on, of those drawn. */
  readonly audited: number
  readonly audit: number
  /** Audited pairs whose answers differ, or of which nobody can tell: in no share here, and hardly a sample of the others. */
  readonly undecided: number
  /** The share of right labels if all of these were wrong, and if all were right. */
  readonly labels_if_undecided?: { readonly wrong: number; readonly right: number }
  /** Labels as they came in that people support, over all pairs that the sample was drawn from, and by stratum. */
  readonly labels?: Share
  readonly labels_by_stratum: Readonly<Record<string, Share>>
  /** Decisions that people support, by decision: keep a right label; turn, drop, set aside or ask about one that is not. */
  readonly decisions: Decisions
  readonly decisions_by_stratum: Readonly<Record<string, Decisions>>
  readonly found?: Found
  /** Whether the interval of `labels` is as narrow as wanted, and about how many audited pairs it takes. */
  readonly stop: { readonly width: number | null; readonly wanted: number; readonly enough: boolean; readonly pairs_needed: number | null }
}

/** Wrong labels found per 100 verdicts; `lift`: by how much targeted ones find more than audited ones. */
export interface Found {
  readonly targeted: Interval & { readonly n: number; readonly per_100: number }
  readonly audit: Interval & { readonly n: number; readonly per_100: number }
  readonly lift: (Interval & { readonly value: number }) | null
}

type Said = DrawnPair & { readonly verdict: NonNullable<Judged['verdict']> }

export function estimatesOf(
  drawn: readonly DrawnPair[],
  judged: ReadonlyMap<string, Judged>,
  { wanted_width, seed }: { wanted_width: number; seed: number },
): Estimates {
  const said = drawn.flatMap((pair): Said[] => {
    const verdict = judged.get(pair.pair_id)?.verdict
    return verdict && verdict !== 'cannot_tell' ? [{ ...pair, verdict }] : []
  })
  const audit = drawn.filter(({ draw }) => draw === 'audit')
  const { strata, share } = auditOf(audit, said)
  const undecided = audit.filter(({ pair_id }) => isUndecided(judged.get(pair_id)))
  const labels = share(() => true, isLabelRight)
  const decisions = (stratum?: string): Decisions =>
    named(decided, outcome =>
      share(
        pair => decisionOf(pair) === outcome,
        pair => isLabelRight(pair) === (outcome === 'keep'),
        stratum,
      ),
    )
  return {
    audited: said.filter(({ draw }) => draw === 'audit').length,
    audit: audit.length,
    undecided: undecided.length,
    ...(undecided.length > 0 ? { labels_if_undecided: bounds(audit, said, undecided) } : {}),
    ...(labels ? { labels } : {}),
    labels_by_stratum: named(strata, name => share(() => true, isLabelRight, name)),
    decisions: decisions(),
    decisions_by_stratum: named(strata, name => {
      const of = decisions(name)
      return Object.keys(of).length > 0 ? of : undefined
    }),
    ...foundBy(said, labels, seed),
    stop: stopRule(labels, wanted_width),
  }
}

const isUndecided = (of: Judged | undefined): boolean => of !== undefined && (of.verdict === null || of.verdict === 'cannot_tell')

function bounds(audit: readonly DrawnPair[], said: readonly Said[], undecided: readonly DrawnPair[]): { wrong: number; right: number } {
  const shareIf = (verdict: Said['verdict']): number =>
    auditOf(audit, [...said, ...undecided.map(pair => ({ ...pair, verdict }))]).share(() => true, isLabelRight)!.share
  return { wrong: shareIf('rejected'), right: shareIf('chosen') }
}

/** What models decided; of a pair that no model saw, what another step did, but for drops, which say nothing of its label. */
const decisionOf = ({ models_outcome, outcome }: DrawnPair): Outcome | null =>
  models_outcome ?? (outcome === 'keep' || outcome === 'quarantine' ? outcome : null)

type Is = (pair: Said) => boolean

/** The strata of the audit, and the share of right pairs in any part of the corpus, or of one stratum, as it tells it. */
function auditOf(
  audit: readonly DrawnPair[],
  said: readonly Said[],
): { strata: string[]; share: (member: Is, right: Is, stratum?: string) => Share | undefined } {
  const strata = [...new Set(audit.map(stratumOf))].sort()
  const place = new Map(strata.map((name, i) => [name, i]))
  const counts = strata.map(() => 0)
  for (const pair of audit) counts[place.get(stratumOf(pair))!]++
  const audited = said.filter(({ draw }) => draw === 'audit')
  const byStratum = new Map(strata.map((name): [string, Said[]] => [name, []]))
  for (const pair of audited) byStratum.get(stratumOf(pair))!.push(pair)
  const seen = (pair: Said, member: Is, right: Is): Audited => ({
    stratum: place.get(stratumOf(pair))!,
    inclusion_probability: pair.inclusion_probability ?? 1,
    member: member(pair),
    right: right(pair),
  })
  const share = (member: Is, right: Is, stratum?: string): Share | undefined =>
    shareOf(
      (stratum === undefined ? audited : byStratum.get(stratum)!).map(pair => seen(pair, member, right)),
      counts,
    )
  return { strata, share }
}

const stratumOf = ({ stratum }: DrawnPair): string => stratum ?? ''

/** What is known of each name; names of which nothing is known are left out. */
function named<K extends string, V>(names: readonly K[], of: (name: K) => V | undefined): Record<K, V> {
  const entries = names.map(name => [name, of(name)] as const)
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Record<K, V>
}

const isLabelRight = ({ verdict }: Said): boolean => verdict === 'chosen'
const isLabelWrong = ({ verdict }: Said): boolean => verdict === 'rejected'

function foundBy(said: readonly Said[], labels: Share | undefined, seed: number): { found?: Found } {
  const [targeted, audit] = (['targeted', 'audit'] as const).map(draw => said.filter(pair => pair.draw === draw))
  if (targeted.length === 0 || audit.length === 0 || !labels) return {}
  const weighted = (pairs: readonly Said[]): number => {
    const weight = ({ inclusion_probability }: Said): number => 1 / (inclusion_probability ?? 1)
    return (
      pairs.reduce((sum, pair) => sum + (isLabelWrong(pair) ? weight(pair) : 0), 0) / pairs.reduce((sum, pair) => sum + weight(pair), 0)
    )
  }
  const figure = (pairs: readonly Said[]) => {
    const share = weighted(pairs)
    const { low, high } = wilson(share, pairs.length)
    return { n: pairs.length, per_100: 100 * share, low: 100 * low, high: 100 * high }
  }
  const all = [...targeted, ...audit]
  const prompts = [...new Set(all.map(({ prompt_id }) => prompt_id))]
  const of = prompts.map(prompt => all.filter(({ prompt_id }) => prompt_id === prompt))
  const ratio = (pairs: readonly Said[]): number => {
    const base = weighted(pairs.filter(({ draw }) => draw === 'audit'))
    return base > 0 ? weighted(pairs.filter(({ draw }) => draw === 'targeted')) / base : Number.NaN
  }
  const value = ratio(all)
  const lift = Number.isNaN(value) ? null : { value, ...bootstrap(of.length, drawn => ratio([...drawn].flatMap(g => of[g])), seed, 400) }
  return { found: { targeted: figure(targeted), audit: figure(audit), lift } }
}

/** An interval shrinks with the root of the sample. */
function stopRule(labels: Share | undefined, wanted: number): Estimates['stop'] {
  if (!labels) return { width: null, wanted, enough: false, pairs_needed: null }
  const width = labels.high - labels.low
  return { width, wanted, enough: width <= wanted, pairs_needed: Math.ceil(labels.n * (width / wanted) ** 2) }
}
