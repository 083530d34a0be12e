/** An index of texts by their n-grams of words, for finding verbatim pieces of them in a stream of other texts. */
import type { Utf8 } from '../batch.ts'
import { excerpt } from './excerpt.ts'
import { mixSigned } from './mix.ts'
import { plainWords } from './plain-words.ts'
import { quotedWords } from './quotations.ts'
import type { Tokens } from './tokens.ts'

/** What to index: one row a text. Texts of one item belong together, and so do items of one group (a benchmark). */
export interface IndexedTexts {
  readonly texts: Utf8
  readonly item: Int32Array
  readonly group: Int32Array
  /** Words of an n-gram; a text of fewer words counts only as a whole. */
  readonly ngram: Int32Array
}

/** Text t's words are starts[t] .. starts[t + 1]; a word's number also names the n-gram that begins with it. */
export interface NgramIndex extends IndexedTexts {
  readonly words: Tokens
  readonly starts: Int32Array
  readonly hashes: Uint32Array
  /** The first n-gram of the same words, by its first word; -1 where no n-gram begins. A text that counts as a whole is one n-gram. */
  readonly grams: Int32Array
  /** By n-gram: 1 = says nothing about which text it is of: numbers, few different words, or boilerplate of its group. */
  readonly weak: Uint8Array
  /** By word: whether a quotation may begin or end there; OPENS and CLOSES of quotations.ts. */
  readonly quoted: Uint8Array
  readonly seeds: Seeds
}

/** N-grams by which texts are found, each with the places where a text has it. */
export interface Seeds {
  /** Lengths of the seeds, in words. */
  readonly lengths: readonly number[]
  /** One bit for each hash; most n-grams of a stream are told apart by it alone. */
  readonly filter: Uint32Array
  /** Open addressing: 1 + the first place of the hash in that slot, 0 = free. */
  readonly slots: Int32Array
  readonly hash: Int32Array
  readonly text: Int32Array
  /** Where in the text the seed begins; words from the text's first. */
  readonly offset: Int32Array
  /** The next place with the same hash, -1 = none. */
  readonly next: Int32Array
}

/** An n-gram that so many items of one group share is a form, not a content. */
const FORM_ITEMS = 3
/** An n-gram of more items finds none of them, except where a text has no rarer one. */
const SEED_ITEMS = 16
/** Seeds of texts that count as a whole: the longest that fits. */
const SHORT_SEEDS = [8, 5, 3, 2, 1]

const BASE = 0x9e3779b3

export const seedHash = (h: number, length: number): number => mixSigned(h ^ Math.imul(length, 0x85ebca6b))
export const absorbWord = (h: number, word: number): number => (Math.imul(h, BASE) + word) | 0

/** BASE ** n modulo 2^32: by what a word is multiplied when n words were absorbed after it. */
export function wordPower(n: number): number {
  let p = 1
  for (let i = 0; i < n; i++) p = Math.imul(p, BASE)
  return p
}

export function buildNgramIndex(indexed: IndexedTexts): NgramIndex {
  const words = plainWords(indexed.texts)
  const { starts, hashes } = words
  const { grams, items, groupItems } = countGrams(indexed, starts, hashes)
  const weak = new Uint8Array(hashes.length)
  for (let t = 0; t + 1 < starts.length; t++)
    for (let at = starts[t]; at < starts[t + 1]; at++)
      if (grams[at] === at && starts[t + 1] - starts[t] >= indexed.ngram[t])
        weak[at] = groupItems[at] >= FORM_ITEMS || saysNothing(indexed.texts.bytes, words, at, indexed.ngram[t]) ? 1 : 0
  const quoted = quotedWords(indexed.texts, words, indexed.item, indexed.group)
  return { ...indexed, words, starts, hashes, grams, weak, quoted, seeds: buildSeeds(indexed, starts, hashes, grams, items) }
}

/** Names every n-gram by its first place, and counts the items that have it: all of them, and the most of one group. */
function countGrams({ item, group, ngram }: IndexedTexts, starts: Int32Array, hashes: Uint32Array) {
  const count = hashes.length
  const grams = new Int32Array(count).fill(-1)
  const items = new Int32Array(count)
  const groupItems = new Int32Array(count)
  const last = new Int32Array(count).fill(-1)
  const inGroup = new Int32Array(count)
  const lengthOf = new Int32Array(count)
  const mask = tableSize(count) - 1
  const slots = new Int32Array(mask + 1)
  const order = Array.from(group.keys()).sort((a, b) => group[a] - group[b] || item[a] - item[b])
  for (const t of order) {
    const length = Math.min(ngram[t], starts[t + 1] - starts[t])
    if (length === 0) continue
    for (let at = starts[t]; at + length <= starts[t + 1]; at++) {
      let slot = hashOf(hashes, at, length) & mask
      while (slots[slot] !== 0 && !sameWords(hashes, lengthOf, slots[slot] - 1, at, length)) slot = (slot + 1) & mask
      if (slots[slot] === 0) {
        slots[slot] = at + 1
        lengthOf[at] = length
      }
      const gram = slots[slot] - 1
      grams[at] = gram
      const before = last[gram]
      last[gram] = t
      if (before >= 0 && item[before] === item[t]) continue
      inGroup[gram] = before >= 0 && group[before] === group[t] ? inGroup[gram] + 1 : 1
      groupItems[gram] = Math.max(groupItems[gram], inGroup[gram])
      items[gram]++
    }
  }
  return { grams, items, groupItems }
}

