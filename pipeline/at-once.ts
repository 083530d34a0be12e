/** What `work` makes of each item, in their order, with at most `width` of them at work at once: of thousands of files, only so many are open. */
export async function atOnce<T, R>(width: number, items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const made = new Array<R>(items.length)
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++
      made[i] = await work(items[i])
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane))
  return made
}
