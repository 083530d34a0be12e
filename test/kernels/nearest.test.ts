import { describe, expect, it } from 'vitest'
import { hashedEmbedding, normalise } from '../../pipeline/kernels/hashed-embedding.ts'
import { nearestAmong, nearestSurvivors } from '../../pipeline/kernels/nearest.ts'
import { Draws, unit } from '../../pipeline/kernels/random.ts'
import { pairsOf } from '../drive.ts'

/** Unit vectors, a third of them close to an earlier one. */
function vectorsOf(rows: number, dims: number, seed: number): Float32Array {
  const draws = new Draws().start(seed, 0, 0)
  const vectors = new Float32Array(rows * dims)
  for (let i = 0; i < rows; i++) {
    const near = i > 0 && draws.chance(0.33) ? draws.below(i) : -1
    let length = 0
    for (let k = 0; k < dims; k++) {
      const value = near < 0 ? draws.normal() : vectors[near * dims + k] + (draws.normal() * 0.5) / Math.sqrt(dims)
      vectors[i * dims + k] = value
      length += value * value
    }
    for (let k = 0; k < dims; k++) vectors[i * dims + k] /= Math.sqrt(length)
  }
  return vectors
}

const cosineOf = (vectors: Float32Array, dims: number, i: number, j: number): number => {
  let sum = 0
  for (let k = 0; k < dims; k++) sum += vectors[i * dims + k] * vectors[j * dims + k]
  return sum
}
const upTo = (rows: number): Int32Array => Int32Array.from({ length: rows }, (_, i) => i)

describe('nearest survivors', () => {
  it('are those of all pairs compared', async () => {
    const [rows, dims] = [2000, 32]
    const vectors = vectorsOf(rows, dims, 1)
    const { of, cosine } = await nearestSurvivors(vectors, dims, upTo(rows), 0.9)
    const kept: number[] = []
    let differ = 0
    for (let i = 0; i < rows; i++) {
      let best = -1
      for (const j of kept)
        if (cosineOf(vectors, dims, i, j) >= 0.9 && (best < 0 || cosineOf(vectors, dims, i, j) > cosineOf(vectors, dims, i, best))) best = j
      if (best < 0) kept.push(i)
      if (best !== of[i]) differ++
    }
    expect(kept.length).toBeGreaterThan(1000)
    expect(kept.length).toBeLessThan(1900)
    // the graph is approximate
    expect(differ).toBeLessThanOrEqual(rows / 200)
    for (let i = 0; i < rows; i++)
      if (of[i] >= 0) {
        expect(of[of[i]]).toBe(-1)
        expect(cosine[i]).toBe(cosineOf(vectors, dims, i, of[i]))
        expect(cosine[i]).toBeGreaterThanOrEqual(0.9)
      }
    const again = await nearestSurvivors(vectors, dims, upTo(rows), 0.9)
    expect(again).toEqual({ of, cosine })
  })

  it('go by the order given, and zeros are near nothing', async () => {
    const vectors = Float32Array.of(1, 0, 1, 0, 0, 0, 0, 0, 0, 1)
    const { of } = await nearestSurvivors(vectors, 2, Int32Array.of(1, 0, 2, 3, 4), 0.9)
    expect([...of]).toEqual([1, -1, -1, -1, -1])
  })

  it('hold for 20,000 copies of one vector', async () => {
    const vectors = new Float32Array(20_000 * 16).fill(0.25)
    const { of } = await nearestSurvivors(vectors, 16, upTo(20_000), 1 - 1e-9)
    expect(of.reduce((n, other) => n + (other === 0 ? 1 : 0), 0)).toBe(19_999)
  })
})

describe('hashed embeddings', () => {
  const DIMS = 256
  const cosines = (...prompts: string[]): number[] => {
    const vectors = hashedEmbedding(pairsOf(prompts.map(prompt => ({ prompt }))).columns.prompt, prompts.length, DIMS, 42)
    return prompts.slice(1).map((_, i) => cosineOf(vectors, DIMS, 0, i + 1))
  }

  it('put rewordings of a prompt nearer than other prompts', () => {
    const [reworded, other] = cosines(
      'What is the capital city of France?',
      "what's the capital city of France",
      'How do I bake sourdough bread at home without an oven?',
    )
    expect(reworded).toBeGreaterThan(0.85)
    expect(Math.abs(other)).toBeLessThan(0.3)
  })

  it('are of length 1, or zeros without words', () => {
    const vectors = hashedEmbedding(pairsOf([{ prompt: 'a few words' }, { prompt: '!?' }, { prompt: '' }]).columns.prompt, 3, DIMS, 42)
    expect([0, 1, 2].map(i => cosineOf(vectors, DIMS, i, i))).toEqual([expect.closeTo(1, 5), 0, 0])
  })

  it('of the same words are the same', () => {
    expect(cosines('水的沸点是多少', '水的沸点是多少')[0]).toBeCloseTo(1, 6)
    expect(cosines('Hello there, world', 'hello there WORLD!')[0]).toBeCloseTo(1, 6)
  })
})

describe('nearestAmong', () => {
  it('names the vector of the highest cosine as a search of all does, the first of equals, and none for zeros', async () => {
    const dims = 32
    const cloud = (count: number, salt: number): Float32Array => {
      const vectors = Float32Array.from({ length: count * dims }, (_, i) => unit(salt, i, 1) - 0.5)
      for (let i = 0; i < count; i++) normalise(vectors.subarray(i * dims, (i + 1) * dims))
      return vectors
    }
    const [among, vectors] = [cloud(400, 1), cloud(300, 2)]
    vectors.set(among.subarray(5 * dims, 6 * dims), 0)
    among.set(among.subarray(5 * dims, 6 * dims), 9 * dims)
    vectors.fill(0, dims, 2 * dims)
    const { of, cosine } = (await nearestAmong(among, dims))(vectors)
    expect([of[0], cosine[0]]).toEqual([5, expect.closeTo(1, 5)])
    expect([of[1], cosine[1]]).toEqual([-1, 0])
    const dotOf = (a: number, b: number): number =>
      Array.from({ length: dims }, (_, k) => vectors[a * dims + k] * among[b * dims + k]).reduce((x, y) => x + y, 0)
    const same = Array.from(of.keys()).filter(i => {
      const best = Math.max(...Array.from({ length: 400 }, (_, j) => dotOf(i, j)))
      return Math.abs(best - cosine[i]) < 1e-9
    })
    expect(same.length).toBeGreaterThan(290)
    expect((await nearestAmong(new Float32Array(0), dims))(vectors).of.every(place => place === -1)).toBe(true)
  })
})
