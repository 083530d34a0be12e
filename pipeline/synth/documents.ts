/** What lies beside a synthetic corpus: a config that runs over it as it is, and a page that says what was planted. */
import { stringify } from 'yaml'
import { sources } from './facts.ts'
import type { Recipe } from './row-maker.ts'
import type { Figures } from './tally.ts'

export interface Corpus {
  readonly recipe: Recipe
  readonly figures: Figures
  readonly glob: string
  readonly poolDigest: string
  readonly withScores: boolean
}

/** A config whose paths are relative to the corpus's folder. */
export const configText = ({ recipe, glob }: Pick<Corpus, 'recipe' | 'glob'>): string =>
  stringify({
    name: 'synth',
    seed: recipe.seed,
    sources: [{ path: glob, format: 'pair' }],
    benchmarks: ['benchmarks/*.jsonl'],
    steps: [
      'structure',
      'exact-dedup',
      { 'near-dup': { threshold: 0.8 } },
      'decontaminate',
      { 'style-bias': { action: 'reweight' } },
      'score',
      'disagreement',
      { 'verification-sample': { budget: 200 } },
      'decide',
    ],
  })

export function readmeText({ recipe, figures, glob, poolDigest, withScores }: Corpus): string {
  const rows = Object.entries(figures.kinds).map(
    ([kind, n]) => `  ${kind.padEnd(18)}${String(n).padStart(10)}  ${percent(n / figures.pairs)}`,
  )
  const { isReadable: _, ...drawn } = recipe
  const { slopes } = recipe
  return `${[
    `Synthetic preference pairs of goldpan synth, seed ${recipe.seed}: ${figures.pairs} rows, ${figures.text_bytes_per_pair} bytes of text each.`,
    '',
    `${glob}  the pairs (format: pair) of the sources ${sources.map(s => s.name).join(', ')}`,
    'truth.jsonl  one fact a line: {id, kind, of, edit, amount, fields, jaccard}; an unreadable row is named file:row',
    'benchmarks/synth.jsonl  the items that contaminated prompts hold',
    'config.yaml  goldpan run config.yaml --out DIR',
    '',
    'Rows by kind (flipped_label is a second fact of plain rows and of copies):',
    ...rows,
    '',
    `Labels: Bradley-Terry draws with log-odds ${slopes.quality} x difference in quality + ${slopes.length} x difference in ln(bytes) + ${slopes.markdown} x markdown;`,
    `the longer response wins ${percent(figures.longer_wins)}, markdown against none ${percent(figures.markdown_wins)} of the plain rows, turned labels included.`,
    ...(withScores
      ? ['Recorded scores: rm-a, rm-b and rm-c know the true quality, each with more noise and more liking for length than the one before.']
      : []),
    `Options: ${JSON.stringify(drawn)}`,
    `Sentences from a pool with sha256 ${poolDigest}`,
  ].join('\n')}\n`
}

const percent = (share: number | null): string => (share === null ? '-' : `${(share * 100).toFixed(2)} %`)
