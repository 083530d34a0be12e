/** Reads what `goldpan plan --write` and every run leave in the store. */
import { readFileSync } from 'node:fs'
import { UserError } from './errors.ts'
import type { LocatedPlan } from './plan.ts'

export function readPlan(file: string): LocatedPlan {
  const located = jsonIn(file) as LocatedPlan | undefined | null
  if (typeof located?.plan?.key !== 'string')
    throw new UserError(`${file}: is no plan; \`goldpan plan CONFIG --write\` makes one and prints where it is`)
  return located
}

function jsonIn(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'EISDIR') return undefined
    throw error
  }
}
