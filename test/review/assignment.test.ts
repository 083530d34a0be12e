import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Assignment } from '../../pipeline/review/assignment.ts'
import { inTurn, type QueuedPair } from '../../pipeline/review/queue.ts'
import { leftFor } from '../../pipeline/review/sides.ts'

const pairs = (n: number): QueuedPair[] =>
  Array.from({ length: n }, (_, i) => ({
    pair_id: i.toString(16).padStart(32, '0'),
    escalated: i % 3 === 0,
    would_turn: i % 12 === 0,
    draw: i % 3 === 1 ? 'audit' : 'targeted',
    row: i,
  }))
const options = { seed: 1, overlap: 2, overlap_share: 0.5, repeat_share: 0 }

describe('assignment', () => {
  it('gives every pair to as many as are wanted, nobody the same twice, whatever the order of requests, answers and restarts', () => {
    const step = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 4 }), fc.boolean(), fc.integer({ min: 0, max: 40 }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 20 }), (steps, n) => {
        const queue = pairs(n)
        let assignment = new Assignment(queue, options)
        const given: [string, number][] = []
        let now = 0
        const work = (name: string, count: number, answers: boolean) => {
          const tasks = assignment.next(name, count, [], (now += 1000))
          expect(new Set(tasks.map(t => t.place)).size).toBe(tasks.length)
          for (const { place } of tasks) {
            expect(given).not.toContainEqual([name, place])
            if (!answers) continue
            assignment.answered(name, queue[place].pair_id, 'first')
            given.push([name, place])
          }
        }
        for (const [name, count, answers, restart] of steps) {
          if (restart === 0) {
            assignment = new Assignment(queue, options)
            for (const [who, place] of given) assignment.answered(who, queue[place].pair_id, 'first')
          }
          work(name, count, answers)
        }
        now += 3_600_000
        for (let round = 0; round < 3 * n; round++) for (const name of ['a', 'b', 'c']) work(name, 4, true)
        const { given: all, wanted, left } = assignment.progress('a')
        expect([all >= wanted, left, given.length]).toEqual([true, 0, all])
      }),
      { seed: 42, numRuns: 150 },
    )
  })

  it('never has a pair on more screens than are wanted, until a screen is forgotten', () => {
    const assignment = new Assignment(pairs(3), { ...options, overlap_share: 0 })
    const places = (name: string, now: number) => assignment.next(name, 2, [], now).map(t => t.place)
    expect([places('a', 0), places('b', 0), places('c', 0)]).toEqual([[0, 1], [2], []])
    expect(places('a', 1000)).toEqual([0, 1])
    expect(places('c', 3_600_000)).toHaveLength(2)
  })

  it('gives a held pair back after a restart, and one whose answer was taken back', () => {
    const assignment = new Assignment(pairs(5), { ...options, overlap_share: 0 })
    expect(assignment.next('a', 2, [{ place: 3, kind: 'first' }], 0).map(t => t.place)).toEqual([3, 0])
    assignment.answered('a', pairs(5)[3].pair_id, 'first')
    assignment.undone('a', pairs(5)[3].pair_id, 'first')
    expect(assignment.next('a', 5, [], 0).map(t => t.place)).toContain(3)
  })

  it('repeats a share of an annotator’s pairs some answers later', () => {
    const queue = pairs(400)
    const assignment = new Assignment(queue, { ...options, overlap_share: 0, repeat_share: 0.05 })
    const order: string[] = []
    for (;;) {
      const [task] = assignment.next('a', 1, [], 0)
      if (!task) break
      order.push(`${task.kind} ${task.place}`)
      assignment.answered('a', queue[task.place].pair_id, task.kind)
    }
    const repeats = order.filter(o => o.startsWith('repeat'))
    expect(order.length - repeats.length).toBe(400)
    expect(repeats.length).toBeGreaterThan(8)
    expect(repeats.length).toBeLessThan(35)
    // the last ones come at the end, when nothing else is left
    for (const repeat of repeats.slice(0, -2))
      expect(order.indexOf(repeat) - order.indexOf(repeat.replace('repeat', 'first'))).toBeGreaterThanOrEqual(10)
  })
})

it('mixes what waits, audit and targeted pairs, so that any beginning holds a part of each', () => {
  const first = inTurn(pairs(300), 7).slice(0, 40)
  expect(first.filter(p => p.would_turn)).toHaveLength(10)
  expect(first.filter(p => p.escalated && !p.would_turn)).toHaveLength(10)
  expect(first.filter(p => p.draw === 'audit')).toHaveLength(10)
  expect(inTurn(pairs(300).reverse(), 7)).toEqual(inTurn(pairs(300), 7))
  // of all audited pairs, those that wait are asked about neither sooner nor later
  const mixed = pairs(300).map((pair, i) => ({ ...pair, draw: i % 2 === 0 ? ('audit' as const) : ('targeted' as const) }))
  const audited = (of: readonly QueuedPair[]) => of.filter(({ draw }) => draw === 'audit')
  const asIf = inTurn(
    mixed.map(pair => ({ ...pair, escalated: false, would_turn: false })),
    7,
  )
  expect(audited(inTurn(mixed, 7)).map(p => p.row)).toEqual(audited(asIf).map(p => p.row))
  expect(inTurn(pairs(300), 8)).not.toEqual(inTurn(pairs(300), 7))
})

it('shows each side left half of the time, other pairs to other people, and a repeat the other way round', () => {
  const ids = pairs(2000).map(p => p.pair_id)
  const left = (name: string, seed = 1) => ids.map(id => leftFor(id, name, seed, 'first'))
  const ann = left('ann')
  const share = ann.filter(side => side === 'chosen').length / ids.length
  expect(Math.abs(share - 0.5)).toBeLessThan(0.04)
  expect(ann).toEqual(left('ann'))
  for (const other of [left('bob'), left('ann', 2)]) {
    const same = other.filter((side, i) => side === ann[i]).length / ids.length
    expect(Math.abs(same - 0.5)).toBeLessThan(0.06)
  }
  expect(ids.every(id => leftFor(id, 'ann', 1, 'repeat') !== leftFor(id, 'ann', 1, 'first'))).toBe(true)
})
