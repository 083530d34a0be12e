import { join } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type ShardFormat, shardFormats } from '../synth/shards.ts'
import { type Synthesised, synthesise } from '../synth.ts'
import { seedNumber, whole } from './option-values.ts'

interface Flags {
  readonly pairs: number
  readonly seed: number
  readonly out: string
  readonly format: ShardFormat
  readonly shardPairs: number
  readonly from?: readonly string[]
  readonly scores?: boolean
  readonly meanBytes: number
  readonly chinese: number
  readonly exact: number
  readonly near: number
  readonly swapped: number
  readonly nearSwapped: number
  readonly contaminated: number
  readonly empty: number
  readonly identical: number
  readonly malformed: number
  readonly tie: number
  readonly flipped: number
  readonly qualitySlope: number
  readonly lengthSlope: number
  readonly markdownSlope: number
  readonly benchmarkItems: number
  readonly json?: boolean
}

const share = (text: string): number => number(text, 1)
const slope = (text: string): number => number(text, 100)

function number(text: string, most: number): number {
  const n = Number(text)
  if (text.trim() === '' || !(n >= 0 && n <= most)) throw new InvalidArgumentError(`expected a number from 0 to ${most}`)
  return n
}

export const register = (program: Command): void => {
  program
    .command('synth')
    .description('write a corpus of any size with planted, known truth: duplicates, conflicts, contamination, turned labels, style bias')
    .requiredOption('--pairs <n>', 'rows to write; the first n rows are the same for every larger n', whole(1, 1e9))
    .option('--seed <n>', 'of everything drawn', seedNumber, 42)
    .requiredOption('--out <dir>', 'a new or empty folder')
    .addOption(new Option('--format <format>', 'of the pairs').choices(shardFormats).default('jsonl'))
    .option('--shard-pairs <n>', 'rows a file', whole(1, 1e9), 100_000)
    .option('--from <files...>', 'JSONL files to take sentences and words from (default: the sample corpus)')
    .option('--scores', 'attach recorded scores of three made-up reward models (JSONL only)')
    .option('--mean-bytes <n>', 'mean text of a pair, in bytes', whole(400, 1_000_000), 2200)
    .option('--chinese <share>', 'prompts in Chinese, if the texts hold some', share, 0.04)
    .option('--exact <share>', 'exact duplicates of earlier rows', share, 0.05)
    .option('--near <share>', 'near duplicates: one small edit in one or more fields', share, 0.15)
    .option('--swapped <share>', 'copies with chosen and rejected exchanged', share, 0.01)
    .option('--near-swapped <share>', 'such copies with a small edit', share, 0.005)
    .option('--contaminated <share>', 'prompts that hold a benchmark item', share, 0.001)
    .option('--empty <share>', 'rows with an empty or null side', share, 0.002)
    .option('--identical <share>', 'rows whose sides are the same text', share, 0.002)
    .option('--malformed <share>', 'unreadable lines (JSONL only)', share, 0.001)
    .option('--tie <share>', 'rows marked as ties', share, 0.01)
    .option('--flipped <share>', 'labels turned, of plain and contaminated rows', share, 0.1)
    .option('--quality-slope <n>', 'log-odds of winning a unit of quality', slope, 1.5)
    .option('--length-slope <n>', 'log-odds of winning a unit of ln(length)', slope, 1.5)
    .option('--markdown-slope <n>', 'log-odds of winning of markdown against none', slope, 1.5)
    .option('--benchmark-items <n>', 'items of the benchmark', whole(1, 1e6), 200)
    .option('--json', 'print the figures as JSON')
    .addHelpText('after', '\nExample: goldpan synth --pairs 50000 --seed 7 --out synth && goldpan run synth/config.yaml --out build')
    .action(synth)
}

async function synth(flags: Flags): Promise<void> {
  const started = performance.now()
  const { pairs, seed, out, format, shardPairs, from = [], meanBytes, chinese, flipped, benchmarkItems } = flags
  const shares = {
    exact_duplicate: flags.exact,
    near_duplicate: flags.near,
    swapped: flags.swapped,
    near_swapped: flags.nearSwapped,
    contaminated: flags.contaminated,
    empty_side: flags.empty,
    identical_sides: flags.identical,
    malformed: flags.malformed,
    tie: flags.tie,
  }
  const slopes = { quality: flags.qualitySlope, length: flags.lengthSlope, markdown: flags.markdownSlope }
  const figures = await synthesise({
    ...{ pairs, seed, out, format, shardPairs, from, meanBytes, chinese, flipped, benchmarkItems, shares, slopes },
    withScores: flags.scores === true,
  })
  if (flags.json) console.log(JSON.stringify(figures, null, 2))
  else console.log(table(figures, out, (performance.now() - started) / 1000))
}

function table(
  { pairs, kinds, bytes, text_bytes_per_pair, longer_wins, markdown_wins }: Synthesised,
  out: string,
  seconds: number,
): string {
  const megabytes = bytes / 1e6
  return [
    `${pairs} rows, ${text_bytes_per_pair} bytes of text each; ${megabytes.toFixed(1)} MB in ${seconds.toFixed(1)} s (${(megabytes / seconds).toFixed(0)} MB/s)`,
    ...Object.entries(kinds).map(
      ([kind, n]) => `  ${kind.padEnd(18)}${String(n).padStart(10)}  ${((n / pairs) * 100).toFixed(2).padStart(6)} %`,
    ),
    `longer wins ${percent(longer_wins)}, markdown against none wins ${percent(markdown_wins)} of the plain rows`,
    `truth: ${join(out, 'truth.jsonl')}; to run over it: goldpan run ${join(out, 'config.yaml')} --out DIR`,
  ].join('\n')
}

const percent = (part: number | null): string => (part === null ? '-' : `${(part * 100).toFixed(1)} %`)
