/** What a reader of a build should look at first, and the command that shows it. */
import { failedExpectations } from '../expect.ts'
import type { Manifest } from '../manifest.ts'
import type { Report, Warning } from './report-schema.ts'
import { grouped } from './table.ts'

type Figures = Omit<Report, 'warnings'>
const problem = (about: string, text: string, next?: string): Warning => ({ level: 'problem', about, text, ...(next ? { next } : {}) })
const note = (about: string, text: string, next?: string): Warning => ({ ...problem(about, text, next), level: 'note' })
const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`
const sql = (query: string): string => `query DIR "${query}"`

/** Problems first; in the order in which a reader would mend them. `dir`: the folder of the build. */
export function warningsOf(figures: Figures, manifest: Manifest, dir: string): Warning[] {
  const all = [
    ...failedExpectations(manifest, dir, () => figures).map(text => problem('expect', `the config expects more: ${text}`)),
    ...inputs(figures),
    ...waiting(figures, manifest),
    ...sources(figures),
    ...licences(figures),
    ...duplicates(figures),
    ...contamination(figures, manifest),
    ...unused(manifest),
    ...structure(manifest),
    ...flags(figures),
    ...style(figures),
    ...models(figures),
    ...notRead(figures),
    ...people(figures, manifest),
  ]
  return [...all.filter(w => w.level === 'problem'), ...all.filter(w => w.level === 'note')]
}

function inputs({ totals, inputs: files }: Figures): Warning[] {
  const rows = files.reduce((n, { rows: r }) => n + r, 0)
  const share = totals.rejected / Math.max(1, rows)
  const rejected = `${grouped(totals.rejected)} of ${grouped(rows)} input rows could not be read`
  const show = sql('SELECT file, error, count(*) FROM rejects GROUP BY ALL ORDER BY 3 DESC')
  return [
    ...(totals.pairs_in === 0
      ? [problem('inputs', `no pair came in: the files hold ${grouped(rows)} rows`, rows > 0 ? show : undefined)]
      : []),
    ...(totals.rejected === 0 ? [] : share > 0.01 ? [problem('inputs', rejected, show)] : [note('inputs', rejected, show)]),
    ...files.flatMap(file => ((file.notes as string[] | undefined) ?? []).map(text => note(file.path, text))),
  ]
}

function waiting({ totals, steps, people: said }: Figures, { config }: Manifest): Warning[] {
  const answered = said ? said.escalated.settled : 0
  if (totals.review <= answered) return []
  const { publish_without_review = false } = (config as { output?: { publish_without_review?: boolean } }).output ?? {}
  const turns = steps.reduce((sum, { dropped }) => sum + (dropped.models_against ?? 0), 0)
  const text =
    turns > 0
      ? `${grouped(totals.review - answered)} pairs wait for people; of ${grouped(turns)} models would turn the label, and do once people agree with most of ten such turns`
      : `${grouped(totals.review - answered)} pairs wait for people; they are in no training shard`
  return [publish_without_review ? note('review', text, 'review DIR') : problem('review', text, 'review DIR')]
}

const MOST_LOST = 0.5
const FEW = 20

function sources({ sources: all, steps }: Figures): Warning[] {
  const lost = all.filter(s => s.pairs_in >= FEW && s.train + s.validation < MOST_LOST * s.pairs_in)
  const empty = steps.find(step => step.rows_in > 0 && step.rows_out === 0)
  const show = (source: string): string =>
    sql(`SELECT step, reason, count(*) FROM ledger WHERE source = '${source.replaceAll("'", "''")}' GROUP BY ALL ORDER BY 3 DESC`)
  return [
    ...(empty ? [problem(empty.id, 'no pair is left after this step')] : []),
    ...lost.map(s =>
      problem(
        s.source,
        `only ${percent((s.train + s.validation) / s.pairs_in)} of its ${grouped(s.pairs_in)} pairs are kept`,
        /^[\w .:-]+$/.test(s.source) ? show(s.source) : undefined,
      ),
    ),
  ]
}

