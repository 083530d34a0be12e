/** Everything that is known of people's part in a finished build, from its tables and the log as it stands now. */
import { drewFlags, type Finished } from '../finished.ts'
import type { Judged } from '../judgement.ts'
import type { Outcome } from '../pair.ts'
import { openTables } from '../sql.ts'
import { quoted } from '../table-views.ts'
import { type Agreement, type AnnotatorFigures, agreementOf, annotatorFigures } from './agreement.ts'
import { effectiveAnswers, effectiveChecks } from './effective.ts'
import { type DrawnPair, type Estimates, estimatesOf } from './estimates.ts'
import { type DrawnFlag, type FlagFigures, flagFiguresOf } from './flags.ts'
import { byPair, judgedOf } from './judged.ts'
import { readLogs } from './log.ts'
import type { LogPlaces } from './places.ts'

export interface People {
  readonly log: string
  readonly answers: number
  /** Pairs of `review/`: all, those with a verdict, and those that await an adjudicator. */
  readonly pairs: { readonly asked: number; readonly settled: number; readonly differing: number; readonly unknown: number }
  /** Pairs that the build sent to people: how many, and how many of them have a verdict by now. */
  readonly escalated: { readonly pairs: number; readonly settled: number }
  readonly annotators: readonly AnnotatorFigures[]
  readonly agreement?: Agreement
  readonly estimates: Estimates
  /** Where flags of contamination were drawn. */
  readonly flags?: FlagFigures
  readonly notes: readonly string[]
}

type Row = DrawnPair & { readonly outcome: Outcome }

/** `wanted_width`: how narrow the interval of label accuracy shall be before one may stop. */
export async function peopleOf(finished: Finished, { log, others }: LogPlaces, wanted_width: number): Promise<People> {
  const read = readLogs([log, ...others])
  const answers = effectiveAnswers(read)
  const judged = judgedOf(answers)
  const { rows, prompts, flagged } = await fromTables(finished, [...judged.keys()])
  const flags = flagFiguresOf(flagged, effectiveChecks(read))
  const { seed = 42 } = finished.manifest.config as { seed?: number }
  const escalated = rows.filter(({ outcome }) => outcome === 'review')
  const agreement = agreementOf(answers, pair_id => prompts.get(pair_id) ?? pair_id, seed)
  return {
    log: [log, ...others].join(', '),
    answers: answers.length,
    pairs: {
      asked: rows.length,
      settled: rows.filter(({ pair_id }) => isSettled(judged.get(pair_id))).length,
      differing: [...byPair(answers).keys()].filter(pair_id => judged.get(pair_id) && !isSettled(judged.get(pair_id))).length,
      unknown: [...judged.keys()].filter(pair_id => !prompts.has(pair_id)).length,
    },
    escalated: { pairs: escalated.length, settled: escalated.filter(({ pair_id }) => isSettled(judged.get(pair_id))).length },
    annotators: annotatorFigures(answers),
    ...(agreement ? { agreement } : {}),
    estimates: estimatesOf(rows, judged, { wanted_width, seed }),
    ...(flags ? { flags } : {}),
    notes: read.notes,
  }
}

const IDS_AT_ONCE = 10_000
const isSettled = (judged: Judged | undefined): boolean => judged !== undefined && judged.verdict !== null

/** Flags that were drawn, once a pair, with their strongest evidence. */
const FLAGGED = `select distinct on (pair_id) pair_id, contamination[1].benchmark as benchmark, contamination[1].item as item
  from review where flag_probability is not null order by pair_id`

/** The pairs of `review/`, the prompt of every judged pair that the build knows, and the flags that were drawn. */
async function fromTables(
  finished: Finished,
  judged: readonly string[],
): Promise<{ rows: Row[]; prompts: Map<string, string>; flagged: DrawnFlag[] }> {
  const tables = await openTables(finished)
  try {
    const rows = await tables.rows<Row>(
      `select distinct on (r.pair_id) r.pair_id, l.prompt_id, r.draw, r.inclusion_probability, r.stratum, r.models_outcome, l.outcome
       from review r join (select pair_id, prompt_id, outcome from ledger where outcome = 'review' or draw is not null) l using (pair_id)
       order by r.pair_id, r.draw nulls last, l.outcome`,
    )
    const prompts = new Map(rows.map(({ pair_id, prompt_id }) => [pair_id, prompt_id]))
    // An escalated pair that was answered since is no more in review/.
    const elsewhere = judged.filter(pair_id => !prompts.has(pair_id))
    for (let from = 0; from < elsewhere.length; from += IDS_AT_ONCE) {
      const ids = elsewhere
        .slice(from, from + IDS_AT_ONCE)
        .map(quoted)
        .join(', ')
      const found = await tables.rows<Row>(`select distinct pair_id, prompt_id from ledger where pair_id in (${ids})`)
      for (const { pair_id, prompt_id } of found) prompts.set(pair_id, prompt_id)
    }
    return { rows, prompts, flagged: drewFlags(finished) ? await tables.rows<DrawnFlag>(FLAGGED) : [] }
  } finally {
    tables.close()
  }
}
