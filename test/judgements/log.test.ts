import { appendFileSync, mkdtempSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Answer } from '../../pipeline/judgement.ts'
import { idOf } from '../../pipeline/judgements/answer.ts'
import { effectiveAnswers } from '../../pipeline/judgements/effective.ts'
import { judgedOf } from '../../pipeline/judgements/judged.ts'
import { LogWriter, readLogs } from '../../pipeline/judgements/log.ts'

const PAIR = 'a'.repeat(32)
const answer = (of: Partial<Answer>): Answer => {
  const whole = {
    pair_id: PAIR,
    annotator: 'ann',
    at: '2026-01-01T10:00:00Z',
    left: 'chosen' as const,
    outcome: 'left' as const,
    strength: null,
    reason: null,
    flagged: false,
    seconds: 3,
    protocol: 'p1',
    kind: 'first' as const,
    replaces: null,
    ...of,
  }
  return { id: idOf(whole), ...whole }
}
const file = (): string => join(mkdtempSync(join(tmpdir(), 'goldpan-log-')), 'log.jsonl')
const written = (lines: readonly unknown[], tail = ''): string => {
  const path = file()
  writeFileSync(path, lines.map(line => `${JSON.stringify(line)}\n`).join('') + tail)
  return path
}
const verdicts = (paths: readonly string[]) => [...judgedOf(effectiveAnswers(readLogs(paths)))].map(([, judged]) => judged.verdict)

describe('a log', () => {
  it('gives back what was appended, and goes on after a last line that was cut off', () => {
    const path = file()
    const first = new LogWriter(path)
    first.append([answer({})])
    first.close()
    appendFileSync(path, '{"id":"half')
    expect(readLogs([path]).answers).toEqual([answer({})])
    expect(readLogs([path]).notes).toEqual([`${path}:2: the last line is cut off; it was never acknowledged and does not count`])
    const second = new LogWriter(path)
    second.append([answer({ annotator: 'bob' })])
    second.close()
    expect(readLogs([path])).toMatchObject({ answers: [answer({}), answer({ annotator: 'bob' })], notes: [] })
  })

  it('counts a whole last line without its newline, and ends it before the next', () => {
    const path = written([], JSON.stringify(answer({})))
    expect(readLogs([path]).answers).toHaveLength(1)
    const log = new LogWriter(path)
    log.append([answer({ annotator: 'bob' })])
    log.close()
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(3)
  })

  it('keeps what two writers append at once', () => {
    const path = file()
    const writers = [new LogWriter(path), new LogWriter(path)]
    for (let i = 0; i < 20; i++) {
      writers[i % 2].append([answer({ annotator: `a${i}` })])
      if (i === 9) writers.push(new LogWriter(path))
    }
    for (const writer of writers) writer.close()
    expect(readLogs([path]).answers).toHaveLength(20)
  })

  it('takes back what a full disk let through in part, so that later answers are whole', () => {
    const path = file()
    let room = 500
    const write = ((fd: number, bytes: Buffer, at: number) => {
      if (room === 0) throw Object.assign(new Error('no room'), { code: 'ENOSPC' })
      const length = Math.min(room, bytes.length - at)
      room -= length
      return writeSync(fd, bytes, at, length)
    }) as typeof writeSync
    const log = new LogWriter(path, write)
    log.append([answer({})])
    expect(() => log.append([answer({ annotator: 'bob', reason: 'x'.repeat(400) })])).toThrow(`${path}: no space left on the disk`)
    room = 10_000
    log.append([answer({ annotator: 'eve' })])
    log.close()
    expect(readLogs([path])).toMatchObject({ answers: [answer({}), answer({ annotator: 'eve' })], notes: [] })
  })

  it('is no folder', () => {
    const folder = mkdtempSync(join(tmpdir(), 'goldpan-log-'))
    expect(() => readLogs([folder])).toThrow(`${folder}: is no file; a judgement log is one file of JSON lines`)
  })

  it('survives a cut at any byte with every line before it', () => {
    const whole = [answer({}), answer({ annotator: 'bob', reason: 'ü\u2028"' }), answer({ annotator: 'eve' })]
    const bytes = readFileSync(written(whole))
    for (let cut = 0; cut <= bytes.length; cut++) {
      const path = file()
      writeFileSync(path, bytes.subarray(0, cut))
      const ended = bytes.subarray(0, cut).filter(b => b === 10).length
      expect([ended, ended + 1]).toContain(readLogs([path]).answers.length)
    }
  })

  it('names file, line and field of a damaged line in the middle', () => {
    expect(() => readLogs([written([{ ...answer({}), outcome: 'maybe' }, answer({})])])).toThrow(/log\.jsonl:1: outcome: /)
    expect(() => readLogs([written(['x', answer({})])])).toThrow(/log\.jsonl:1: /)
  })

  it('is told of clocks that run back and of mixed protocols', () => {
    const later = answer({ pair_id: 'b'.repeat(32), at: '2026-01-01T09:00:00Z', protocol: 'p2' })
    expect(readLogs([written([answer({}), later])]).notes).toEqual([
      expect.stringContaining('the clock ran back once between answers of ann'),
      'answers under 2 protocols are mixed: p1 (1), p2 (1); they are counted alike',
    ])
  })
})

