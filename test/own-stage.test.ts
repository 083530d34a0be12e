/** Stages from a user's file: docs/own-stage.md as it stands there, and what is said when the file is wrong. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildSync } from 'esbuild'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../pipeline/config.ts'
import { driveStage } from '../pipeline/laws/drive.ts'
import { lawsOf } from '../pipeline/laws/laws.ts'
import { stagesIn } from '../pipeline/own-stages.ts'
import { planOf } from '../pipeline/plan.ts'
import type { Stage } from '../pipeline/stage.ts'
import { freshDir, goldpan, ROOT, rowsOf } from './cli.ts'

const dir = freshDir('own')
const page = readFileSync(join(ROOT, 'docs/own-stage.md'), 'utf8')
const put = (name: string, text: string): void => {
  mkdirSync(dirname(join(dir, name)), { recursive: true })
  writeFileSync(join(dir, name), text)
}
const run = (args: readonly string[]) => goldpan(args, { cwd: dir })

beforeAll(() => {
  put('package.json', '{ "type": "module" }')
  symlinkSync(join(ROOT, 'data'), join(dir, 'data'))
  for (const [, name, text] of page.matchAll(/^`(\S+)`\n\n```\w+\n([\s\S]*?)^```/gm)) put(name, text)
})

describe('docs/own-stage.md', () => {
  it('builds with its stage in a worker thread', async () => {
    for (const line of /```sh\n([\s\S]*?)```/.exec(page)![1].trim().split('\n')) {
      const [, , command, ...args] = line.split(' ')
      const { code, stdout, stderr } = run([command, ...args, ...(command === 'run' ? ['--threads', '1', '--progress', 'none'] : [])])
      expect([0, 3], `${line}: ${stderr}`).toContain(code)
      expect(stdout).toMatch(/within: integer = 40|\(from stages\/refusals\.ts\)|pairs in/)
    }
    const [{ n }] = await rowsOf(join(dir, 'out/own'), "select count(refuses) n from '{dir}/train/*.parquet'")
    expect(Number(n)).toBeGreaterThan(20)
    const { steps } = JSON.parse(readFileSync(join(dir, 'out/own/manifest.json'), 'utf8'))
    expect(steps[1]).toMatchObject({ id: 'refusals', own: { path: 'stages/refusals.ts', reasons: { refuses_needlessly: 'quarantine' } } })
    expect(readFileSync(join(dir, 'out/own/report.json'), 'utf8')).toContain('refuses_needlessly')
  })

  it('tests it by the laws, with the goldpan that is installed', () => {
    mkdirSync(join(dir, 'node_modules'), { recursive: true })
    if (!existsSync(join(dir, 'node_modules/goldpan'))) symlinkSync(ROOT, join(dir, 'node_modules/goldpan'))
    buildSync({
      absWorkingDir: dir,
      entryPoints: ['refusals.check.ts'],
      bundle: true,
      format: 'esm',
      external: ['goldpan'],
      outfile: join(dir, 'check.mjs'),
    })
    expect(spawnSync(process.execPath, ['check.mjs'], { cwd: dir, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
    const types = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023', '--allowImportingTsExtensions']
    const tsc = [...types, '--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types'), 'refusals.check.ts']
    expect(spawnSync(join(ROOT, 'node_modules/.bin/tsc'), tsc, { cwd: dir, encoding: 'utf8' })).toMatchObject({ status: 0, stdout: '' })
  })

  it('gives another key for other code of an import, the same for a comment', async () => {
    const keys = async (): Promise<string[]> => (await planOf(loadConfig(join(dir, 'own.yaml')))).plan.steps.map(({ key }) => key)
    const openings = readFileSync(join(dir, 'stages/openings.ts'), 'utf8')
    const before = await keys()
    put('stages/openings.ts', `// Seen in the wild.\n${openings}`)
    expect(await keys()).toEqual(before)
    put('stages/openings.ts', openings.replace('as an ai', 'as an ai model'))
    const after = await keys()
    expect(after.map((key, i) => key === before[i])).toEqual([true, false, false])
    put('stages/openings.ts', openings)
  })
})

const whole = `import { defineStage, z } from 'goldpan'
export const stage = defineStage({ name: 'mine', doc: 'Says nothing at all about any pair.', version: 1, params: z.strictObject({}),
  reads: { ordinal: 'i32' }, adds: {}, reasons: () => ({ odd: 'drop' }), judge: () => batch => ({}) })\n`

describe('a wrong file is told in one line', () => {
  const says = (text: string, steps = 'mine'): Promise<string> => {
    put('wrong.ts', text)
    put('wrong.yaml', `name: w\nstages: [wrong.ts]\nsources: [{ path: data/ask.pair.jsonl }]\nsteps: [${steps}]\n`)
    return planOf(loadConfig(join(dir, 'wrong.yaml'))).then(
      () => 'fine',
      (error: Error) => `${error.name}: ${error.message.replaceAll(`${dir}/`, '')}`,
    )
  }

  it.each([
    ['no stage', 'export const a = 1', 'UserError: wrong.yaml:2: wrong.ts: exports no stage; write `export default defineStage({ ... })`'],
    [
      'a clash',
      whole.replace("'mine'", "'score'"),
      'UserError: wrong.yaml:2: wrong.ts: stage "score" is one of goldpan; give it another name',
    ],
    ['a wrong shape', whole.replace('version: 1, ', ''), 'export stage: version: Invalid input: expected number, received undefined'],
    ['no judge', whole.replace(/ judge: .*\}\)/, ' })'), 'export stage: judge: expected a function; a stage is made by defineStage'],
    ['a slip', whole.replace('({}) })', '({} })'), 'wrong.ts: wrong.ts:3: '],
    ['a missing import', `import './none.ts'\n${whole}`, 'wrong.ts: wrong.ts:1: Could not resolve "./none.ts"'],
    ['zod of nowhere', whole.replace("{ defineStage, z } from 'goldpan'", "{ z } from 'zod'"), "import { z } from 'goldpan'"],
    ['a throw', `throw new Error('no luck')\n${whole}`, 'UserError: wrong.yaml:2: wrong.ts: cannot be loaded: no luck'],
    [
      'a column that nothing adds',
      whole.replace("ordinal: 'i32'", "depth: 'i32'"),
      'steps.mine: reads column depth, which no earlier step adds',
    ],
    ['nothing', whole, 'fine'],
  ])('%s', async (_, text, message) => expect(await says(text)).toContain(message))

  it('a missing file, another ending, a misspelt step', async () => {
    expect(await says(whole, 'mien')).toContain('unknown stage "mien"; did you mean "mine"?')
    put('gone.yaml', 'name: w\nstages: [gone.ts]\nsources: [{ path: data/ask.pair.jsonl }]\nsteps: [mine]\n')
    await expect(planOf(loadConfig(join(dir, 'gone.yaml')))).rejects.toThrow('gone.yaml:2: gone.ts: no such file')
    put('gone.yaml', 'name: w\nstages: [own.yaml]\nsources: [{ path: data/ask.pair.jsonl }]\nsteps: [mine]\n')
    await expect(planOf(loadConfig(join(dir, 'gone.yaml')))).rejects.toThrow('own.yaml: expected a file ending in .ts or .js')
  })

  const mine = async (text: string): Promise<Stage> => {
    put('wrong.ts', text)
    return (await stagesIn(join(dir, 'wrong.ts')))[0]
  }

  it.each([
    ['batch => ({ leave: new Uint8Array(1) })', 'leave has 1 rows of 2'],
    ['batch => ({ leave: new Uint8Array(batch.rows).fill(2) })', 'leave holds 2, but the stage has 1 reasons'],
    ['batch => ({ add: { more: { values: new Uint8Array(batch.rows) } } })', 'declares columns none; gives more'],
  ])('a judge %s', async (judge, message) => {
    const stage = await mine(whole.replace('batch => ({})', judge))
    await expect(driveStage(stage, {}, [{}, {}])).rejects.toThrow(`: ${message}`)
  })

  it.each([
    ['plan', 'reads', whole.replace("reads: { ordinal: 'i32' }", 'reads: () => { throw new TypeError("no luck") }')],
    ['plan', 'adds', whole.replace('adds: {}', 'adds: () => { throw new TypeError("no luck") }')],
    ['plan', 'reasons', whole.replace("({ odd: 'drop' })", '{ throw new TypeError("no luck") }')],
    ['plan', 'check', whole.replace('judge:', 'check: async () => { throw new TypeError("no luck") }, judge:')],
    ['plan', 'measures', whole.replace('judge:', 'measures: () => { throw new TypeError("no luck") }, judge:')],
  ])('by the %s: %s that throws', async (_, part, text) => {
    expect(await says(text)).toMatch(
      new RegExp(`^UserError: wrong\\.yaml:4: steps\\.mine: stage mine \\(wrong\\.ts:\\d+\\): ${part}: no luck$`),
    )
  })

  const AT_7 = /^goldpan: stage mine \((wrong\.ts:\d+)\): (.*)no luck; in data\/ask\.pair\.jsonl, row 7 \(the first is 0\)\n$/
  const AT_7_THROW = 'if (at(batch).includes(7)) throw new TypeError("no luck\\nat all")'
  const rowed = whole
    .replace("{ ordinal: 'i32' }", "{ row: 'i32' }")
    .replace('export', 'const at = batch => batch.columns.row.values\nexport')
  const running = async (text: string, threads: number) => {
    await says(text)
    return run(['run', 'wrong.yaml', '--out', 'out/wrong', '--threads', `${threads}`, '--progress', 'none'])
  }

  it.each([0, 1])('a judge that throws, with its line and the row, in %i worker threads', async threads => {
    const { code, stderr } = await running(rowed.replace('batch => ({})', `batch => { ${AT_7_THROW}; return {} }`), threads)
    expect(code, stderr).toBe(2)
    expect(stderr).toMatch(AT_7)
  })

  it.each([
    [0, 'something ended the process before the build was done'],
    [1, 'a worker thread ended before its task did'],
  ])('a judge that ends the process, in %i worker threads', async (threads, message) => {
    const { code, stderr } = await running(rowed.replace('batch => ({})', 'batch => { process.exit(0); return {} }'), threads)
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
  })

  it('a measure that throws in a worker thread, with the row', async () => {
    const measure = `const odd = defineMeasure({ name: 'odd', version: 1, reads: { prompt: turnsOf }, adds: () => ({ odd: 'u8' }), open: () => batch => {
      if (batch.rows > 0 && textsOf(batch.columns.prompt, batch.rows).bytes.length > 0) throw new TypeError('no luck'); return {} } })\n`
    const text = whole
      .replace('{ defineStage, z }', '{ defineMeasure, defineStage, textsOf, turnsOf, z }')
      .replace('export', `${measure}export`)
      .replace('judge:', 'measures: () => [odd.with({})], judge:')
    const { code, stderr } = await running(text, 1)
    expect(code, stderr).toBe(2)
    expect(stderr).toMatch(
      /^goldpan: stage mine \(wrong\.ts:\d+\): measure odd: no luck; in data\/ask\.pair\.jsonl, row 0 \(the first is 0\)\n$/,
    )
  })

  const work: Record<string, string> = {
    partitions: '1',
    among: 'batch => Int32Array.from({ length: batch.rows }, (_, i) => i)',
    observe: 'batch => batchOf({ partition: "i32" }, batch.rows, { partition: { values: new Int32Array(batch.rows) } })',
    reduce: '({ summary: {} })',
    combine: '({})',
  }
  const round = (part: string, does: string): string => {
    const parts = Object.entries(work).map(([name, well]) => `${name}: () => ${name === part ? does : well}`)
    return rowed
      .replace('{ defineStage, z }', '{ batchOf, defineStage, z }')
      .replace('judge:', `rounds: [{ reads: { row: 'i32' }, emits: {}, ${parts.join(', ')} }], judge:`)
  }

  it.each([
    ['partitions', 'round 1, partitions'],
    ['among', 'round 1, among'],
    ['observe', 'round 1, observe'],
    ['reduce', 'round 1, reduce of partition 0'],
    ['combine', 'round 1, combine'],
  ])('a round whose %s throws, from the command line', async (part, where) => {
    const { code, stderr } = await running(round(part, '{ throw new TypeError("no luck\\nat all") }'), 0)
    expect(code, stderr).toBe(2)
    expect(stderr).toMatch(new RegExp(`^goldpan: stage mine \\(wrong\\.ts:\\d+\\): ${where}: no luck(; in data/ask.pair.jsonl)?\n$`))
  })

  it.each([
    ['partitions', '2.5', 'round 1, partitions: expected a whole number, got 2.5'],
    ['among', 'batch => Int32Array.of(3, 2)', 'round 1, among: names row 2 of \\d+; expected rows in rising order, each once'],
    ['observe', 'batch => ({ schema: {}, rows: 0, columns: {} })', 'round 1, observe: declares columns partition; gives none'],
    ['observe', work.observe.replace('new Int32Array(batch.rows)', 'at(batch)'), 'round 1, observe: a row is for partition 1; there are 1'],
  ])('a round whose %s gives %s', async (part, does, told) => {
    const { code, stderr } = await running(round(part, does), 0)
    expect(code, stderr).toBe(2)
    expect(stderr).toMatch(new RegExp(`^goldpan: stage mine \\(wrong\\.ts\\): ${told}.*\n$`))
  })

  it('columns that every pair has, and vectors', async () => {
    expect(await says(whole.replace('adds: {}', "adds: { source: 'utf8' }"))).toContain(
      'wrong.ts: adds column source, which every pair has',
    )
    expect(await says(whole.replace('adds: {}', 'adds: { v: { vector: 2 } }'))).toContain('a vector cannot be in the ledger')
    expect(await says(whole.replace('adds: {}', "adds: { v: 'i64' }"))).toContain(
      'adds column v: "i64" is no type; expected utf8, id, u8, i32, f32, f64, {labels} or {list}',
    )
  })

  it('a column that another step adds in another type', async () => {
    const text = whole.replace('adds: {}', "adds: { duplicate_of: 'u8' }")
    expect(await says(text, 'mine, exact-dedup')).toContain(
      'steps.exact-dedup: adds column duplicate_of as id, which an earlier step adds as u8; give the column of your own stage another name',
    )
    expect(await says(text, 'exact-dedup, mine')).toContain('steps.mine: adds column duplicate_of as u8, which an earlier step adds as id')
  })

  it.each(['delete', 'flip', 'keep'])('a reason for which pairs end in %s', async end => {
    expect(await says(whole.replace('judge:', `reasons: () => ({ a: '${end}' }), judge:`))).toContain(
      `wrong.ts: reason a: a pair may end in quarantine, review, drop, not in "${end}"`,
    )
  })
})

it('lawsOf names the law that a stage breaks, and the pair', async () => {
  put('wrong.ts', whole)
  await planOf(loadConfig(join(dir, 'wrong.yaml')))
  const [mine] = await stagesIn(join(dir, 'wrong.ts'))
  const pairs = Array.from({ length: 9 }, (_, i) => ({ prompt: `p ${i}` }))
  await lawsOf(mine, {}, pairs)
  const first: Stage = { ...mine, judge: () => batch => ({ leave: Uint8Array.from({ length: batch.rows }, (_, i) => (i === 0 ? 1 : 0)) }) }
  await expect(lawsOf(first, {}, pairs)).rejects.toThrow(
    'stage mine breaks the law "says the same for batches of one pair": pair 1 is first {"reason":null',
  )
  let calls = 0
  const moody: Stage = { ...first, judge: () => batch => ({ leave: new Uint8Array(batch.rows).fill(calls++ % 2) }) }
  await expect(lawsOf(moody, {}, pairs)).rejects.toThrow('"says the same twice"')
  await expect(lawsOf({ ...mine, doc: 'x' }, {}, pairs)).rejects.toThrow('stage mine: doc: expected one sentence')
})
