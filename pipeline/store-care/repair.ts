/** Damage to a store is mended by making again what is damaged. */

import { DamagedEntry } from '../entry-file.ts'
import type { Awaitable } from '../stage.ts'
import type { Store } from '../store.ts'
import { dropCut } from './care.ts'

/** So often the same entry may be found damaged before the disk is to blame. */
const REPAIRS = 3

/**
 * A damaged entry is thrown out and the work starts over: it finds what is missing and makes only that. Where one entry is damaged others may
 * be, as after a power loss: those that are cut are thrown out with it.
 */
export async function untilWhole<T>(store: Store, note: (line: string) => void, work: () => Awaitable<T>): Promise<T> {
  const repairs = new Map<string, number>()
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const times = error instanceof DamagedEntry ? (repairs.get(error.key) ?? 0) + 1 : 0
      if (!(error instanceof DamagedEntry) || times > REPAIRS) throw error
      const others = repairs.size === 0 ? dropCut(store) : 0
      note(`${error.message}; ${others > 1 ? `${others} entries are cut; all are made again` : 'made again'}`)
      repairs.set(error.key, times)
      store.dropDamaged(error)
    }
  }
}
