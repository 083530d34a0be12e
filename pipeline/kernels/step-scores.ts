/** One score of a solution from the scores of its steps, as process reward models give them. */

export const stepRules = ['min', 'max', 'prod', 'mean', 'geomean', 'last'] as const
export type StepRule = (typeof stepRules)[number]

const product = (steps: readonly number[]): number => steps.reduce((p, s) => p * s, 1)

/** Of at least one step. A product and a geometric mean are NaN where a step is below 0: its sign would make two bad steps a good one. */
const rules: Readonly<Record<StepRule, (steps: readonly number[]) => number>> = {
  min: steps => steps.reduce((a, b) => Math.min(a, b)),
  max: steps => steps.reduce((a, b) => Math.max(a, b)),
  prod: steps => (steps.some(s => s < 0) ? Number.NaN : product(steps)),
  mean: steps => steps.reduce((a, b) => a + b, 0) / steps.length,
  geomean: steps => (steps.some(s => s < 0) ? Number.NaN : Math.exp(steps.reduce((sum, s) => sum + Math.log(s), 0) / steps.length)),
  last: steps => steps[steps.length - 1],
}

/** NaN where there is no step. */
export const stepScore = (rule: StepRule, steps: readonly number[]): number => (steps.length === 0 ? Number.NaN : rules[rule](steps))
