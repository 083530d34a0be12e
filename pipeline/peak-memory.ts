/** How much memory this process, its worker threads included, holds at most; child processes of models are not in it. */

const EVERY_MS = 50

/** Bytes at their highest since the process started, as the system counts them. */
export const highest = (): number => process.resourceUsage().maxRSS * 1024

/** The peak in bytes while `work` ran: the system's own mark where that rose meanwhile, else the largest of samples every 50 ms. */
export async function peakDuring(work: () => Promise<void>): Promise<number> {
  const before = highest()
  let most = 0
  const look = (): void => {
    most = Math.max(most, process.memoryUsage.rss())
  }
  look()
  const timer = setInterval(look, EVERY_MS)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  look()
  return highest() > before ? highest() : most
}
