/** Pairs of a small build: every outcome and relation, and texts that are hard to read back. */
import { createHash } from 'node:crypto'
import type { draws, outcomes, relations, votes } from '../pipeline/pair.ts'

export interface SmallPair {
  readonly source: string
  readonly source_id?: string
  readonly prompt: string
  readonly chosen: string
  readonly rejected: string
  readonly outcome: (typeof outcomes)[number]
  readonly split?: 'train' | 'validation'
  readonly step?: string
  readonly reason?: string
  readonly relation?: (typeof relations)[number]
  readonly duplicate_of?: string
  readonly jaccard?: number
  readonly evidence?: { benchmark: string; item: string; span: string; coverage: number }
  readonly models_outcome?: (typeof outcomes)[number]
  readonly stratum?: string
  readonly inclusion_probability?: number
  readonly p?: number
  readonly draw?: (typeof draws)[number]
  readonly license?: string
  readonly human?: { outcome: (typeof votes)[number]; n: number; agreement: number }
}

export const idOf = (...texts: readonly string[]): string => createHash('md5').update(JSON.stringify(texts)).digest('hex')
export const pairId = ({ prompt, chosen, rejected }: SmallPair): string => idOf(prompt, chosen, rejected)

const survivor: SmallPair = {
  source: 'hh',
  source_id: '0',
  prompt: 'What is 2 + 2?',
  chosen: 'Four.',
  rejected: 'Five.',
  outcome: 'keep',
  split: 'train',
  p: 0.9,
  license: 'MIT',
}

/** Every outcome, every relation, evidence of each kind, and texts that are hard to read back. */
export const smallPairs: readonly SmallPair[] = [
  survivor,
  {
    ...survivor,
    source_id: '1',
    p: undefined,
    outcome: 'drop',
    split: undefined,
    step: 'exact-dedup',
    reason: 'exact',
    relation: 'exact',
    duplicate_of: pairId(survivor),
  },
  {
    source: 'hh',
    source_id: '2',
    prompt: 'What is 2 + 2 ?',
    chosen: 'Four',
    rejected: 'Five',
    outcome: 'drop',
    step: 'near-dup',
    reason: 'near',
    relation: 'near',
    duplicate_of: pairId(survivor),
    jaccard: 0.875,
  },
  {
    source: 'arena',
    source_id: 'a:b',
    prompt: '\ufeffName a colour',
    chosen: 'Rot',
    rejected: '青\n"blue"\t',
    outcome: 'flip',
    split: 'train',
    step: 'decide',
    reason: 'models_against',
    p: 0.1,
  },
  {
    source: 'arena',
    prompt: 'Say nothing',
    chosen: '',
    rejected: `${'long '.repeat(200)}end`,
    outcome: 'keep',
    split: 'validation',
    draw: 'audit',
    human: { outcome: 'chosen', n: 3, agreement: 2 / 3 },
  },
  {
    source: 'arena',
    source_id: 'q',
    prompt: 'Compose a poem',
    chosen: 'Roses',
    rejected: 'Violets',
    outcome: 'quarantine',
    step: 'decontaminate',
    reason: 'contaminated',
    evidence: { benchmark: 'mt-bench', item: '81', span: 'compose a poem', coverage: 0.5 },
  },
  {
    source: 'arena',
    source_id: 'r',
    prompt: 'Who is right?',
    chosen: 'Me',
    rejected: 'You',
    outcome: 'review',
    step: 'decide',
    reason: 'uncertain',
    draw: 'targeted',
    p: 0.5,
  },
]
