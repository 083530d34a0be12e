/** Where an indexed text quotes another one, by the signs around the quotation, and whether a task of its own stands beside it. */
import type { Utf8 } from '../batch.ts'
import { mixSigned } from './mix.ts'
import type { Tokens } from './tokens.ts'

/** A quotation may begin at the word: what stands before it, to the beginning of the text, is the task. */
export const OPENS = 1
/** A quotation may end before the word: what follows, to the end of the text, is the task. */
export const CLOSES = 2

const SIGNS = /[:"“”„«»「」『』：`]/
/** What opens a docstring: the function goes on. */
const DOCSTRING = /"""|'''/

/** Words around a quotation that so many items of one group have alike are the form in which the group asks: "Answer this question:". */
const FORM_ITEMS = 3
/** Longer forms are not looked for. */
const FORM_WORDS = 64

/** Of each word whether a quotation may begin at it or end before it: OPENS and CLOSES. `item` and `group`: of each text. */
export function quotedWords({ bytes }: Utf8, { starts, hashes, begins, ends }: Tokens, item: Int32Array, group: Int32Array): Uint8Array {
  const quoted = new Uint8Array(begins.length)
  const forms = new Forms()
  for (let t = 0; t + 1 < starts.length; t++)
    for (let i = starts[t] + 1; i < starts[t + 1]; i++) {
      if (begins[i] - ends[i - 1] === 1 && bytes[ends[i - 1]] === 0x20) continue
      const between = Buffer.from(bytes.subarray(ends[i - 1], begins[i])).toString()
      if (!SIGNS.test(between) || DOCSTRING.test(between)) continue
      quoted[i] = OPENS | CLOSES
      forms.note(OPENS, hashes, starts[t], i, i, group[t], item[t])
      forms.note(CLOSES, hashes, i, starts[t + 1], i, group[t], item[t])
    }
  forms.clear(quoted)
  return quoted
}

/** Counts the items of a group that begin, or end, with the same words beside a quotation. */
class Forms {
  private readonly known = new Map<string, { readonly items: Set<number>; readonly places: number[]; readonly side: number }>()

  /** Words from .. to stand beside the quotation that begins or ends at word `place`. */
  note(side: number, hashes: Uint32Array, from: number, to: number, place: number, group: number, item: number): void {
    if (to - from > FORM_WORDS) return
    let words = 0
    for (let i = from; i < to; i++) words = mixSigned(words ^ hashes[i])
    const key = `${side} ${group} ${to - from} ${words}`
    const form = this.known.get(key) ?? { items: new Set(), places: [], side }
    this.known.set(key, form)
    form.items.add(item)
    form.places.push(place)
  }

  clear(quoted: Uint8Array): void {
    for (const { items, places, side } of this.known.values())
      if (items.size >= FORM_ITEMS) for (const place of places) quoted[place] &= ~side
  }
}
