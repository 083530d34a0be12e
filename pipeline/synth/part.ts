/** One file of a corpus and its part of the truth: rows are functions of their numbers, so files are written side by side. */
import { join } from 'node:path'
import { OutFile } from './out-file.ts'
import { readPool } from './pool.ts'
import { type Recipe, RowMaker } from './row-maker.ts'
import { openShards, type ShardFormat } from './shards.ts'
import { type Counts, Tally } from './tally.ts'
import { truthOf } from './truth.ts'

/** What to write, beside the recipe of the rows. */
export interface PartOptions {
  readonly pairs: number
  readonly out: string
  readonly format: ShardFormat
  readonly shardPairs: number
  /** JSONL files to take sentences from; none = the sample corpus. */
  readonly from: readonly string[]
  readonly withScores: boolean
}

export interface PartOrder extends PartOptions {
  readonly recipe: Recipe
  readonly index: number
}

/** Errors cross threads as plain values, so that their code survives. */
export type PartDone = { readonly counts: Counts; readonly bytes: number } | { readonly code: string | undefined; readonly message: string }

export const truthPart = (out: string, index: number): string => join(out, `truth.${index}.part`)

let made: { key: string; maker: RowMaker; digest: string } | undefined

/** One maker a thread, and the digest of its texts. */
export function makerOf({ recipe, from }: Pick<PartOrder, 'recipe' | 'from'>): { maker: RowMaker; digest: string } {
  const key = JSON.stringify([recipe, from])
  if (made?.key !== key) {
    const { lexicons, digest } = readPool(from)
    made = { key, maker: new RowMaker(recipe, lexicons), digest }
  }
  return made
}

/** Never throws. */
export async function writePart(order: PartOrder): Promise<PartDone> {
  try {
    return await write(order)
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code, message: (error as Error).message }
  }
}

async function write(order: PartOrder): Promise<PartDone> {
  const { recipe, pairs, out, shardPairs, index } = order
  const { maker } = makerOf(order)
  const shards = openShards({ ...order, seed: recipe.seed }, maker)
  const truth = new OutFile(truthPart(out, index))
  const tally = new Tally()
  for (let number = index * shardPairs; number < Math.min(pairs, (index + 1) * shardPairs); number++) {
    const row = maker.make(number)
    tally.add(row)
    const place = await shards.write(row)
    for (const fact of truthOf(recipe.seed, row, place)) truth.line(fact)
    await truth.flush()
  }
  const bytes = await shards.close()
  await truth.close()
  return { counts: tally.counts, bytes }
}