function duplicates({ duplicates: all }: Figures): Warning[] {
  return all.flatMap(({ step, cut = 0, compared = 0, relations }) => [
    ...(cut > 0 ? [problem(step, `${grouped(cut)} candidates were not compared, to bound the work (${grouped(compared)} were)`)] : []),
    ...conflicts(step, relations),
  ])
}

function conflicts(step: string, relations: Readonly<Record<string, number>>): Warning[] {
  const names = ['swapped', 'near-swapped'].filter(name => name in relations).map(name => `'${name}'`)
  const n = (relations.swapped ?? 0) + (relations['near-swapped'] ?? 0)
  const show = sql(`SELECT pair_id, duplicate_of, source, outcome FROM ledger WHERE relation IN (${names.join(', ')})`)
  const texts = relations.swapped ? 'the same texts' : 'nearly the same texts'
  return n > 0 ? [note(step, `${grouped(n)} times a pair contradicts another one: ${texts} with the sides exchanged`, show)] : []
}

/** What the config names for steps that it does not have. */
function unused({ steps, config }: Manifest): Warning[] {
  const { models = {}, benchmarks = [] } = config as { models?: object; benchmarks?: readonly string[] }
  const without = (stage: string): boolean => !steps.some(step => step.stage === stage)
  return [
    ...(benchmarks.length > 0 && without('decontaminate')
      ? [problem('benchmarks', 'the config names benchmarks, but no step decontaminate looks for them: training data may hold them')]
      : []),
    ...(Object.keys(models).length > 0 && without('score')
      ? [problem('models', 'the config names models, but no step score asks them')]
      : []),
  ]
}

function structure({ steps, totals }: Manifest): Warning[] {
  const without = totals.train + totals.validation > 0 && !steps.some(({ stage }) => stage === 'structure')
  return without ? [note('structure', 'no step structure: ties, and pairs with an empty side or two equal ones, were not looked for')] : []
}

function contamination({ contamination: all }: Figures, { totals, config }: Manifest): Warning[] {
  const { benchmarks: named = [] } = config as { benchmarks?: readonly string[] }
  if (all.length === 0 && named.length > 0) return []
  if (all.length === 0) return [note('benchmarks', 'the build was not compared with any benchmark: no step decontaminate')]
  return all.flatMap(({ step, benchmarks, wordless = 0, found, flags: of }) => {
    if (benchmarks === 0) return [problem(step, 'no benchmark is named, so nothing can be found')]
    const names = [...new Set(found.filter(f => f.exact + f.whole + f.ngram > 0).map(f => f.benchmark))]
    // a pair that holds items of two benchmarks is found in both
    const n = of?.pairs ?? found.reduce((sum, f) => sum + f.exact + f.whole + f.ngram, 0)
    const show = sql("SELECT pair_id, source, contamination FROM ledger WHERE reason = 'contaminated'")
    return [
      ...(wordless > 0 ? [note(step, `${grouped(wordless)} benchmark items hold no word, so nothing can match them`)] : []),
      ...(n > 0
        ? [note(step, `${grouped(n)} pairs (${percent(n / Math.max(1, totals.pairs_in))}) hold items of ${names.join(', ')}`, show)]
        : []),
    ]
  })
}

/** Drawn flags that nobody has answered yet. */
function flags({ contamination: all, people: said }: Figures): Warning[] {
  const drawn = all.reduce((n, { flags: of }) => n + (of?.drawn ?? 0), 0)
  const left = said?.flags ? drawn - said.flags.all.n - said.flags.undecided : drawn
  return left > 0
    ? [note('flags', `${grouped(left)} flags of contamination wait for people, who tell how many of all flags are false`, 'review DIR')]
    : []
}

const LITTLE_WEIGHT = 0.5
const STYLE_LEFT = 0.6
/** Above what control was to leave (target_auc is .55 unless somebody says otherwise). */
const STYLE_BACK = 0.57

