/** People's part in a build in words and numbers. */
import type { Agreement, AnnotatorFigures, Figure } from '../judgements/agreement.ts'
import type { Estimates } from '../judgements/estimates.ts'
import type { FalseFlags, FlagFigures } from '../judgements/flags.ts'
import type { People } from '../judgements/people.ts'
import type { Share } from '../kernels/audit-estimate.ts'
import { grouped, tableOf } from './table.ts'

/** Lines without a last newline. */
export function peopleText(people: People): string {
  const { pairs, escalated, answers, log } = people
  const head = [
    `people: ${grouped(answers)} answers in ${log}; ${grouped(pairs.settled)} of ${grouped(pairs.asked)} pairs asked about have a verdict`,
    ...(escalated.pairs > 0
      ? [`waiting for people: ${grouped(escalated.pairs)} pairs, ${grouped(escalated.settled)} of them answered since`]
      : []),
    ...(pairs.differing > 0 ? [`answers differ on ${grouped(pairs.differing)} pairs: --adjudicator NAME settles them`] : []),
    ...(pairs.unknown > 0
      ? [`${pairs.unknown === 1 ? '1 judged pair is' : `${grouped(pairs.unknown)} judged pairs are`} not in this build`]
      : []),
    ...people.notes,
  ].join('\n')
  const parts = [head]
  if (people.annotators.length > 0) parts.push(annotatorTable(people.annotators))
  if (people.agreement) parts.push(agreementText(people.agreement))
  if (people.estimates.audited > 0) parts.push(estimatesText(people.estimates))
  if (people.flags) parts.push(flagsText(people.flags))
  return parts.join('\n\n')
}

const number = (value: number | null, digits = 2): string => (value === null || Number.isNaN(value) ? '-' : value.toFixed(digits))
const percent = (share: number | null): string => (share === null ? '-' : `${(100 * share).toFixed(1)} %`)
const MUCH = 20
const MOST_ANNOTATORS = 20

function annotatorTable(annotators: readonly AnnotatorFigures[]): string {
  // Those to look at first, then those with most answers.
  const first = [...annotators].sort((a, b) => Number(b.e_value >= MUCH) - Number(a.e_value >= MUCH) || b.answers - a.answers)
  const rows = first
    .slice(0, MOST_ANNOTATORS)
    .map(a => [
      a.annotator,
      grouped(a.answers),
      percent(a.accuracy),
      a.compared > 0 ? `${percent(a.with_others)} of ${a.compared}` : '-',
      a.e_value >= MUCH ? `${number(a.e_value, 0)} look at this one` : number(a.e_value, 1),
      percent(a.left_share),
      a.gold > 0 ? `${percent(a.gold_right)} of ${a.gold}` : '-',
      a.repeats > 0 ? `${percent(a.consistent)} of ${a.repeats}` : '-',
      number(a.median_seconds, 1),
      grouped(a.hasty),
    ])
  const header = [
    'annotator',
    'answers',
    'accuracy',
    'as the others',
    'e-value',
    'left',
    'gold right',
    'repeats alike',
    'median s',
    'hasty',
  ]
  const more = annotators.length > MOST_ANNOTATORS ? `\n... and ${grouped(annotators.length - MOST_ANNOTATORS)} more; --json lists all` : ''
  return tableOf(header, rows, { right: header.map((_, i) => i > 0) }) + more
}

function agreementText({ pairs, prompts, percent: same, alpha_nominal, alpha_ordinal, cohen, fleiss }: Agreement): string {
  const rows: [string, Figure | undefined][] = [
    ['same answer', same],
    ['Krippendorff alpha, nominal', alpha_nominal],
    ['Krippendorff alpha, ordinal (strength)', alpha_ordinal],
    ['Cohen kappa', cohen],
    ['Fleiss kappa', fleiss],
  ]
  const cells = rows.flatMap(([name, f]) => (f ? [[name, number(f.value, 3), `${number(f.low, 3)} to ${number(f.high, 3)}`]] : []))
  return tableOf([`agreement on ${grouped(pairs)} pairs of ${grouped(prompts)} prompts`, 'value', '95 % interval'], cells, {
    right: [false, true, true],
  })
}

