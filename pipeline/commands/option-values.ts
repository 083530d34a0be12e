import { join } from 'node:path'
import { InvalidArgumentError } from 'commander'

/** Reads an option's value as a whole number of these bounds. */
export const whole =
  (least: number, most: number) =>
  (text: string): number => {
    const n = Number(text)
    if (!/^\d+$/.test(text) || n < least || n > most) throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`)
    return n
  }

export const seedNumber = whole(0, 2 ** 31)

/** For an option that may be given several times. */
export const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

/** Where builds keep what they have worked out, unless told otherwise. */
export const defaultStore = (): string => process.env.GOLDPAN_STORE ?? join('.goldpan', 'store')
