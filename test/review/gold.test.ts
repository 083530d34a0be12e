/** Hidden gold checks: mixed in, told apart by nobody on the page, and never a judgement of the build. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openFinished } from '../../pipeline/finished.ts'
import { agreementOf, annotatorFigures } from '../../pipeline/judgements/agreement.ts'
import { effectiveAnswers } from '../../pipeline/judgements/effective.ts'
import { judgedOf } from '../../pipeline/judgements/judged.ts'
import { readLogs } from '../../pipeline/judgements/log.ts'
import { Annotators } from '../../pipeline/review/annotators.ts'
import { readGold } from '../../pipeline/review/gold.ts'
import { openQueue } from '../../pipeline/review/queue.ts'
import { Session } from '../../pipeline/review/session.ts'
import type { Task } from '../../pipeline/review/tasks.ts'
import { freshDir, goldpan } from '../cli.ts'
import { buildOf } from './app.ts'

const PAIRS = 200
const GOLD = 15
const dir = await buildOf(Array.from({ length: PAIRS }, () => ({})))
const file = join(freshDir('gold'), 'gold.jsonl')
const row = (i: number) => ({ prompt: `Gold ${i}: is ${i} a number?`, chosen: `Yes, ${i} is one.`, rejected: 'Bananas are yellow.' })
writeFileSync(file, Array.from({ length: GOLD }, (_, i) => `${JSON.stringify(row(i))}\n`).join(''))
const gold = await readGold(file)

async function opened(log: string, share = 0.05): Promise<{ session: Session; annotators: Annotators }> {
  const annotators = new Annotators(`${log}.annotators.json`, ['ann', 'bob'], ['judge'])
  const queue = await openQueue(openFinished(dir), 42)
  const assigning = { seed: 42, overlap: 2, overlap_share: 1, repeat_share: 0 }
  return { annotators, session: new Session(queue, annotators, { log, others: [], ...assigning, protocol: 'p', gold, gold_share: share }) }
}
const isGold = (task: Task): boolean => task.prompt[0].html.includes('Gold')
let n = 0
/** Answers by the right side of gold pairs, or the wrong one, and A for others. */
function answer(session: Session, name: string, task: Task, right: boolean): void {
  const better = task.left.includes('Yes,') === right ? 'left' : 'right'
  const given = {
    pair_id: task.pair_id,
    kind: 'first' as const,
    ticket: task.ticket,
    strength: 2,
    reason: null,
    flagged: false,
    seconds: 3,
  }
  const outcome = isGold(task) ? better : 'left'
  session.answer({ name, role: 'annotator' }, { ...given, id: `answer-${n++}`, outcome }, new Date(1.7e12 + n * 1000))
}
/** Everything that somebody is asked, four at a time as the page does; the count before each. */
async function work(session: Session, name: string, right: boolean): Promise<Task[]> {
  const who = { name, role: 'annotator' } as const
  const asked: Task[] = []
  for (let held: Task[] = []; ; ) {
    const known = new Set(held.map(({ pair_id }) => pair_id))
    held.push(...(await session.next(who, 4, held, 0)).filter(({ pair_id }) => !known.has(pair_id)))
    const task = held.shift()
    if (!task) return asked
    const { answered } = session.progress(who)
    answer(session, name, task, right)
    expect(session.progress(who).answered).toBe(answered + 1)
    asked.push(task)
    held = held.slice(0, 3)
  }
}

