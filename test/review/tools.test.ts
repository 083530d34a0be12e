/** Out to another tool and back, through the built command line: left and right come back as what they are. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { verdictOf } from '../../pipeline/judgement.ts'
import { effectiveAnswers } from '../../pipeline/judgements/effective.ts'
import { readLogs } from '../../pipeline/judgements/log.ts'
import { csv } from '../../pipeline/review/tools/csv.ts'
import { forms } from '../../pipeline/review/tools/tool.ts'
import { inert, restored } from '../../pipeline/spreadsheet.ts'
import { goldpan } from '../cli.ts'
import { buildOf } from './app.ts'

interface Shown {
  readonly item: string
  readonly left: string
}
/** Which side a careful annotator takes: the one with the right sum. */
const best = ({ left }: Shown): 'left' | 'right' => (left.includes('The answer is') ? 'left' : 'right')
const text = (file: string): string => readFileSync(file, 'utf8')

/** How each tool shows items, and writes answers for all but the first. */
const formats = {
  'label-studio': {
    file: 'tasks.json',
    shown: (file: string): Shown[] => (JSON.parse(text(file)) as { data: Shown }[]).map(({ data }) => data),
    answered: (items: readonly Shown[]) =>
      JSON.stringify(
        items.map((data, i) => ({
          id: i,
          data,
          annotations:
            i === 0
              ? []
              : [
                  { was_cancelled: true, completed_by: 2, result: [] },
                  {
                    completed_by: { id: 1, email: 'ann@x.org' },
                    created_at: '2026-02-03T04:05:06.789Z',
                    lead_time: 12.5,
                    result: [
                      { from_name: 'outcome', to_name: 'prompt', type: 'choices', value: { choices: [best(data)] } },
                      { from_name: 'strength', to_name: 'prompt', type: 'rating', value: { rating: 3 } },
                      { from_name: 'reason', to_name: 'prompt', type: 'textarea', value: { text: ['adds up'] } },
                    ],
                  },
                ],
        })),
      ),
    expected: { annotator: 'ann@x.org', at: '2026-02-03T04:05:06.789Z', seconds: 12.5, strength: 3, reason: 'adds up' },
  },
  argilla: {
    file: 'records.json',
    shown: (file: string): Shown[] =>
      (JSON.parse(text(file)) as { id: string; fields: { left: string } }[]).map(({ id, fields }) => ({ item: id, left: fields.left })),
    answered: (items: readonly Shown[]) =>
      JSON.stringify(
        items.map((shown, i) => ({
          id: shown.item,
          fields: {},
          metadata: { item: shown.item },
          suggestions: {},
          responses:
            i === 0
              ? {}
              : {
                  outcome: [
                    { value: best(shown), user_id: 'u1' },
                    { value: 'tie', user_id: 'u2', status: 'draft' },
                  ],
                  strength: [{ value: 2, user_id: 'u1' }],
                },
          status: i === 0 ? 'pending' : 'completed',
        })),
      ),
    expected: { annotator: 'u1', strength: 2, reason: null, seconds: null },
  },
  potato: {
    file: 'items.jsonl',
    shown: (file: string): Shown[] =>
      text(file)
        .trim()
        .split('\n')
        .map(line => {
          const { id, text: html } = JSON.parse(line) as { id: string; text: string }
          return { item: id, left: /<h4>A<\/h4><pre>([^<]*)/.exec(html)![1] }
        }),
    answered: (items: readonly Shown[]) =>
      items
        .map((shown, i) =>
          JSON.stringify({
            user_id: 'ann',
            instance_id: shown.item,
            displayed_text: '',
            label_annotations:
              i === 0 ? {} : { outcome: { [best(shown) === 'left' ? 'A is better' : 'B is better']: '1' }, reason: { text_box: 'sum' } },
            behavioral_data: { time_string: 'Time spent: 0d 0h 1m 5s ' },
          }),
        )
        .join('\n'),
    expected: { annotator: 'ann', strength: null, reason: 'sum', seconds: 65 },
  },
  csv: {
    file: 'items.csv',
    shown: (file: string): Shown[] => {
      const rows = text(file).trimEnd().split('\r\n').slice(1)
      return rows.map(row => ({ item: row.split(',')[0], left: row.includes('?,The answer') ? 'The answer is' : '' }))
    },
    answered: (items: readonly Shown[]) =>
      `\ufeffitem;annotator;outcome;strength;reason\r\n${items.map((shown, i) => `${shown.item};${i ? 'ann' : ''};${i ? best(shown) : ''};1;"a;""b"""`).join('\r\n')}`,
    expected: { annotator: 'ann', strength: 1, reason: 'a;"b"', seconds: null },
  },
} as const

