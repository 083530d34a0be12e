import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reportText } from '../../pipeline/commands/report.ts'
import { reportIn, writeReport } from '../../pipeline/report/write.ts'
import { writeSmallBuild } from '../small-build.ts'

const dir = mkdtempSync(join(tmpdir(), 'report-'))
const build = join(dir, 'build')
beforeAll(async () => {
  mkdirSync(build)
  await writeSmallBuild(build)
})
const report = async (of: string, json: boolean): Promise<string> => reportText(of, json, await reportIn(of))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

test('the funnel: sources, steps with their reasons, folders', async () => {
  const text = (await report(build, false)).replaceAll(build, 'OUT')
  const lines = text.split('\n').map(line => line.replace(/ +/g, ' '))
  expect(lines[0]).toBe('small: 7 pairs in, 3 kept (42.9 %), 1 of them with the label turned; 1 input rows could not be read')
  expect(lines).toContain('source pairs in train validation flipped quarantine review dropped')
  expect(lines).toContain('arena 4 1 1 1 1 1 0')
  expect(lines).toContain('all 7 2 1 1 1 1 2')
  expect(lines).toContain('step rows in left rows out why')
  expect(lines).toContain('near-dup 6 1 5 near 1')
  expect(lines.some(line => /^OUT\/ledger 1 7 [\d.]+ KiB$/.test(line))).toBe(true)
})

test('the same figures as JSON', async () => {
  const { totals, steps, outputs } = JSON.parse(await report(build, true))
  expect(totals).toEqual({ pairs_in: 7, rejected: 1, train: 2, validation: 1, flipped: 1, quarantine: 1, review: 1, dropped: 2 })
  expect(steps[0]).toMatchObject({ id: 'exact-dedup', stage: 'exact-dedup', rows_in: 7, rows_out: 6, dropped: { exact: 1 } })
  expect(outputs).toHaveLength(7)
})

test('a folder that is no build is named in one line', async () => {
  await expect(report(join(dir, 'nowhere'), false)).rejects.toThrow(/nowhere: no such folder$/)
  await expect(report(dir, false)).rejects.toThrow('holds no manifest.json, so it is no finished build')
  const broken = (text: string): string => {
    const folder = mkdtempSync(join(dir, 'broken-'))
    writeFileSync(join(folder, 'manifest.json'), text)
    return folder
  }
  await expect(report(broken('{"goldpan":'), false)).rejects.toThrow('manifest.json: is not JSON')
  await expect(report(broken('{"goldpan": "0.1.0", "format": 2}'), false)).rejects.toThrow('manifest.json: format:')
  await expect(report(broken('[]'), false)).rejects.toThrow('not a manifest that this version of goldpan reads')
})

test('the files are written only where that is wanted', async () => {
  const written = (): boolean => existsSync(join(build, 'report.html'))
  await reportIn(build)
  expect(written()).toBe(false)
  await writeReport(build)
  expect(written()).toBe(true)
})
