/** Broken versions of a file's bytes, the same for the same seed. */
import { draws } from '../draws.mjs'

/** Numbers that stand at the edges of lengths, offsets and indices. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 1 << 20]
/** Pieces that mean something to one of the readers. */
const PIECES = [
  '{', '}', '[', ']', '"', ',', '\n', '\r', '\0', '\\ud800', '\\', '\ufeff', '\u2028', '1e999', '-0', 'null', '[['.repeat(60), '{"a":'.repeat(60),
  '&a [*a, *a]', '<<: *a', '- ', ': ', '!!js/function', '"__proto__": ', '"constructor": ', '../../', '${HOME}', 'PAR1', '\x1f\x8b', '\xff\xff\xff\xff',
].map(text => Buffer.from(text, text.includes('\xff') || text.includes('\x8b') ? 'latin1' : 'utf8'))

const kinds = [
  function flipped(bytes, int) {
    const broken = Buffer.from(bytes)
    broken[int(bytes.length)] ^= 1 << int(8)
    return broken
  },
  function changed(bytes, int) {
    const broken = Buffer.from(bytes)
    broken[int(bytes.length)] = int(256)
    return broken
  },
  function atAnEdge(bytes, int) {
    const broken = Buffer.from(bytes)
    const edge = EDGES[int(EDGES.length)]
    const at = int(bytes.length)
    if (at + 4 <= bytes.length) broken.writeUInt32LE(edge >>> 0, at)
    else broken[at] = edge & 255
    return broken
  },
  function cut(bytes, int) {
    return bytes.subarray(0, int(bytes.length))
  },
  function without(bytes, int) {
    const at = int(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + int(40))])
  },
  function twice(bytes, int) {
    const at = int(bytes.length)
    const end = Math.min(bytes.length, at + 1 + int(200))
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])
  },
  function withMore(bytes, int) {
    const at = int(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), PIECES[int(PIECES.length)], bytes.subarray(at)])
  },
  function blanked(bytes, int) {
    const broken = Buffer.from(bytes)
    const at = int(bytes.length)
    broken.fill(0, at, Math.min(broken.length, at + 1 + int(64)))
    return broken
  },
]
/** One wrong bit or byte gets furthest: half of all. */
const SMALL = 3

/** The `index`-th broken version of one of the samples. */
export function mutated(samples, seed, index) {
  const random = draws(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b))
  const int = below => Math.floor(random() * Math.max(below, 1))
  const sample = samples[int(samples.length)]
  let { bytes } = sample
  for (let left = random() < 0.7 ? 1 : 1 + int(4); left > 0; left--) {
    const kind = kinds[random() < 0.5 ? int(SMALL) : int(kinds.length)]
    bytes = kind(bytes, int)
  }
  return { sample, bytes }
}