function style({ style: all }: Figures): Warning[] {
  return all.flatMap(({ step, corpus, sources: of, published }) => [
    ...(corpus.after && corpus.after.linear_auc <= STYLE_BACK && published && published.auc > STYLE_BACK
      ? [
          problem(
            step,
            `style tells labels of published pairs with an AUC of ${published.auc.toFixed(2)}, weights counted, though little was left at this step: what later steps left out or turned brings it back; a second step style-bias, the last of all, weighs what is published`,
          ),
        ]
      : []),
    ...[{ name: 'all sources', ...corpus }, ...of.map(s => ({ name: s.source, ...s }))].flatMap(
      ({ name, before, after, warnings = [] }) => [
        ...warnings.map(text => note(step, `${name}: ${text}`)),
        ...(after && after.effective_share < LITTLE_WEIGHT
          ? [note(step, `${name}: weights leave ${percent(after.effective_share)} of the pairs' worth; labels lean on style much`)]
          : []),
        ...(before && (after ?? before).linear_auc > STYLE_LEFT
          ? [problem(step, `${name}: style alone still tells the label with an AUC of ${(after ?? before).linear_auc.toFixed(2)}`)]
          : []),
      ],
    ),
  ])
}

const NO_BETTER = 0.52

function models({ models: of, totals }: Figures): Warning[] {
  if (!of) return []
  const weak = of.models.filter(m => m.auc !== null && m.auc < NO_BETTER)
  const flipped = totals.flipped / Math.max(1, totals.train + totals.validation)
  return [
    ...weak.map(m => note('models', `${m.name} does not tell chosen from rejected (AUC ${m.auc!.toFixed(2)}), so it counts for nothing`)),
    ...(of.calibrated_on && /no gold/.test(of.calibrated_on)
      ? [
          note(
            'models',
            'probabilities are calibrated on the labels themselves: too few votes came with the pairs (answers of review count with disagreement: { gold: people })',
            'review DIR',
          ),
        ]
      : []),
    ...(flipped > 0.05
      ? [problem('decide', `${percent(flipped)} of the kept labels were turned`, sql('SELECT * FROM flipped LIMIT 20'))]
      : []),
  ]
}

function notRead({ steps }: Figures): Warning[] {
  const told = (step: string, counts: Readonly<Record<string, number>> | undefined, what: string): Warning[] =>
    Object.entries(counts ?? {}).map(([column, n]) => note(step, `${column.slice('margin_'.length)}: ${grouped(n)} ${what}`))
  return steps.flatMap(({ id, truncated, unscored }) => [
    ...told(id, truncated, 'texts are longer than it takes; the beginning of their prompts was cut'),
    ...told(id, unscored, 'pairs have no score'),
  ])
}

function licences({ licenses, totals }: Figures): Warning[] {
  const kept = Math.max(1, totals.train + totals.validation)
  const of = (is: (name: string) => boolean): number => Object.entries(licenses).reduce((n, [name, k]) => n + (is(name) ? k : 0), 0)
  const [none, closed] = [of(name => name === ''), of(name => /\bNC\b|non-?commercial/i.test(name))]
  return [
    ...(none > 0 ? [problem('licences', `${percent(none / kept)} of the kept pairs name no licence`)] : []),
    ...(closed > 0 ? [note('licences', `${percent(closed / kept)} of the kept pairs may not be used commercially`)] : []),
  ]
}

const MUCH = 20

function people({ people: said }: Figures, { judgements }: Manifest): Warning[] {
  const unknown = judgements?.unknown_pairs ?? 0
  const odd = said?.annotators.filter(a => typeof a.e_value === 'number' && a.e_value >= MUCH) ?? []
  return [
    ...(unknown > 0 ? [note('people', `${grouped(unknown)} judged pairs are in no input, so their answers are not used`)] : []),
    ...(said && said.pairs.differing > 0
      ? [note('people', `answers differ on ${grouped(said.pairs.differing)} pairs`, 'review DIR --adjudicator NAME')]
      : []),
    ...odd.map(a => problem('people', `${a.annotator} answers unlike the others`, 'review status DIR')),
  ]
}
