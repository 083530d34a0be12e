/** What is counted of a response: characters by their sign (style-signs.ts), then these, in the order in which the compiled kernel has them. */
import { SIGNS } from './style-signs.ts'

/** Of the text outside fenced code but for the last two of these. */
export const CHARACTERS = SIGNS
export const HEADERS = SIGNS + 1
export const ORDERED = SIGNS + 2
export const UNORDERED = SIGNS + 3
export const BOLD = SIGNS + 4
export const SENTENCES = SIGNS + 5
export const LINES = SIGNS + 6
export const PARAGRAPHS = SIGNS + 7
export const CODE_BLOCKS = SIGNS + 8
export const CODE_CHARACTERS = SIGNS + 9
/** Of the words outside fenced code. `OPENER` is 1 where the first of them begins an opener. */
export const WORDS = SIGNS + 10
export const DIFFERENT = SIGNS + 11
export const HEDGES = SIGNS + 12
export const OPENER = SIGNS + 13
export const COUNTS = SIGNS + 14
