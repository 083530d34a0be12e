/** Every command and every config of docs/ is run as it stands there. */
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../pipeline/config.ts'
import { planOf } from '../pipeline/plan.ts'
import { openProgress } from '../pipeline/progress.ts'
import { reference } from '../pipeline/reference.ts'
import { stagePages } from '../pipeline/report/stage-pages.ts'
import { runBuild } from '../pipeline/run.ts'
import type { Stage } from '../pipeline/stage.ts'
import { stages } from '../stages/index.ts'
import { methods } from '../stages/methods.ts'
import { freshDir, goldpan, ROOT } from './cli.ts'
import { brief, read, source } from './ingest-files.ts'

const dir = freshDir('docs')
beforeAll(() => symlinkSync(join(ROOT, 'data'), join(dir, 'data')))

const blocks = (page: string, language: string): string[] =>
  [...readFileSync(join(ROOT, 'docs', page), 'utf8').matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(([, text]) =>
    text.trim(),
  )

/** A line as the shell reads it, as far as the pages go: words, and double quotes. */
const words = (line: string): string[] => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain)

/** Runs every command of a page; what each said, by command. */
function follow(page: string): Map<string, string> {
  const commands = blocks(page, 'sh')
  return new Map(
    commands.map(line => {
      const [npx, name, ...args] = words(line)
      expect([npx, name]).toEqual(['npx', 'goldpan'])
      const { code, stdout, stderr } = goldpan(args, { cwd: dir })
      expect(code, `${line}\n${stderr}`).toBe(0)
      return [line, stdout]
    }),
  )
}

const saidOf = (said: ReadonlyMap<string, string>, part: string): string => [...said].find(([line]) => line.includes(part))![1]

/** The later pages go on from the builds of the first one. */
describe('the first quarter of an hour', () => {
  it('runs from top to bottom: docs/first-steps.md', () => {
    const said = follow('first-steps.md')
    const order = ['init', 'plan', 'run', 'report', 'explain', 'query', 'run', 'diff', 'verify']
    expect([...said.keys()].map(line => words(line)[2])).toEqual(order)
    expect(saidOf(said, ' explain ')).toContain('ask-0042')
    expect(saidOf(said, ' diff ')).toMatch(/decide\.review_below +0\.33 +-> +0\.5/)
    expect(saidOf(said, ' diff ')).toMatch(/[1-9]\d* otherwise/)
  })

  it('goes on with docs/why-rerun.md', () => {
    const said = follow('why-rerun.md')
    expect(saidOf(said, 'plan my.yaml')).toContain('work: none, everything is in the store')
    const [shown] = blocks('why-rerun.md', 'text')
    const changed = saidOf(said, 'action=drop')
    for (const line of shown.split('\n')) expect(changed).toContain(line)
    expect(changed).toMatch(/near-dup +as it is/)
  })

  it('goes on with docs/reading-the-ledger.md', () => {
    const said = follow('reading-the-ledger.md')
    for (const [line, text] of said) if (!line.includes(' explain ')) expect(text.trim().split('\n').length, line).toBeGreaterThan(1)
  })
})

describe('docs/stages.md', () => {
  const all = [...stages.values()]

  it('is what the code says: `npx goldpan stages --markdown > docs/stages.md` writes it', () => {
    const page = readFileSync(join(ROOT, 'docs/stages.md'), 'utf8')
    expect(page).toBe(stagePages(all.map(reference)))
  })

  it.each(all.map(stage => [stage.name, stage] as const))('tells the method and every reason of %s', (name, stage) => {
    expect(Object.keys(methods[name].reasons)).toEqual(expect.arrayContaining(Object.keys(reference(stage).reasons)))
    for (const reason of Object.keys(methods[name].reasons)) expect(everyReason(stage)).toContain(reason)
  })
})

/** Of a stage under any action that its params know. */
function everyReason(stage: Stage): string[] {
  const known = (value: Record<string, unknown>): string[] => {
    const params = stage.params.safeParse(value)
    return params.success ? Object.keys(stage.reasons?.(params.data) ?? {}) : []
  }
  const actions = reference(stage).params.action?.enum ?? []
  return [{}, { allow: ['MIT'] }, ...actions.map(action => ({ action }))].flatMap(known)
}

describe('docs/recipes.md', () => {
  it.each(blocks('recipes.md', 'yaml').map(text => [/name: (\S+)/.exec(text)![1], text]))('%s builds', async (name, text) => {
    const config = join(dir, `${name}.yaml`)
    writeFileSync(config, text)
    const { manifest } = await runBuild(await planOf(loadConfig(config)), {
      config,
      set: [],
      out: join(dir, 'out', name),
      store: join(dir, '.goldpan/store'),
      threads: 0,
      memory_bytes: 2 ** 32,
      progress: openProgress('none', false),
    })
    expect(manifest.totals.train).toBeGreaterThan(0)
  })
})

/** A small file of each shape, by the name that its recipe reads; each holds the better answer A and the worse one B to a question Q. */
const shapes: Record<string, string> = {
  'pairs.csv': 'prompt,chosen,rejected\r\nQ,A,B\r\n',
  'pku.jsonl': JSON.stringify({ prompt: 'Q', response_0: 'B', response_1: 'A', better_response_id: 1, safer_response_id: 0 }),
  'helpsteer3.jsonl': JSON.stringify({ context: [{ role: 'user', content: 'Q' }], response1: 'A', response2: 'B', overall_preference: -2 }),
  'helpsteer2.jsonl': [4, 1].map((helpfulness, i) => JSON.stringify({ prompt: 'Q', response: 'AB'[i], helpfulness })).join('\n'),
  'shp.jsonl': JSON.stringify({ post_id: 'i9', history: 'Q', human_ref_A: 'B', human_ref_B: 'A', labels: 0 }),
  'arena55k.jsonl': JSON.stringify({
    ...{ id: 1, prompt: '["Q"]', response_a: '["A"]', response_b: '["B"]' },
    ...{ winner_model_a: 1, winner_model_b: 0, winner_tie: 0 },
  }),
  'oasst.jsonl': [
    { message_id: 'q', parent_id: null, text: 'Q', rank: null },
    { message_id: 'b', parent_id: 'q', text: 'B', rank: 1 },
    { message_id: 'a', parent_id: 'q', text: 'A', rank: 0 },
  ]
    .map(row => JSON.stringify(row))
    .join('\n'),
  'orca.jsonl': JSON.stringify({ system: '', input: 'Q', chosen: 'A', rejected: 'B', rating: [9, 5] }),
}

describe('docs/recipes.md, rows of another shape', () => {
  it.each(blocks('recipes.md', 'sql').map(sql => [/'([^']+)' \(FORMAT/.exec(sql)![1], sql]))(
    '%s is read as a pair',
    async (target, sql) => {
      const from = Object.keys(shapes).find(name => sql.includes(`'${name}'`))!
      const path = (name: string): string => join(dir, name)
      writeFileSync(path(from), shapes[from])
      const connection = await (await DuckDBInstance.create(':memory:')).connect()
      await connection.run(sql.replaceAll(`'${from}'`, `'${path(from)}'`).replace(`'${target}'`, `'${path(target)}'`))
      connection.closeSync()
      const { texts, rejected } = await read(source(readFileSync(path(target))))
      expect([texts.map(brief), rejected]).toEqual([[['u:Q', 'a:A', 'a:B']], 0])
    },
  )
})
