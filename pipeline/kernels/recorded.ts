/** Margins between the scores that came with the rows. */
import { isValid, type List, type Numbers, stringAt, type Utf8 } from '../batch.ts'

/** A model's name in columns: lower case, and `_` for all that is neither letter nor digit. */
export const modelColumn = (model: string): string => model.toLowerCase().replace(/[^a-z0-9]/g, '_')

type Scores = List<{ readonly model: 'utf8'; readonly chosen: 'f64'; readonly rejected: 'f64' }>

/** One column a model, in the order of `models`; null where the row lacks one of its scores. A model named twice: the last one counts. */
export function recordedMargins(scores: Scores, rows: number, models: readonly string[]): Numbers<Float32Array>[] {
  const { model, chosen, rejected } = scores.items.columns
  const columns = models.map(() => ({ values: new Float32Array(rows), valid: new Uint8Array(rows) }))
  const places = new Map(models.map((name, i) => [name, i]))
  const of = placesOf(model, scores.items.rows, places)
  for (let i = 0; i < rows; i++)
    for (let k = scores.starts[i]; k < scores.starts[i + 1]; k++) {
      const margin = chosen.values[k] - rejected.values[k]
      if (of[k] < 0 || !isValid(chosen, k) || !isValid(rejected, k) || !Number.isFinite(margin)) continue
      columns[of[k]].values[i] = margin
      columns[of[k]].valid[i] = 1
    }
  return columns
}

/** The place of each name, -1 for others. Rows mostly list the same models in the same order, so a name is looked for after the last. */
function placesOf(names: Utf8, count: number, places: ReadonlyMap<string, number>): Int32Array {
  const known = [...places.keys()].map(name => new TextEncoder().encode(name))
  const of = new Int32Array(count)
  let expected = 0
  for (let k = 0; k < count; k++) {
    const from = names.offsets[k]
    const same =
      expected < known.length &&
      known[expected].length === names.offsets[k + 1] - from &&
      known[expected].every((byte, j) => names.bytes[from + j] === byte)
    of[k] = same ? expected : (places.get(stringAt(names, k)) ?? -1)
    expected = (of[k] + 1) % known.length
  }
  return of
}
