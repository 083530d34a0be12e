/** Margins by models that a config names. */
import { type Batch, columnsOf, type Numbers } from '../batch.ts'
import { exchangeOf } from '../kernels/last-turn.ts'
import { pairTexts } from '../pair.ts'
import type { Scorer, Side } from '../scorer.ts'

/** Margins by a configured model; null where it could not score a side. `cut` gets the number of sides whose prompt was cut. */
export async function marginsBy(scorer: Scorer, batch: Batch, cut: Uint8Array): Promise<Numbers<Float32Array>> {
  const { prompt, chosen, rejected } = columnsOf(batch, pairTexts)
  const [ours, theirs] = [exchangeOf(prompt, chosen, batch.rows), exchangeOf(prompt, rejected, batch.rows)]
  const sides = [ours, theirs].map(side => ({ prompt: side.prompt, responses: side.response }))
  const values = scorer.margins ? await scorer.margins(sides[0], sides[1]) : await differences(scorer, sides, cut)
  const valid = Uint8Array.from(values, (margin, i) => (Number.isFinite(margin) && ours.answered[i] && theirs.answered[i] ? 1 : 0))
  return { values: values.map((margin, i) => (valid[i] ? margin : 0)), valid }
}

async function differences(scorer: Scorer, sides: readonly Side[], cut: Uint8Array): Promise<Float32Array> {
  const cuts = sides.map(() => new Uint8Array(cut.length))
  const [of_chosen, of_rejected] = await Promise.all(sides.map(({ prompt, responses }, k) => scorer.score(prompt, responses, cuts[k])))
  for (const side of cuts) for (let i = 0; i < cut.length; i++) cut[i] += side[i]
  return of_chosen.map((r, i) => r - of_rejected[i])
}