let dir: string
beforeAll(async () => {
  dir = await buildOf(Array.from({ length: 12 }, () => ({})))
})

describe.each(Object.keys(formats) as (keyof typeof formats)[])('%s', tool => {
  const { file, shown, answered, expected } = formats[tool]
  it('takes pairs out and answers back', () => {
    const out = join(dir, tool)
    const log = join(dir, `${tool}.jsonl`)
    expect(goldpan(['review', 'export', dir, '--to', tool, '--out', out, '--log', log])).toMatchObject({ code: 0, stderr: '' })
    const items = shown(join(out, file))
    expect(items).toHaveLength(12)
    expect(new Set(items.map(best)).size).toBe(2)
    const exported = text(join(out, file))
    const { sides } = JSON.parse(text(join(out, 'sides.json'))) as { sides: Record<string, { pair_id: string }> }
    for (const word of ['chosen', 'rejected', 'audit', ...Object.values(sides).map(({ pair_id }) => pair_id)])
      expect(exported).not.toContain(word)
    writeFileSync(join(out, 'back'), answered(items))
    const back = ['review', 'import', dir, join(out, 'back'), '--from', tool, '--log', log]
    expect(goldpan(back)).toMatchObject({ code: 0, stdout: expect.stringContaining('11 answers added') })
    expect(goldpan(back)).toMatchObject({ code: 0, stdout: expect.stringContaining('0 answers added') })
    const answers = effectiveAnswers(readLogs([log]))
    expect(answers).toHaveLength(11)
    expect(answers.every(answer => verdictOf(answer) === 'chosen')).toBe(true)
    for (const answer of answers) expect(answer).toMatchObject({ ...expected, protocol: `${tool}-export` })
  })
})

it('an export never goes into a folder of the build', () => {
  for (const inside of ['review', 'review/new/labels', 'rejects/new']) {
    const { code, stderr } = goldpan(['review', 'export', dir, '--to', 'csv', '--out', join(dir, inside)])
    expect([code, stderr]).toEqual([2, expect.stringContaining('lies inside the build')])
  }
})

it('an export is never written over another one', () => {
  const out = join(dir, 'twice')
  const again = () => goldpan(['review', 'export', dir, '--to', 'csv', '--out', out])
  expect(again().code).toBe(0)
  writeFileSync(join(out, 'items.csv'), 'answered')
  expect(again()).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('sides.json is there already, and people may have answered in it'),
  })
  rmSync(join(out, 'sides.json'))
  expect(again()).toMatchObject({ code: 2, stderr: expect.stringContaining('items.csv is there already') })
  expect(readFileSync(join(out, 'items.csv'), 'utf8')).toBe('answered')
})