describe('the last answer of an annotator', () => {
  it('wins, unless it is undone', () => {
    const a = answer({})
    const b = answer({ outcome: 'right', at: '2026-01-01T10:05:00Z', replaces: a.id })
    expect(verdicts([written([a, b])])).toEqual(['rejected'])
    expect(verdicts([written([a, b, { undo: b.id, annotator: 'ann', at: b.at }])])).toEqual(['chosen'])
    expect(verdicts([written([a, { undo: a.id, annotator: 'ann', at: a.at }])])).toEqual([])
  })

  it('wins although the clock ran back', () => {
    const a = answer({ at: '2026-01-02T10:00:00Z' })
    const b = answer({ outcome: 'right', at: '2026-01-01T10:00:00Z', replaces: a.id })
    expect(verdicts([written([a, b])])).toEqual(['rejected'])
  })

  it('is the same for any order of files and lines, with any line twice', () => {
    const one = fc.record({
      annotator: fc.constantFrom('x', 'y'),
      pair_id: fc.constantFrom(PAIR, 'b'.repeat(32)),
      outcome: fc.constantFrom('left' as const, 'right' as const, 'tie' as const),
      left: fc.constantFrom('chosen' as const, 'rejected' as const),
      at: fc.constantFrom('2026-01-01T10:00:00Z', '2026-01-01T11:00:00Z', '2026-01-01T11:00:00+01:00'),
    })
    const chained = fc.array(fc.tuple(one, fc.boolean()), { minLength: 1, maxLength: 8 }).map(rows => {
      const answers: Answer[] = []
      for (const [of, changes] of rows) answers.push(answer({ ...of, replaces: changes ? (answers.at(-1)?.id ?? null) : null }))
      return answers
    })
    fc.assert(
      fc.property(chained, fc.infiniteStream(fc.nat()), (answers, random) => {
        const places = [...answers, ...answers].map(a => [random.next().value as number, a] as const).sort(([a], [b]) => a - b)
        const cut = places.length >> 1
        const files = [places.slice(0, cut), places.slice(cut)].map(part => written(part.map(([, a]) => a)))
        expect(effectiveAnswers(readLogs(files))).toEqual(effectiveAnswers(readLogs([written(answers)])))
      }),
      { seed: 42, numRuns: 60 },
    )
  })

  it('ends a chain of changes that bites its tail', () => {
    const a = { ...answer({}), id: 'aaaaaaaa', replaces: 'bbbbbbbb' }
    const b = { ...answer({ outcome: 'right' }), id: 'bbbbbbbb', replaces: 'aaaaaaaa' }
    expect(verdicts([written([a, b])])).toHaveLength(1)
  })
})

describe('a pair', () => {
  it('has the verdict of most, none where two share the place, the adjudicated one always', () => {
    const said = (...outcomes: Answer['outcome'][]) => outcomes.map((outcome, i) => answer({ annotator: `a${i}`, outcome }))
    expect(verdicts([written(said('left', 'left', 'right'))])).toEqual(['chosen'])
    expect(verdicts([written(said('left', 'right'))])).toEqual([null])
    expect(verdicts([written(said('cannot_tell', 'right', 'cannot_tell'))])).toEqual(['rejected'])
    expect(verdicts([written(said('cannot_tell'))])).toEqual(['cannot_tell'])
    const last = answer({ annotator: 'judge', kind: 'adjudication', outcome: 'both_bad' })
    expect(verdicts([written([...said('left', 'left'), last])])).toEqual(['both_bad'])
  })

  it('does not count a repeat with sides exchanged as another opinion', () => {
    const path = written([answer({}), answer({ kind: 'repeat', left: 'rejected', outcome: 'left' })])
    expect([...judgedOf(effectiveAnswers(readLogs([path])))][0][1]).toMatchObject({ n: 1, verdict: 'chosen' })
  })
})
