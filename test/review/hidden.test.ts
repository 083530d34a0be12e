/** Repeats and gold checks are hidden: nothing that the page is sent tells them from other pairs. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openFinished } from '../../pipeline/finished.ts'
import { readLogs } from '../../pipeline/judgements/log.ts'
import { Annotators } from '../../pipeline/review/annotators.ts'
import { openQueue } from '../../pipeline/review/queue.ts'
import { Session } from '../../pipeline/review/session.ts'
import type { Task } from '../../pipeline/review/tasks.ts'
import { freshDir } from '../cli.ts'
import { buildOf } from './app.ts'

const PAIRS = 60
const ann = { name: 'ann', role: 'annotator' } as const
const dir = await buildOf(Array.from({ length: PAIRS }, () => ({})))
const gold = Array.from({ length: 4 }, (_, i) => ({
  pair_id: `${i}`.repeat(32),
  texts: {
    prompt: [{ role: 'user' as const, content: `Gold ${i}?` }],
    chosen: [{ role: 'assistant' as const, content: 'Yes.' }],
    rejected: [{ role: 'assistant' as const, content: 'No.' }],
  },
}))

async function opened(log: string): Promise<Session> {
  const options = { log, others: [], seed: 42, overlap: 1, overlap_share: 0, repeat_share: 0.3, gold, gold_share: 0.2, protocol: 'p' }
  return new Session(await openQueue(openFinished(dir), 42), new Annotators(`${log}.annotators.json`, ['ann'], []), options)
}

function answer(session: Session, { pair_id, kind, ticket }: Task, id: string): void {
  const said = { outcome: 'left', strength: 2, reason: null, flagged: false, seconds: 3 } as const
  session.answer(ann, { id, pair_id, kind, ticket, ...said }, new Date(1.7e12))
}

it('sends repeats and checks in the shape of any pair, under ids that never come twice, and counts them from the start', async () => {
  const log = join(freshDir('hidden'), 'log.jsonl')
  let session = await opened(log)
  const all = session.progress(ann).left
  const asked: Task[] = []
  for (let held: Task[] = []; ; ) {
    held = [...held, ...(await session.next(ann, 4, held, 0))].slice(0, 4)
    const task = held.shift()
    if (!task) break
    // A server that starts anew knows what the page still holds.
    if (asked.length % 20 === 19) {
      await session.close()
      session = await opened(log)
    }
    answer(session, task, `answer-${asked.length}`)
    asked.push(task)
    expect(session.progress(ann)).toMatchObject({ answered: asked.length, left: all - asked.length })
  }
  await session.close()
  const kinds = readLogs([log]).answers.map(({ kind }) => kind)
  expect(kinds.filter(kind => kind === 'first')).toHaveLength(PAIRS)
  expect(kinds.filter(kind => kind === 'repeat').length).toBeGreaterThan(5)
  expect(kinds.filter(kind => kind === 'gold')).toHaveLength(gold.length)
  expect(asked).toHaveLength(all)
  expect(new Set(asked.map(({ pair_id }) => pair_id)).size).toBe(all)
  expect(new Set(asked.map(({ ticket }) => ticket)).size).toBe(all)
  const shapes = asked.map(({ kind, pair_id, ticket, difference: _, ...rest }) =>
    [kind, pair_id.replace(/[0-9a-f]/g, 'x'), ticket.replace(/[0-9a-f]/g, 'x'), ...Object.keys(rest)].join(' '),
  )
  expect(new Set(shapes)).toEqual(new Set([`first ${'x'.repeat(32)} ${'x'.repeat(32)} prompt left right`]))
})

it('takes a repeat back and gives it again under the same id', async () => {
  const session = await opened(join(freshDir('hidden-undo'), 'log.jsonl'))
  const known = new Set(
    (await openQueue(openFinished(dir), 42)).pairs.map(({ pair_id }) => pair_id).concat(gold.map(({ pair_id }) => pair_id)),
  )
  for (let n = 0; n < 2 * PAIRS; n++) {
    const [task] = await session.next(ann, 1, [], 0)
    const before = session.progress(ann)
    answer(session, task, `answer-${n}`)
    if (known.has(task.pair_id)) continue
    expect(await session.undo(ann, `answer-${n}`, new Date(1.7e12))).toEqual(task)
    expect(session.progress(ann)).toEqual(before)
    expect(await session.next(ann, 1, [task], 0)).toEqual([])
    await session.close()
    return
  }
  throw new Error('no repeat came')
})
