/** The dataset card of a build, README.md: a YAML header by which dataset loaders find the files, and below it what a reader needs. */
import { stringify } from 'yaml'
import { type Manifest, type OutputShape, outputOf } from './manifest.ts'
import { cardHeader, optionsOf } from './report/card-header.ts'
import { cell, markdown } from './report/markdown.ts'
import { grouped } from './report/table.ts'
import { trainerLines } from './report/trainers.ts'
import { trainColumns } from './tables.ts'

/** A function of the manifest alone: no time, nothing that differs between two builds of the same inputs. Loaders read YAML 1.1, in which `no` is false. */
export function cardOf(manifest: Manifest): string {
  const output = outputOf(manifest)
  const { train, validation, pairs_in } = manifest.totals
  const kept = train + validation
  const parts = [
    `---\n${stringify(cardHeader(manifest, output), { lineWidth: 0, version: '1.1' })}---`,
    `# ${manifest.name}`,
    `Preference pairs for reward models: ${grouped(kept)} of ${grouped(pairs_in)} pairs, curated by [goldpan](#build-it-again). ` +
      `${grouped(train)} are in \`train\`, ${grouped(validation)} in \`validation\`; ${together(manifest)} are in one split. ` +
      `${grouped(manifest.totals.flipped)} labels were turned.`,
    section('Sources and licences', `${sourcesTable(manifest)}\n\nTerms and attribution: [LICENSES.md](LICENSES.md).`),
    section('What was done', stepsTable(manifest)),
    section('Tables', tablesTable(manifest)),
    section('Columns', columnsTable(output)),
    ...(kept > 0
      ? [section('Load it', `${lengths(manifest)}${trainerLines(output.layout, String(maxLength(manifest)), validation > 0)}`)]
      : []),
    section('Build it again', rebuild(manifest)),
  ]
  return `${parts.join('\n\n')}\n`
}

/** What a split does not part. */
function together({ steps }: Manifest): string {
  const { openings = 0 } = (steps.findLast(({ stage }) => stage === 'prompt-clusters')?.params ?? {}) as { openings?: number }
  const talks = openings > 0 ? `, and of conversations that begin with the same question (unless more than ${openings} do),` : ''
  return `pairs of near-duplicate prompts${talks}`
}

const section = (title: string, text: string): string => `## ${title}\n\n${text}`

const counts = (of: Readonly<Record<string, number>>): string =>
  Object.entries(of)
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([name, n], _, all) => `${name === '' ? 'not stated' : cell(name)}${all.length > 1 ? ` (${grouped(n)})` : ''}`)
    .join(', ')

function sourcesTable({ sources }: Manifest): string {
  const rows = sources.map(s => [
    cell(s.source),
    counts(s.licenses) || '-',
    counts(s.languages) || '-',
    grouped(s.pairs_in),
    grouped(s.train + s.validation),
  ])
  return markdown(['source', 'licence of the kept pairs', 'language', 'pairs in', 'kept'], 3, rows)
}

function stepsTable({ steps, totals }: Manifest): string {
  const rows = steps.map(({ id, rows_in, rows_out, dropped }) => [
    cell(id),
    counts(dropped),
    grouped(rows_in),
    grouped(rows_in - rows_out),
    grouped(rows_out),
  ])
  const rejected =
    totals.rejected > 0
      ? `\n\n${grouped(totals.rejected)} rows of the inputs could not be read; table \`rejects\` has each with its reason.`
      : ''
  return `${markdown(['step', 'left because of', 'pairs in', 'left', 'pairs out'], 2, rows)}${rejected}`
}

const TABLES: Readonly<Record<string, string>> = {
  train: 'training pairs',
  validation: 'held-out pairs',
  flipped: 'those of train and validation whose label was turned, with what spoke against it',
  quarantine: 'pairs that share text with a benchmark, or were set aside for another reason, with the evidence',
  review: 'pairs drawn or waiting for people, as their source had them',
  ledger: 'one row for every pair that came in: where it ended, at which step, why',
  rejects: 'input rows that could not be read',
}