const tableSize = (entries: number): number => 2 ** Math.ceil(Math.log2(entries * 2 + 2))

function hashOf(hashes: Uint32Array, at: number, length: number): number {
  let h = 0
  for (let i = at; i < at + length; i++) h = absorbWord(h, hashes[i])
  return seedHash(h, length)
}

function sameWords(hashes: Uint32Array, lengthOf: Int32Array, a: number, b: number, length: number): boolean {
  if (lengthOf[a] !== length) return false
  for (let k = 0; k < length; k++) if (hashes[a + k] !== hashes[b + k]) return false
  return true
}

/** Whether an n-gram is nearly all numbers (a series, a table), or a few words over and over. */
function saysNothing(bytes: Uint8Array, { hashes, begins }: Tokens, at: number, ngram: number): boolean {
  if (ngram < 4) return false
  let numbers = 0
  for (let i = at; i < at + ngram; i++) if (bytes[begins[i]] >= 0x30 && bytes[begins[i]] <= 0x39) numbers++
  return numbers >= 0.75 * ngram || !hasMoreThan(ngram / 3, hashes, at, ngram)
}

/** Whether so many different words are among hashes[at .. at + count); nearly always the first few words tell. */
function hasMoreThan(most: number, hashes: Uint32Array, at: number, count: number): boolean {
  let different = 0
  for (let i = at; i < at + count; i++) {
    let k = at
    while (hashes[k] !== hashes[i]) k++
    if (k === i && ++different > most) return true
  }
  return false
}

/** Long texts are found by all their n-grams that are not too common, short ones by their rarest seed. */
function buildSeeds(indexed: IndexedTexts, starts: Int32Array, hashes: Uint32Array, grams: Int32Array, items: Int32Array): Seeds {
  const found: { text: number; offset: number; length: number }[] = []
  const shortCounts = countShortSeeds(indexed, starts, hashes)
  for (let t = 0; t + 1 < starts.length; t++) {
    const size = starts[t + 1] - starts[t]
    if (size === 0) continue
    const long = size >= indexed.ngram[t]
    const length = long ? indexed.ngram[t] : shortSeed(size)
    const commonness = (offset: number): number =>
      long ? items[grams[starts[t] + offset]] : shortCounts.get(hashOf(hashes, starts[t] + offset, length))!
    let rarest = 0
    for (let offset = 1; offset + length <= size; offset++) if (commonness(offset) < commonness(rarest)) rarest = offset
    const most = long ? SEED_ITEMS : 0
    if (commonness(rarest) > most) found.push({ text: t, offset: rarest, length })
    const seen = new Set<number>()
    for (let offset = 0; long && offset + length <= size; offset++) {
      const gram = grams[starts[t] + offset]
      if (items[gram] <= most && !seen.has(gram)) found.push({ text: t, offset, length })
      seen.add(gram)
    }
  }
  return seedTable(found, starts, hashes)
}

const shortSeed = (size: number): number => SHORT_SEEDS.find(length => length <= size)!

function countShortSeeds({ ngram }: IndexedTexts, starts: Int32Array, hashes: Uint32Array): Map<number, number> {
  const counts = new Map<number, number>()
  for (let t = 0; t + 1 < starts.length; t++) {
    const size = starts[t + 1] - starts[t]
    if (size === 0 || size >= ngram[t]) continue
    const length = shortSeed(size)
    for (let at = starts[t]; at + length <= starts[t + 1]; at++) {
      const hash = hashOf(hashes, at, length)
      counts.set(hash, (counts.get(hash) ?? 0) + 1)
    }
  }
  return counts
}

type Place = { readonly text: number; readonly offset: number; readonly length: number }

function seedTable(places: readonly Place[], starts: Int32Array, hashes: Uint32Array): Seeds {
  const size = tableSize(places.length)
  const filter = new Uint32Array(Math.max(1 << 11, size))
  const slots = new Int32Array(size)
  const hash = Int32Array.from(places, ({ text, offset, length }) => hashOf(hashes, starts[text] + offset, length))
  const next = new Int32Array(places.length).fill(-1)
  for (let p = places.length - 1; p >= 0; p--) {
    const bit = filterBit(hash[p], filter)
    filter[bit >>> 5] |= 1 << (bit & 31)
    let slot = hash[p] & (size - 1)
    while (slots[slot] !== 0 && hash[slots[slot] - 1] !== hash[p]) slot = (slot + 1) & (size - 1)
    next[p] = slots[slot] - 1
    slots[slot] = p + 1
  }
  return {
    lengths: [...new Set(places.map(place => place.length))].sort((a, b) => b - a),
    filter,
    slots,
    hash,
    text: Int32Array.from(places, place => place.text),
    offset: Int32Array.from(places, place => place.offset),
    next,
  }
}

/** The bit of a hash in the filter is taken from its high bits, as its low ones choose the slot. */
export const FILTER_SHIFT = 7
const filterBit = (hash: number, filter: Uint32Array): number => (hash >>> FILTER_SHIFT) & (filter.length * 32 - 1)

/** Most bytes of a passage that are shown. */
const SHOWN_BYTES = 400

/** The text of n-grams that follow one another, as it is written where they first stand. */
export function gramsText({ texts, words, starts, ngram }: NgramIndex, first: number, last: number): string {
  let text = 0
  while (starts[text + 1] <= first) text++
  const end = words.ends[Math.min(last + ngram[text], starts[text + 1]) - 1]
  return excerpt(texts.bytes.subarray(words.begins[first], end), SHOWN_BYTES)
}
