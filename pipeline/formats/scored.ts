/** `scored`: a prompt with n responses and their scores, ratings or ranks -> pairs. */
import type { Text } from '../codecs/row-source.ts'
import { questionAt } from './dpo.ts'
import { assistantTurn, firstOf, isObject, textAt, wrong } from './fields.ts'
import { FieldError, type ReadFormat, type ReadOptions, type ReadPair, type Row, type Turn } from './format.ts'

export const RESPONSES = ['responses', 'candidates', 'completions', 'answers', 'generations'] as const
const TEXTS = ['text', 'content', 'response', 'completion', 'answer', 'output'] as const
const HIGHER = ['scores', 'ratings', 'rewards', 'score', 'rating', 'reward', 'overall_score'] as const
const LOWER = ['ranks', 'ranking', 'rankings', 'rank'] as const
/** Columns of other names that say how long, how many or which, and not how good. */
const NO_SCORES =
  /(^|_)(tokens?|words?|chars?|characters|bytes|lengths?|len|counts?|num|n|ids?|idx|index|indices|seeds?|times?|turns?)(_|$)/i
const JUDGED = /scor|rating|reward|pref|judg/i
/** Columns that count from the best. */
const PLACES = /rank|(^|_)(place|position)s?(_|$)/i

/** n responses make n(n - 1)/2 pairs: with more than these, a row would become hundreds of thousands. */
const MOST = 256

interface Scored {
  readonly index: number
  readonly text: Text
  /** Higher is better. */
  readonly score: number
}

export const readScored: ReadFormat = (row, options) => {
  const name = firstOf(row, RESPONSES)
  if (name === undefined) throw new FieldError(RESPONSES[0], `is missing (also looked for ${RESPONSES.slice(1).join(', ')})`)
  const list = row[name]
  if (!Array.isArray(list)) throw wrong(name, 'a list of responses', list)
  const prompt = questionAt(row)
  const scored = list.every(isObject) ? scoredObjects(list as Row[], name) : scoredTexts(row, list, name)
  if (options.pairs === 'all' && scored.length > MOST)
    throw new FieldError(name, `expected at most ${MOST} responses for \`pairs: all\`, got ${scored.length}; set \`pairs: best\``)
  const pairs = pairsOf(prompt, scored, options)
  if (pairs.length === 0) throw new FieldError(name, `expected at least two responses with a score, got ${scored.length} of ${list.length}`)
  return pairs
}

/** [{text, score}, ...] */
function scoredObjects(list: readonly Row[], name: string): Scored[] {
  return list.flatMap((response, index) => {
    const text = firstOf(response, TEXTS)
    if (text === undefined) throw new FieldError(`${name}.${index}`, `expected a text under one of ${TEXTS.join(', ')}`)
    const key = firstOf(response, [...HIGHER, ...LOWER])
    if (key === undefined) throw new FieldError(`${name}.${index}`, `expected a number under one of ${[...HIGHER, ...LOWER].join(', ')}`)
    return scoredOne(index, textAt(response[text], `${name}.${index}.${text}`), response[key], key, `${name}.${index}.${key}`)
  })
}

/** Responses as texts beside a list of numbers: under a usual name, else the only list of numbers that is as long. */
function scoredTexts(row: Row, list: readonly unknown[], name: string): Scored[] {
  const texts = list.map((text, i) => textAt(text, `${name}.${i}`))
  const key = firstOf(row, [...HIGHER, ...LOWER]) ?? onlyNumbers(row, list.length)
  if (key === undefined)
    throw new FieldError(
      'scores',
      `is missing (also looked for ${[...HIGHER, ...LOWER].slice(1).join(', ')}, or one list of ${list.length} numbers that are no lengths or counts by its name)`,
    )
  const numbers = row[key]
  if (!Array.isArray(numbers) || numbers.length !== list.length)
    throw new FieldError(
      key,
      `expected ${list.length} numbers, one a response, got ${Array.isArray(numbers) ? numbers.length : typeof numbers}`,
    )
  return texts.flatMap((text, i) => scoredOne(i, text, numbers[i], key, `${key}.${i}`))
}

function onlyNumbers(row: Row, length: number): string | undefined {
  const fitting = Object.entries(row).filter(
    ([name, v]) =>
      (!NO_SCORES.test(name) || JUDGED.test(name)) &&
      Array.isArray(v) &&
      v.length === length &&
      v.some(x => x !== null) &&
      v.every(x => x === null || typeof x === 'number'),
  )
  return fitting.length === 1 ? fitting[0][0] : undefined
}

/** The column of an unusual name by which responses beside a list of numbers are ranked, and how; to be told to the user. */
export function scoreColumn(row: Row): string[] {
  const list = row[firstOf(row, RESPONSES) ?? '']
  if (!Array.isArray(list) || list.every(isObject) || firstOf(row, [...HIGHER, ...LOWER]) !== undefined) return []
  const key = onlyNumbers(row, list.length)
  return key === undefined ? [] : [`${key}, where ${PLACES.test(key) ? 'lower' : 'higher'} is better`]
}

/** A response without a score is left out. */
function scoredOne(index: number, text: Text, value: unknown, key: string, field: string): Scored[] {
  if (value === null || value === undefined) return []
  const score = typeof value === 'bigint' ? Number(value) : value
  if (typeof score !== 'number' || !Number.isFinite(score)) throw wrong(field, 'a number or null', value)
  return [{ index, text, score: PLACES.test(key) ? -score : score }]
}

function pairsOf(prompt: readonly Turn[], scored: readonly Scored[], { pairs, min_gap }: ReadOptions): ReadPair[] {
  if (pairs === 'all') return scored.flatMap((a, i) => scored.slice(i + 1).map(b => pairOf(prompt, a, b, min_gap)))
  const best = scored.reduce((top, s) => (s.score > top.score ? s : top), scored[0])
  return scored
    .filter(s => s !== best)
    .map(s => (best.index < s.index ? pairOf(prompt, best, s, min_gap) : pairOf(prompt, s, best, min_gap)))
}

const ROUNDING = 4 * Number.EPSILON

/** `a` comes before `b` in the source; a tie keeps that order. */
function pairOf(prompt: readonly Turn[], a: Scored, b: Scored, min_gap: number): ReadPair {
  const gap = Math.abs(a.score - b.score)
  // .8 and .7 are a tie at .1, although their difference in binary is a trifle more
  const tie = min_gap > 0 ? gap <= min_gap + ROUNDING * Math.max(Math.abs(a.score), Math.abs(b.score)) : gap === 0
  const [better, worse] = tie || a.score > b.score ? [a, b] : [b, a]
  return {
    prompt,
    chosen: [assistantTurn(better.text)],
    rejected: [assistantTurn(worse.text)],
    tie,
    suffix: `#${better.index}-${worse.index}`,
  }
}