const DECISIONS: Readonly<Record<string, string>> = {
  keep: 'kept, and people say so too',
  flip: 'turned, and people say so too',
  drop: 'dropped, and people do not support the label',
  quarantine: 'set aside, and people do not support the label',
  review: 'sent to people, and people do not support the label',
}

/** What the pairs without a verdict may hide; '' where there are none. */
export function undecidedText({ undecided, labels_if_undecided: of }: Pick<Estimates, 'undecided' | 'labels_if_undecided'>): string {
  if (!of) return ''
  const pairs = undecided === 1 ? '1 audited pair' : `${grouped(undecided)} audited pairs`
  return `not counted: ${pairs} whose answers differ or tell nothing; labels that are right would be ${percent(of.wrong)} with all of these wrong, ${percent(of.right)} with all right`
}

function estimatesText(estimates: Estimates): string {
  const { audited, audit, labels, labels_by_stratum, decisions, decisions_by_stratum, found, stop } = estimates
  const row = (name: string, share: Share): string[] => [
    name,
    grouped(share.n),
    grouped(Math.round(share.pairs)),
    percent(share.share),
    `${percent(share.low)} to ${percent(share.high)}`,
  ]
  const strata = Object.entries(labels_by_stratum)
  const several = strata.length > 1 && strata.length <= MOST_STRATA
  const within = (decision: string): string[][] =>
    Object.entries(decisions_by_stratum).flatMap(([name, of]) => {
      const share = of[decision as keyof typeof of]
      return several && Object.keys(decisions).length > 1 && share ? [row(`  ${name}`, share)] : []
    })
  const rows = [
    ...(labels ? [row('labels that are right', labels)] : []),
    ...(several ? strata.map(([name, share]) => row(`  ${name}`, share)) : []),
    ...Object.entries(decisions).flatMap(([name, share]) => [row(DECISIONS[name] ?? name, share), ...within(name)]),
  ]
  const lines = [
    `audit: ${grouped(audited)} of ${grouped(audit)} drawn pairs have a verdict`,
    tableOf(['of all pairs the sample was drawn from', 'audited', 'stand for', 'share', '95 % interval'], rows, {
      right: [false, true, true, true, true],
    }),
  ]
  if (estimates.undecided > 0) lines.push(undecidedText(estimates))
  if (found) {
    const { targeted, audit: base, lift } = found
    const more = lift ? `: ${number(lift.value, 1)} times as many (${number(lift.low, 1)} to ${number(lift.high, 1)})` : ''
    lines.push(`wrong labels per 100 verdicts: targeted ${number(targeted.per_100, 1)}, audit ${number(base.per_100, 1)}${more}`)
  }
  if (stop.width !== null)
    lines.push(
      stop.enough
        ? `the interval of the labels is ${percent(stop.width)} wide, ${percent(stop.wanted)} was wanted: enough`
        : `the interval of the labels is ${percent(stop.width)} wide, ${percent(stop.wanted)} is wanted: about ${grouped(stop.pairs_needed!)} audited pairs do it`,
    )
  return lines.join('\n')
}

function flagsText({ drawn, all, by_benchmark, undecided }: FlagFigures): string {
  const more = undecided > 0 ? `, ${grouped(undecided)} undecided` : ''
  const head = `flags of contamination: ${grouped(all.n)} of ${grouped(drawn)} drawn ones checked${more}`
  if (all.n === 0) return head
  const row = (name: string, { n, false: wrong, share, low, high }: FalseFlags): string[] => [
    name,
    grouped(n),
    grouped(wrong),
    percent(share),
    `${percent(low)} to ${percent(high)}`,
  ]
  const benchmarks = Object.entries(by_benchmark)
  const rows = [row('all flags', all), ...(benchmarks.length > 1 ? benchmarks.map(([name, of]) => row(`  ${name}`, of)) : [])]
  return `${head}\n${tableOf(['false flags', 'checked', 'false', 'share', '95 % interval'], rows, { right: [false, true, true, true, true] })}`
}

const MOST_STRATA = 20
