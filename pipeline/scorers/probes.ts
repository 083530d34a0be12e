/** What a model is tried on before a run, and how to tell that its scores cannot be used. */

/** Prompts with a response to each that is better and one that is worse: any model tells these apart. */
export const PROBES: readonly (readonly [string, string])[] = [
  ['What is 6 x 7?', '6 x 7 = 42.'],
  ['What is 6 x 7?', 'no idea lol'],
  ['Name the capital of France.', 'The capital of France is Paris, on the river Seine.'],
  ['Name the capital of France.', ''],
  ['Write a haiku about rain.', 'Rain taps on the roof,\nthe garden drinks in silence,\nclouds drift on, content.'],
  ['Write a haiku about rain.', 'asdf asdf asdf asdf asdf asdf asdf asdf'],
]

/** Scores of one text may differ so much, as a share of the largest score (of 1 where all are smaller): what batches move in the last digits of half precision and of 8 bits. */
const DRIFT = 0.05

/** Why scores of the probes are none; undefined where they may be. `whole`: probes of which nothing was cut off. */
export function faultOf(scores: readonly number[], whole: readonly boolean[] = scores.map(() => true)): string | undefined {
  const bad = scores.filter(score => !Number.isFinite(score)).length
  if (bad > 0) return `it gives NaN or infinite scores (to ${bad} of ${scores.length} texts); run it in float32`
  const seen = scores.filter((_, i) => whole[i])
  if (seen.length > 1 && seen.every(score => score === seen[0]))
    return `it gives every text the same score ${seen[0]}; look at its pad token and pooling`
  const couples = PROBES.flatMap((_, i) => (i % 2 === 0 && whole[i] && whole[i + 1] ? [i] : []))
  if (couples.length > 1 && couples.every(i => scores[i] === scores[i + 1]))
    return `it gives both responses to a prompt the same score (to all ${couples.length} prompts tried): it reads its score before the response; look at pad_token_id, which must not be the token that ends a turn (pad = eos)`
  return undefined
}

/** That scores of the same texts differ too much, with the figure; undefined where they do not. `why`: what was done to the texts, `look`: at what. */
export function driftOf(alone: readonly number[], again: readonly number[], why: string, look: string): string | undefined {
  const drift = Math.max(0, ...alone.map((score, i) => Math.abs(score - again[i])))
  const allowed = DRIFT * Math.max(1, ...alone.map(Math.abs))
  // a NaN is a drift too
  if (drift <= allowed) return undefined
  return `the score of one text changes by ${drift.toPrecision(3)} ${why} (allowed: ${allowed.toPrecision(2)}, which is ${DRIFT} of the largest score or of 1); look at ${look}`
}
