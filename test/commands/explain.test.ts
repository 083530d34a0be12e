import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { explain } from '../../pipeline/commands/explain.ts'
import { UserError } from '../../pipeline/errors.ts'
import type { Explained } from '../../pipeline/explain.ts'
import { writeSmallBuild } from '../small-build.ts'
import { pairId, type SmallPair, smallPairs } from '../small-pairs.ts'

const dir = mkdtempSync(join(tmpdir(), 'explain-'))
const build = join(dir, 'build')
const builds = {
  message: join(dir, 'message'),
  conversations: join(dir, 'conversations'),
  arrow: join(dir, 'arrow'),
  copies: join(dir, 'copies'),
}
const copies = Array.from({ length: 25 }, (_, i): SmallPair => ({ ...smallPairs[1], source_id: `copy ${i}` }))
beforeAll(async () => {
  for (const folder of [build, ...Object.values(builds)]) mkdirSync(folder)
  await writeSmallBuild(build)
  await writeSmallBuild(builds.message, { layout: 'message', format: 'jsonl' })
  await writeSmallBuild(builds.conversations, { layout: 'conversations' })
  await writeSmallBuild(builds.arrow, { format: 'arrow' })
  await writeSmallBuild(builds.copies, { pairs: [smallPairs[0], ...copies] })
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const linesOf = async (id: string, from = build): Promise<string[]> =>
  (await explain(from, id, {})).split('\n').map(line => line.trim().replace(/ +/g, ' '))
const survivor = pairId(smallPairs[0])

describe('what happened, step by step', () => {
  test('a kept pair and its exact copy have one pair_id: both rows are told', async () => {
    const lines = await linesOf(survivor)
    expect(lines[0]).toBe('2 rows of the ledger match')
    expect(lines.filter(line => line.startsWith('from'))).toEqual(['from hh:0 (hh.jsonl, row 0)', 'from hh:1 (hh.jsonl, row 1)'])
    expect(lines).toContain('outcome kept, in train')
    expect(lines).toContain('outcome dropped at step exact-dedup: exact')
    expect(lines).toContain('evidence has the same prompt, chosen and rejected as hh:0 (hh.jsonl, row 0)')
    expect(lines).toContain('signals rm: margin 0.4, p 0.9')
    expect(lines.slice(lines.indexOf(`texts of ${survivor}, from train`))).toEqual([
      `texts of ${survivor}, from train`,
      'prompt (user)',
      'What is 2 + 2?',
      'chosen (assistant)',
      'Four.',
      'rejected (assistant)',
      'Five.',
    ])
  })

  test('a near-duplicate: survivor, Jaccard, steps that it passed and did not reach', async () => {
    const lines = await linesOf('hh:2')
    expect(lines).toContain('steps exact-dedup passed')
    expect(lines).toContain('near-dup left here: near')
    expect(lines).toContain('decide not reached')
    expect(lines).toContain(`evidence is nearly the same as ${survivor}, hh:0 (hh.jsonl, row 0); smallest Jaccard 0.875`)
    expect(lines).toContain(`is in cluster ${survivor} of 3 pairs`)
    expect(lines.at(-1)).toMatch(/a build keeps none of dropped pairs; the input is hh\.jsonl, row 2$/)
  })

  test('contamination, draws, votes, flips', async () => {
    expect(await linesOf('arena:q')).toContain('evidence shares with mt-bench, item 81 (50 % of it): "compose a poem"')
    expect(await linesOf('arena:r')).toContain('evidence was drawn for the targeted sample')
    const drawn = await linesOf(pairId(smallPairs[4]))
    expect(drawn).toContain('evidence was drawn for the audit sample, with probability 0.25')
    expect(drawn).toContain('people said chosen: 3 votes, 66.67 % of them so')
    const flipped = await linesOf('arena:a:b')
    expect(flipped).toContain('outcome kept with the label turned at step decide: models_against, in train')
    expect(flipped).toContain('decide label turned: models_against')
    expect(flipped.slice(-6)).toEqual([
      '\ufeffName a colour'.trim(),
      'chosen (assistant)',
      '青',
      '"blue"\\t',
      'rejected (assistant)',
      'Rot',
    ])
  })
})

describe('texts', () => {
  const long = pairId(smallPairs[4])

  test('are shortened unless --full', async () => {
    expect(await explain(build, long, {})).toContain('… (1003 characters in all)')
    const full = await explain(build, long, { full: true })
    expect(full).toContain('long end')
    expect(full).not.toContain('characters in all')
  })

  test('of every layout', async () => {
    expect((await linesOf('hh:0', builds.message)).slice(-6)).toEqual([
      'prompt (user)',
      'What is 2 + 2?',
      'chosen (assistant)',
      'Four.',
      'rejected (assistant)',
      'Five.',
    ])
    expect((await linesOf('hh:0', builds.conversations)).slice(-8)).toEqual([
      'chosen (user)',
      'What is 2 + 2?',
      'chosen (assistant)',
      'Four.',
      'rejected (user)',
      'What is 2 + 2?',
      'rejected (assistant)',
      'Five.',
    ])
    expect((await linesOf('hh:0', builds.arrow)).at(-1)).toBe(`texts of ${survivor}: in train/, in Arrow files, which are not read here`)
  })
})

test('--json holds rows, survivors and texts', async () => {
  const { rows, survivors, texts } = JSON.parse(await explain(build, 'hh:2', { json: true })) as Explained
  expect(rows).toHaveLength(1)
  expect(rows[0]).toMatchObject({ source_id: '2', outcome: 'drop', step: 'near-dup', relation: 'near', jaccard: 0.875, row: 2, p_rm: null })
  expect(survivors[survivor]).toMatchObject({ source: 'hh', source_id: '0', outcome: 'keep' })
  expect(texts).toEqual({})
})

test('many copies: the first twenty, all with --full', async () => {
  const text = await explain(builds.copies, survivor, {})
  expect(text).toContain('26 rows of the ledger match')
  expect(text).toContain('... and 6 more rows; --full shows all')
  expect((await explain(builds.copies, survivor, { full: true })).match(/outcome {2}dropped/g)).toHaveLength(25)
})

test.each(['0'.repeat(32), 'hh:nobody', 'nonsense', "x':y'"])('an unknown id is one line with a way on: %s', async id => {
  const asked = explain(build, id, {})
  await expect(asked).rejects.toThrow(UserError)
  await expect(asked).rejects.toThrow(`explain ${id}: no such pair in ${build}; expected a pair_id (32 hex digits) or source:source_id`)
})

test('an unknown id that lacks its source, or its end, names the pair that is meant', async () => {
  await expect(explain(build, 'a:b', {})).rejects.toThrow(/did you mean [^?]+:a:b\?; expected/)
  await expect(explain(build, survivor.slice(0, 10), {})).rejects.toThrow(`did you mean ${survivor}?; expected a pair_id`)
  await expect(explain(build, 'hh:nobody', {})).rejects.toThrow(/; the 1 rows that could not be read are in its table rejects$/)
})

test('a pair_id in capitals is the same', async () => {
  expect(await linesOf(survivor.toUpperCase())).toContain(`pair ${survivor}`)
})