describe('an import', () => {
  const wrong = (of: object, more: readonly string[] = []) => {
    const rows = [{ data: { item: 'x' }, annotations: [{ result: [{ from_name: 'outcome', value: { choices: ['left'] } }] }], ...of }]
    writeFileSync(join(dir, 'wrong.json'), JSON.stringify(rows))
    const sides = more.length > 0 ? more : ['--sides', join(dir, 'label-studio/sides.json'), '--log', join(dir, 'label-studio.jsonl')]
    return goldpan(['review', 'import', dir, join(dir, 'wrong.json'), '--from', 'label-studio', ...sides])
  }

  it('of an item that the map does not know, or with an unknown choice, is refused in one line', () => {
    expect(wrong({})).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/item "x" is not in the side map; it belongs to another export\n$/),
    })
    const annotations = [{ result: [{ from_name: 'outcome', value: { choices: ['best'] } }] }]
    expect(wrong({ annotations })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('task 0: outcome: got "best"; known: left, right'),
    })
  })

  it('that says otherwise than an earlier one changes it, where the tool tells no time', () => {
    const sides = JSON.parse(text(join(dir, 'csv/sides.json'))) as { sides: object }
    const items = Object.keys(sides.sides)
    const log = join(dir, 'changed.jsonl')
    writeFileSync(`${log}.annotators.json`, text(join(dir, 'csv.jsonl.annotators.json')))
    const add = (...rows: readonly string[]): string => {
      writeFileSync(join(dir, 'rows.csv'), `item,annotator,outcome\n${rows.join('\n')}\n`)
      const more = ['--from', 'csv', '--sides', join(dir, 'csv/sides.json'), '--log', log]
      const { code, stdout } = goldpan(['review', 'import', dir, join(dir, 'rows.csv'), ...more])
      expect(code).toBe(0)
      return stdout.split(' ')[0]
    }
    const outcomes = () => new Set(effectiveAnswers(readLogs([log])).map(({ outcome }) => outcome))
    const all = (outcome: string): string[] => items.map(item => `${item},ann,${outcome}`)
    for (const outcome of ['left', 'right', 'left', 'tie']) {
      expect(add(...all(outcome))).toBe(`${items.length}`)
      expect(outcomes()).toEqual(new Set([outcome]))
      expect(add(...all(outcome))).toBe('0')
    }
    expect(add(...all('left'), ...all('both_bad'))).toBe(`${items.length}`)
    expect(outcomes()).toEqual(new Set(['both_bad']))
    expect(add(...all('left'), ...all('both_bad'))).toBe('0')
  })

  it('takes a time spent below zero for none', () => {
    const items = Object.keys((JSON.parse(text(join(dir, 'label-studio/sides.json'))) as { sides: object }).sides)
    const said = { completed_by: 'zoe', lead_time: -3, result: [{ from_name: 'outcome', value: { choices: ['left'] } }] }
    expect(wrong({ data: { item: items[0] }, annotations: [said] })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 answers added'),
    })
    const answers = effectiveAnswers(readLogs([join(dir, 'label-studio.jsonl')]))
    expect(answers.find(({ annotator }) => annotator === 'zoe')).toMatchObject({ seconds: null })
  })

  it('never adds what the log may not hold', () => {
    const items = Object.keys((JSON.parse(text(join(dir, 'potato/sides.json'))) as { sides: object }).sides)
    const line = { user_id: '', instance_id: items[0], label_annotations: { outcome: { Tie: '1' } } }
    writeFileSync(join(dir, 'nobody'), JSON.stringify(line))
    const log = join(dir, 'potato.jsonl')
    const before = text(log)
    const { code, stderr } = goldpan([
      'review',
      'import',
      dir,
      join(dir, 'nobody'),
      '--from',
      'potato',
      '--sides',
      join(dir, 'potato/sides.json'),
      '--log',
      log,
    ])
    expect([code, stderr]).toEqual([2, expect.stringMatching(/item "\w+": annotator: Too small/)])
    expect(text(log)).toBe(before)
  })

  it('with a map that was changed, of another log, or missing is refused', () => {
    const map = text(join(dir, 'label-studio/sides.json'))
    writeFileSync(join(dir, 'turned.json'), map.replace('"left":"chosen"', '"left":"rejected"'))
    const log = ['--log', join(dir, 'label-studio.jsonl')]
    expect(wrong({}, ['--sides', join(dir, 'turned.json'), ...log])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the signature is wrong'),
    })
    expect(wrong({}, ['--sides', join(dir, 'label-studio/sides.json'), '--log', join(dir, 'other.jsonl')])).toMatchObject({ code: 2 })
    expect(existsSync(join(dir, 'other.jsonl'))).toBe(false)
    expect(wrong({}, ['--sides', join(dir, 'none.json'), ...log])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no such side map'),
    })
  })
})

it.each(['=cmd()', '+1', '-1', '@sum(a1)', '\t=1', '\r=1', '＝1', "'=1", "''-1"])(
  '%j is no formula in a spreadsheet, and comes back as it was',
  text => {
    const items = [{ item: 'i', prompt: text, left: text, right: `a${text}` }]
    const [cell] = csv.files(items, forms.pairs)['items.csv'].split('\r\ni,')[1].split(/"?,"?/)
    expect(cell.replace(/^"/, '')).toBe(`'${text}`)
    expect(restored(inert(text))).toBe(text)
    expect(restored(text.replace(/^'+/, ''))).toBe(text.replace(/^'+/, ''))
    const answered = csv.read(`item,annotator,outcome,reason\r\ni,${inert('@ann')},tie,"${inert(text.trim())}"\r\n`, 'f')
    expect(answered).toMatchObject([{ item: 'i', annotator: '@ann', reason: text.trim() }])
  },
)

it('a spreadsheet gives back quotes, line breaks and apostrophes as they were', () => {
  const items = [{ item: 'i', prompt: "'tis", left: 'a "b"\nc,d', right: 'e' }]
  const file = csv.files(items, forms.pairs)['items.csv']
  expect(file.split('\r\n')[1]).toBe(`i,'tis,"a ""b""\nc,d",e,,,,,,`)
  expect(restored("'tis")).toBe("'tis")
  expect(csv.read(`item,annotator,outcome,reason\r\ni,ann,tie,"x ""y""\nz"\r\n`, 'f')).toMatchObject([
    { item: 'i', outcome: 'tie', reason: 'x "y"\nz' },
  ])
  expect(() => csv.read('item,outcome\ni,tie', 'f')).toThrow('f: no column annotator')
  expect(() => csv.read('item,annotator,outcome\ni,,tie', 'f')).toThrow('f: row 2: annotator')
})
