/** The languages of texts, by their letters and words. */

/** Texts that are asked about, and characters of each. */
const MOST_TEXTS = 150
const MOST_CHARACTERS = 300
const FEWEST_CHARACTERS = 24
/** Rarer ones are as likely mistakes. */
const LEAST_SHARE = 0.03

/** Shares of the texts by language (ISO 639-1), the most frequent first; texts too short to tell do not count. */
export async function languagesIn(texts: readonly string[]): Promise<Record<string, number>> {
  const { detect } = await import('tinyld')
  const long = texts.filter(text => text.length >= FEWEST_CHARACTERS)
  const step = Math.max(1, Math.floor(long.length / MOST_TEXTS))
  const counts = new Map<string, number>()
  let told = 0
  for (let i = 0; i < long.length; i += step) {
    const language = detect(long[i].slice(0, MOST_CHARACTERS))
    if (language === '') continue
    told++
    counts.set(language, (counts.get(language) ?? 0) + 1)
  }
  const shares = [...counts].map(([language, n]) => [language, Math.round((100 * n) / told) / 100] as const)
  return Object.fromEntries(shares.filter(([, share]) => share >= LEAST_SHARE).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)))
}