function tablesTable({ outputs }: Manifest): string {
  const rows = Object.entries(TABLES).flatMap(([table, what]) => {
    const files = outputs.filter(({ path }) => path.startsWith(`${table}/`))
    const sum = files.reduce((n, file) => n + file.rows, 0)
    return files.length > 0 ? [[`\`${table}\``, what, grouped(files.length), grouped(sum)]] : []
  })
  return markdown(['table', 'what', 'files', 'rows'], 2, rows)
}

const COLUMNS: Readonly<Record<string, string>> = {
  prompt: 'messages before the answers, `{role, content}` each; the last is never the assistant',
  pair_id: 'hash of prompt, chosen and rejected; the key into `ledger`',
  prompt_id: 'hash of the prompt',
  source: 'where the pair comes from',
  label_kind: 'who judged: human, human_derived, ai or implicit',
  source_id: 'its id there',
  license: 'its licence',
  lang: 'its language',
  cluster_id: 'near-duplicate cluster that it stands for',
  flipped: 'whether the label was turned: chosen is then what the source had rejected',
  weight: 'training weight, 1 on average over a source; no trainer reads it by itself',
  p_mean:
    'probability that chosen is the better side by the reward models alone, their mean: the label itself, right more often than not, is not in it',
  disagreement: 'spread of that probability over the models',
  against: 'number of models against the label',
  style_p: 'probability that style alone predicts the label',
  human: 'what people said: outcome, number of votes, agreement',
  margin: 'reward margin of chosen over rejected as they stand here; reward trainers take it into their loss',
}

function columnsTable(output: OutputShape): string {
  const { layout, signals } = output
  const side = {
    prompt: 'a list of one assistant message',
    conversations: 'the whole conversation as a list of messages',
    message: 'one assistant message',
  }[layout]
  const sides: Record<string, string> = { chosen: `the answer preferred: ${side}`, rejected: 'the other one, in the same form' }
  const model = (name: string): string =>
    name.startsWith('margin_')
      ? `reward margin of ${cell(name.slice(7))}`
      : `probability that chosen is the better side by ${cell(name.slice(2))} alone`
  const rows = trainColumns(layout, optionsOf(output)).map(({ name }) => [
    `\`${name}\``,
    sides[name] ?? COLUMNS[name] ?? (/^(p|margin)_/.test(name) ? model(name) : 'as in the ledger'),
  ])
  const turned =
    signals.length > 0 ? '\n\nAll signals but `margin` speak of the label as it came in, for flipped rows too, as in the ledger.' : ''
  return `${markdown(['column', 'meaning'], 2, rows)}${turned}`
}

/** Few tokenizers need more than a token for three bytes of text. */
const BYTES_PER_TOKEN = 3

/** A power of two of tokens that holds 99 pairs of 100. */
const maxLength = ({ pair_bytes }: Manifest): number =>
  2 ** Math.max(10, Math.ceil(Math.log2((pair_bytes?.p99 ?? 0) / BYTES_PER_TOKEN + 1)))

function lengths(manifest: Manifest): string {
  const { pair_bytes } = manifest
  if (!pair_bytes) return ''
  const { median, p99, max } = pair_bytes
  return (
    `Prompt and longer answer together have ${grouped(median)} bytes in the median, ${grouped(p99)} at the 99th percentile and ${grouped(max)} at most. ` +
    `RewardTrainer drops pairs longer than its \`max_length\` (1024 tokens unless set): ${grouped(maxLength(manifest))} should hold 99 of 100, at ${BYTES_PER_TOKEN} bytes a token. Count with your tokenizer.\n\n`
  )
}

function rebuild({ goldpan, plan_key, inputs }: Manifest): string {
  const rows = inputs.map(({ path, bytes, sha256 }) => [cell(path), grouped(bytes), `\`${sha256}\``])
  return [
    `Made by goldpan ${goldpan}; plan \`${plan_key}\`. \`manifest.json\` holds the config with every default filled in and the checksums of all inputs and outputs; \`goldpan run CONFIG --out OUT\` on the same inputs makes the same manifest, \`goldpan verify OUT\` checks this folder, \`goldpan explain OUT PAIR_ID\` tells what happened to a pair.`,
    markdown(['input', 'bytes', 'sha256'], 1, rows),
  ].join('\n\n')
}
