/** What can be said of a response's quality by counting and without looking at its style: how it meets its prompt, repeats itself, ends. */
import { count, PROMPT_SCRIPTS } from './quality-counts.ts'
import { SCRIPTS } from './surface.ts'

/** The features, in the order in which they stand in the vector; shares of 0 to 1 unless said otherwise. */
export const qualityFeatures = [
  'prompt_words_met', // distinct words of the prompt that the response has
  'last_turn_words_met', // the same of the prompt's last turn
  'words_from_prompt', // distinct words of the response that the prompt has
  'word_pairs_from_prompt',
  'echo', // 1 where nearly all word pairs are the prompt's
  'word_pairs_repeated', // 1 - distinct / all
  'word_triples_repeated',
  'lines_repeated',
  'windows_distinct', // distinct windows of four bytes: how well the text would compress
  'numbers_from_prompt', // numbers of the response that the prompt has
  'prompt_numbers_met',
  'new_numbers', // numbers that the prompt lacks, over words
  'names_from_prompt', // capitalised words inside sentences that the prompt has
  'other_script', // how far the shares of scripts differ from the prompt's last turn
  'refusal_opens', // 1 where the first 40 words refuse
  'refusals', // refusing phrases over words
  'cut_off', // 1 where it ends without a mark that ends something
  'asks_back', // 1 where it ends with a question
  'unbalanced_brackets', // 1 where brackets do not match
  'open_fence', // 1 where a code block is not closed
  'starts_small', // 1 where it starts with a small letter
  'speaks_for_others', // 1 where it goes on with another speaker's turn
  'broken_characters', // U+FFFD over bytes
  'word_bytes', // mean bytes of a word, over 10
  'long_words', // words of nine bytes or more
  'symbols', // ASCII characters that are no letters, digits or white space, over bytes
  'digits',
  'few_words', // 1 where there are fewer than three
] as const

const at = Object.fromEntries(qualityFeatures.map((name, i) => [name, i])) as Record<(typeof qualityFeatures)[number], number>

/** What ends a sentence, a block or a list. */
const ENDS = new Set([...'.!?:;)]}"\'`*>|$…。！？；：）】」』”’»।॥؟'].map(character => character.codePointAt(0)!))
const QUESTIONS = new Set([...'?？؟'].map(character => character.codePointAt(0)!))

/** Writes the features that come of counts[from ..] to `values`. */
export function writeQuality(counts: Int32Array, from: number, values: Float64Array): void {
  const of = (name: keyof typeof count): number => counts[from + count[name]]
  const words = of('words')
  const pairs = Math.max(0, words - 1)
  values[at.prompt_words_met] = share(of('met'), of('prompt_words'))
  values[at.last_turn_words_met] = share(of('last_met'), of('last_words'))
  values[at.words_from_prompt] = share(of('met'), of('distinct'))
  values[at.numbers_from_prompt] = share(of('known_numbers'), of('numbers'))
  values[at.prompt_numbers_met] = share(of('met_numbers'), of('prompt_numbers'))
  values[at.new_numbers] = share(of('numbers') - of('known_numbers'), words)
  values[at.names_from_prompt] = share(of('known_names'), of('names'))
  values[at.word_bytes] = share(of('word_bytes'), words) / 10
  values[at.long_words] = share(of('long_words'), words)
  values[at.few_words] = words < 3 ? 1 : 0
  values[at.refusal_opens] = of('opening_refusals') > 0 ? 1 : 0
  values[at.refusals] = share(of('opening_refusals') + of('later_refusals'), words)
  values[at.word_pairs_from_prompt] = share(of('pairs_from_prompt'), pairs)
  values[at.echo] = pairs > 2 && of('pairs_from_prompt') >= 0.95 * pairs ? 1 : 0
  values[at.word_pairs_repeated] = pairs > 0 ? 1 - of('distinct_pairs') / pairs : 0
  values[at.word_triples_repeated] = pairs > 1 ? 1 - of('distinct_triples') / (pairs - 1) : 0
  values[at.other_script] = distance(counts, from + PROMPT_SCRIPTS, from)
  writeSurface(of, values)
}

function writeSurface(of: (name: keyof typeof count) => number, values: Float64Array): void {
  const bytes = of('bytes')
  values[at.lines_repeated] = share(of('repeated_lines'), of('lines'))
  values[at.windows_distinct] = of('windows') > 0 ? of('distinct_windows') / of('windows') : 1
  values[at.cut_off] = of('last') !== 0 && !ENDS.has(of('last')) ? 1 : 0
  values[at.asks_back] = QUESTIONS.has(of('last')) ? 1 : 0
  values[at.unbalanced_brackets] = of('unbalanced') === 0 ? 0 : 1
  values[at.open_fence] = of('open_fences')
  values[at.starts_small] = of('first') >= 0x61 && of('first') <= 0x7a ? 1 : 0
  values[at.speaks_for_others] = of('speaker_lines') > 0 || of('markers') > 0 ? 1 : 0
  values[at.broken_characters] = share(of('replacements'), bytes)
  values[at.symbols] = share(of('symbols'), bytes)
  values[at.digits] = share(of('digits'), bytes)
}

const share = (part: number, whole: number): number => (whole > 0 ? part / whole : 0)

/** Half the sum of differences of two distributions of letters; 0 where either has none. */
function distance(counts: Int32Array, first: number, second: number): number {
  let [a, b] = [0, 0]
  for (let k = 0; k < SCRIPTS; k++) {
    a += counts[first + k]
    b += counts[second + k]
  }
  if (a === 0 || b === 0) return 0
  let difference = 0
  for (let k = 0; k < SCRIPTS; k++) difference += Math.abs(counts[first + k] / a - counts[second + k] / b)
  return difference / 2
}
