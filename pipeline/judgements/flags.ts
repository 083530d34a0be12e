/** How many flags of contamination people find to be false, from the sample of flags that they checked. */
import type { FlagCheck } from '../judgement.ts'
import { type Interval, wilson } from '../kernels/intervals.ts'

/** A flag that was drawn for people, with its strongest evidence. */
export interface DrawnFlag {
  readonly pair_id: string
  readonly benchmark: string
  readonly item: string
}

export interface FalseFlags extends Interval {
  /** Flags that people agree on. */
  readonly n: number
  readonly false: number
  /** An estimate for all flags, whose 95 % interval is Wilson's; null where nobody answered. */
  readonly share: number | null
}

export interface FlagFigures {
  readonly drawn: number
  readonly all: FalseFlags
  readonly by_benchmark: Readonly<Record<string, FalseFlags>>
  /** Flags on which as many say yes as no, or nobody can tell. */
  readonly undecided: number
}

/** Undefined where no flag was drawn. An answer to another item than the one that the build found now does not count. */
export function flagFiguresOf(drawn: readonly DrawnFlag[], checks: readonly FlagCheck[]): FlagFigures | undefined {
  if (drawn.length === 0) return undefined
  const said = new Map<string, { balance: number; answers: number }>()
  for (const check of checks) {
    const key = keyOf(check)
    const { balance, answers } = said.get(key) ?? { balance: 0, answers: 0 }
    const vote = check.contaminated === null ? 0 : check.contaminated ? 1 : -1
    said.set(key, { balance: balance + vote, answers: answers + 1 })
  }
  const verdicts = drawn.map(flag => ({ ...flag, ...said.get(keyOf(flag)) }))
  const settled = verdicts.filter(({ balance = 0 }) => balance !== 0)
  const benchmarks = [...new Set(settled.map(({ benchmark }) => benchmark))].sort()
  return {
    drawn: drawn.length,
    all: falseOf(settled),
    by_benchmark: Object.fromEntries(benchmarks.map(name => [name, falseOf(settled.filter(({ benchmark }) => benchmark === name))])),
    undecided: verdicts.filter(({ balance = 0, answers = 0 }) => answers > 0 && balance === 0).length,
  }
}

const keyOf = ({ pair_id, benchmark, item }: DrawnFlag): string => JSON.stringify([pair_id, benchmark, item])

function falseOf(settled: readonly { readonly balance?: number }[]): FalseFlags {
  const wrong = settled.filter(({ balance = 0 }) => balance < 0).length
  const share = settled.length > 0 ? wrong / settled.length : null
  return { n: settled.length, false: wrong, share, ...wilson(share ?? 0, settled.length) }
}
