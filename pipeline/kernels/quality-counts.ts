/** What is counted of a response under its prompt, in the order in which the compiled kernel has it. */
import { SCRIPTS } from './surface.ts'

/** Letters by group of scripts come first: those of the response, then those of the prompt's last turn. */
export const PROMPT_SCRIPTS = SCRIPTS

const names = [
  ...['prompt_words', 'last_words', 'prompt_numbers'], // distinct, of the prompt; `last`: of its last turn
  ...[
    'words',
    'distinct',
    'met',
    'last_met',
    'numbers',
    'known_numbers',
    'met_numbers',
    'names',
    'known_names',
    'word_bytes',
    'long_words',
  ],
  ...['opening_refusals', 'later_refusals', 'pairs_from_prompt', 'distinct_pairs', 'distinct_triples'],
  ...['bytes', 'symbols', 'digits', 'unbalanced', 'replacements', 'markers'], // from here on as `Surface` has them
  ...['open_fences', 'lines', 'repeated_lines', 'speaker_lines', 'windows', 'distinct_windows', 'first', 'last'],
] as const

/** Where each of the others stands. */
export const count = Object.fromEntries(names.map((name, k) => [name, 2 * SCRIPTS + k])) as Record<(typeof names)[number], number>
export const COUNTS = 2 * SCRIPTS + names.length
