/** What `goldpan review` needs to listen. What renders texts takes 60 ms to load, which no other command should wait for. */
import type { Finished } from '../finished.ts'
import type { Annotators } from './annotators.ts'
import { readGold } from './gold.ts'
import { openQueue } from './queue.ts'
import { Session, type SessionOptions } from './session.ts'

export { serve } from './server.ts'

/** `gold`: a file of pairs whose chosen response is better for sure. */
export async function openSession(
  finished: Finished,
  annotators: Annotators,
  { gold, ...options }: Omit<SessionOptions, 'seed' | 'gold'> & { readonly gold?: string },
): Promise<Session> {
  const { seed = 42 } = finished.manifest.config as { seed?: number }
  const checks = gold === undefined ? [] : await readGold(gold)
  return new Session(await openQueue(finished, seed), annotators, { ...options, seed, gold: checks })
}