describe('gold checks', () => {
  const log = join(freshDir('gold-log'), 'log.jsonl')

  it('come about once in twenty pairs, each once, look like any pair, and are counted like one', async () => {
    const { session } = await opened(log)
    for (const name of ['ann', 'bob']) {
      const asked = await work(session, name, name === 'ann')
      const places = asked.flatMap((task, i) => (isGold(task) ? [i] : []))
      expect(asked.length).toBe(PAIRS + places.length)
      expect(places.length).toBeGreaterThanOrEqual(4)
      expect(new Set(places.map(i => asked[i].pair_id)).size).toBe(places.length)
      expect(places[0]).toBeLessThan(PAIRS * 0.6)
      expect(new Set(asked.map(({ kind }) => kind))).toEqual(new Set(['first']))
      expect(asked.every(task => Object.keys(task).sort().join() === Object.keys(asked[0]).sort().join())).toBe(true)
      expect(session.progress({ name, role: 'annotator' })).toMatchObject({ answered: asked.length, left: 0 })
    }
    expect((await session.next({ name: 'judge', role: 'adjudicator' }, 8, [], 0)).some(isGold)).toBe(false)
    await session.close()
  })

  it('stand in the log as what they are, tell who is right, and say nothing of the build', () => {
    const answers = effectiveAnswers(readLogs([log]))
    const checks = answers.filter(({ kind }) => kind === 'gold')
    expect(checks.every(({ pair_id }) => gold.some(one => one.pair_id === pair_id))).toBe(true)
    const ids = new Set(checks.map(({ pair_id }) => pair_id))
    const judged = judgedOf(answers)
    expect([judged.size, [...judged.keys()].some(id => ids.has(id))]).toEqual([PAIRS, false])
    expect(judged).toEqual(judgedOf(answers.filter(({ kind }) => kind !== 'gold')))
    expect(agreementOf(answers, id => id, 1)).toMatchObject({ pairs: PAIRS })
    const [ann, bob] = annotatorFigures(answers)
    expect([ann.gold_right, bob.gold_right, ann.answers]).toEqual([1, 0, PAIRS])
    expect(ann.gold).toBeGreaterThanOrEqual(4)
    expect(bob.e_value).toBeGreaterThan(20)
    expect(ann.e_value).toBeLessThan(20)
    expect(goldpan(['review', 'status', dir, '--log', log]).stdout).toMatch(/gold right[\s\S]*ann .*100.0 % of \d+/)
    const { pairs } = JSON.parse(goldpan(['review', 'status', dir, '--log', log, '--json']).stdout) as { pairs: object }
    expect(pairs).toMatchObject({ unknown: 0, asked: PAIRS })
  })

  it('alone tell how good a single annotator is', () => {
    const answers = effectiveAnswers(readLogs([log])).filter(({ annotator }) => annotator === 'ann')
    expect(annotatorFigures(answers)[0].accuracy).toBeGreaterThan(0.9)
    expect(annotatorFigures(answers.filter(({ kind }) => kind === 'first'))[0].accuracy).toBeNull()
  })

  it('are taken back like any answer, and stay answered after a restart', async () => {
    const path = join(freshDir('gold-undo'), 'log.jsonl')
    const ann = { name: 'ann', role: 'annotator' } as const
    const first = await opened(path, 1)
    const [pair] = await first.session.next(ann, 1, [], 0)
    answer(first.session, 'ann', pair, true)
    let task = (await first.session.next(ann, 1, [], 0))[0]
    for (; !isGold(task); task = (await first.session.next(ann, 1, [], 0))[0]) answer(first.session, 'ann', task, true)
    answer(first.session, 'ann', task, false)
    expect(await first.session.undo(ann, null, new Date())).toMatchObject({ pair_id: task.pair_id, kind: 'first', left: task.left })
    const again = (await first.session.next(ann, 1, [], 0))[0]
    expect(again).toMatchObject({ pair_id: task.pair_id, kind: 'first' })
    answer(first.session, 'ann', again, true)
    const before = first.session.progress(ann)
    await first.session.close()
    const second = await opened(path, 1)
    expect(second.session.progress(ann)).toEqual(before)
    expect((await second.session.next(ann, 8, [], 0)).map(({ pair_id }) => pair_id)).not.toContain(task.pair_id)
    await second.session.close()
  })

  it('go out to other tools and come back as checks', () => {
    const [out, to] = [join(freshDir('gold-export'), 'out'), join(freshDir('gold-log'), 'log.jsonl')]
    const exported = goldpan(['review', 'export', dir, '--to', 'csv', '--out', out, '--log', to, '--gold', file, '--gold-share', '0.1'])
    const count = Number(/and (\d+) hidden checks/.exec(exported.stdout)?.[1])
    expect(count).toBeGreaterThan(5)
    const { sides } = JSON.parse(readFileSync(join(out, 'sides.json'), 'utf8')) as { sides: Record<string, { kind?: string }> }
    const items = Object.keys(sides)
    expect(readFileSync(join(out, 'items.csv'), 'utf8')).not.toMatch(/gold\b/)
    writeFileSync(join(out, 'done.csv'), `item,annotator,outcome\n${items.map(item => `${item},cyd,left\n`).join('')}`)
    expect(goldpan(['review', 'import', dir, join(out, 'done.csv'), '--from', 'csv', '--log', to])).toMatchObject({ code: 0 })
    const answers = readLogs([to]).answers
    expect([answers.length, answers.filter(({ kind }) => kind === 'gold').length]).toEqual([PAIRS + count, count])
  })

  it.each([
    ['{"prompt":"a","chosen":"b","rejected":"c","tie":true}\n', 'row 0: is a tie; a gold check needs a better side'],
    ['{"prompt":"a","chosen":"b","rejected":"c"}\n{"prompt":"a","chosen":3}\n', 'row 1: '],
    ['', 'holds no bytes'],
  ])('%j is refused in one line', (text, what) => {
    const bad = join(freshDir('gold-bad'), 'bad.jsonl')
    writeFileSync(bad, text)
    const { code, stderr } = goldpan(['review', dir, '--gold', bad])
    expect([code, stderr.trim().split('\n').length]).toEqual([2, 1])
    expect(stderr).toContain(`${bad}: `)
    expect(stderr).toContain(what)
  })
})
