/** The audit of reward models as `goldpan audit-rm` prints it. */
import type { Interval } from '../kernels/intervals.ts'
import type { ModelAudit, RewardAudit } from '../reward-audit.ts'
import { grouped, tableOf } from './table.ts'

export function rewardAuditText(audit: RewardAudit, width: number): string {
  const { problems, ties_left_out, models, categories } = audit
  const ties = ties_left_out > 0 ? `; ${grouped(ties_left_out)} ties left out, which have no right side` : ''
  return [
    `${grouped(problems)} problems, ${grouped(models.length)} models${ties}`,
    rankTable(audit, width),
    ...gridTable(models, width),
    ...(categories.length > 1 ? [categoryTable(audit, width)] : []),
    notes(audit),
  ].join('\n\n')
}

const percent = (share: number): string => (100 * share).toFixed(2)
const range = ({ low, high }: Interval): string => `${(100 * low).toFixed(1)}-${(100 * high).toFixed(1)}`
const numbers = (count: number): boolean[] => Array.from({ length: count }, (_, i) => i > 0)

/** Models without a weight are no better than scores at random. */
function rankTable({ models }: RewardAudit, width: number): string {
  const header = ['model', 'acc %', '95 %', 'acc ties', 'rank', 'MRR %', '95 %', 'weight', 'T', 'ECE', 'after']
  const rows = models.map(one => [
    one.model,
    percent(one.accuracy),
    range(one.accuracy_interval),
    percent(one.accuracy_ties),
    one.mean_rank.toFixed(2),
    percent(one.mrr),
    range(one.mrr_interval),
    one.weight > 0 ? one.weight.toFixed(3) : '-',
    one.temperature === null ? '-' : String(Number(one.temperature.toPrecision(3))),
    one.before.ece.toFixed(3),
    one.after.ece.toFixed(3),
  ])
  const { random } = models[0]
  const chance = ['(at random)', percent(random.accuracy), '', percent(random.accuracy), '', percent(random.mrr), '', '', '', '', '']
  return tableOf(header, [...rows, chance], { right: numbers(header.length), width })
}

function gridTable(models: readonly ModelAudit[], width: number): string[] {
  const rows = models
    .flatMap(({ model, grid }) => (grid ? [{ model, ...grid }] : []))
    .sort((a, b) => b.average - a.average)
    .map(({ model, easy, normal, hard, average }) => [model, ...[easy, normal, hard, average].map(percent)])
  if (rows.length === 0) return []
  const header = ['by style', 'easy %', 'normal %', 'hard %', 'average %']
  return [tableOf(header, rows, { right: numbers(header.length), width })]
}

const MOST_CATEGORIES = 8

/** MRR by category; the largest ones where there are many. */
function categoryTable({ models, categories }: RewardAudit, width: number): string {
  const size = (name: string): number => Math.max(...models.map(one => one.categories[name]?.problems ?? 0))
  const shown = [...categories].sort((a, b) => size(b) - size(a) || (a < b ? -1 : 1)).slice(0, MOST_CATEGORIES)
  const header = ['MRR % by category', ...shown.map(name => name || '(none)')]
  const rows = models.map(({ model, categories: of }) => [model, ...shown.map(name => (of[name] ? percent(of[name].mrr) : '-'))])
  const counts = ['(problems)', ...shown.map(name => grouped(size(name)))]
  const more = categories.length > shown.length ? `\n${categories.length - shown.length} smaller categories are in --json` : ''
  return tableOf(header, [...rows, counts], { right: numbers(header.length), width }) + more
}

function notes({ models }: RewardAudit): string {
  const useless = models.filter(({ excess }) => excess === 0).length
  const unscored = models.filter(one => one.unscored > 0).map(({ model, unscored }) => `${model} ${grouped(unscored)}`)
  return [
    'acc: the right response is before all others, a tie is a loss (acc ties: a win); rank: its mean place, ties against it; MRR: mean of 1 / place.',
    'weight: max(0, MRR - at random), as a share; T: temperature of sigmoid(margin / T), with its calibration error before and after.',
    ...(useless > 0 ? [`${useless} of ${models.length} models are no better than scores at random and have no weight.`] : []),
    ...(unscored.length > 0 ? [`Problems without a score, left out: ${unscored.join(', ')}.`] : []),
  ].join('\n')
}
