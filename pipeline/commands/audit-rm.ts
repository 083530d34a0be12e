import type { Command } from 'commander'
import { scoringWith } from '../audit-scores.ts'
import { filesOf } from '../files.ts'
import { rewardAuditText } from '../report/reward-audit.ts'
import { auditRewards } from '../reward-audit.ts'
import { seedNumber } from './option-values.ts'

interface Flags {
  readonly by?: string
  readonly config?: string
  readonly seed: number
  readonly json?: boolean
}

export const register = (program: Command): void => {
  program
    .command('audit-rm')
    .description(
      'audit reward models on problems with one right response: accuracy, rank, MRR, calibration, and how much each deserves to count',
    )
    .argument('<file...>', 'JSONL, JSON, Parquet or Arrow (also .gz, .zst); globs and folders too')
    .option('--by <field>', 'field of a row that names its category (default: category, domain, subset, section or task)')
    .option('--config <file>', 'score the texts of the rows with the models that this config names, beside the scores that rows have')
    .option('--seed <n>', 'of the bootstrap', seedNumber, 42)
    .option('--json', 'print the figures as JSON, which `disagreement: { audit: FILE }` reads')
    .addHelpText(
      'after',
      `
Rows, with any other fields beside:
  {"scores": {"my-rm": [0.9, 0.1, 0.3]}, "correct_index": 0}    one right response and any number of wrong ones
  {"scores": {"my-prm": [[0.9, 0.8], [0.7, 0.1]]}}              scores of steps: audited by min, max, prod, mean, geomean and last
  {"scores": {"my-judge": [1, 0]}, "solutions": [a, b, c]}      results of the right response against each wrong one, 0 to 1
  {"chosen": a, "rejected": b, "scores": {"my-rm": [2.5, 1]}}   a pair
  {"score_chosen": [1, 2, 3], "score_rejected": [0, 1, 4]}      RM-Bench: by style, plainest first; the model is "model", else the file

Example: goldpan audit-rm problems.jsonl --json > audit.json`,
    )
    .action(audit)
}

async function audit(named: readonly string[], { by, seed, json, config }: Flags): Promise<void> {
  const files = named.flatMap(one => filesOf(one, process.cwd(), 'audit-rm'))
  const scoring = config === undefined ? undefined : await scoringWith(config)
  const audited = await auditRewards(files, { by, seed, score: scoring?.score }).finally(() => scoring?.close())
  if (json) console.log(JSON.stringify(audited, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(8)) : value), 2))
  else console.log(rewardAuditText(audited, process.stdout.columns ?? Number.POSITIVE_INFINITY))
}
