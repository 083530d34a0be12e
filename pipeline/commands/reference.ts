import type { Command } from 'commander'
import { z } from 'zod'
import { stages } from '../../stages/index.ts'
import { configSchema } from '../config-schema.ts'
import { hint, UserError } from '../errors.ts'
import { stagesIn } from '../own-stages.ts'
import { type Property, type Reference, reference } from '../reference.ts'
import { lookOf } from '../report/ink.ts'
import { reportSchema } from '../report/report-schema.ts'
import { stagePages } from '../report/stage-pages.ts'
import { wrapped } from '../report/wrap.ts'
import type { Stage } from '../stage.ts'

/** The reference, generated from the code: `stages` for people, `schema` for editors. */
export const register = (program: Command): void => {
  program
    .command('stages')
    .description('list the stages, or show one with its params, columns and reasons')
    .argument('[name]', 'a stage, or a file of your own ones')
    .option('--json', 'print as JSON')
    .option('--markdown', 'print as docs/stages.md has it')
    .addHelpText('after', '\nExample: goldpan stages near-dup')
    .action(async (name: string | undefined, { json, markdown }: { json?: boolean; markdown?: boolean }) => {
      const chosen = name === undefined ? [...stages.values()] : /\.[mc]?[jt]s$/.test(name) ? await stagesIn(name) : [stageNamed(name)]
      const shown = chosen.map(reference)
      if (json) console.log(JSON.stringify(shown, null, 2))
      else if (markdown) console.log(stagePages(shown).trimEnd())
      else console.log(wrapped(name === undefined ? listing(shown) : shown.map(page).join('\n\n'), lookOf(process.stdout).width))
    })
  program
    .command('schema')
    .description('print the JSON Schema of a config, so that editors complete and check it, or of report.json')
    .option('--report', 'the schema of report.json')
    .addHelpText('after', '\nExample: goldpan schema > goldpan.schema.json')
    .action(({ report }: { report?: boolean }) =>
      console.log(JSON.stringify(report ? z.toJSONSchema(reportSchema) : jsonSchema(), null, 2)),
    )
}

function stageNamed(name: string): Stage {
  const stage = stages.get(name)
  if (!stage) throw new UserError(`stages ${name}: unknown stage${hint(name, [...stages.keys()])}`)
  return stage
}

const listing = (shown: readonly Reference[]): string => shown.map(s => `${s.name.padEnd(22)}${s.doc}`).join('\n')

function page({ name, doc, version, corpus_wide, params, adds, unseen, reasons }: Reference): string {
  const kind = (p: Property): string => p.enum?.join(' | ') ?? p.type ?? (Array.isArray(p.anyOf) ? 'see text' : 'value')
  const lines = [`${name} (version ${version}${corpus_wide ? ', sees the whole corpus' : ''})`, doc, '', 'params:']
  for (const [param, p] of Object.entries(params))
    lines.push(`  ${param}: ${kind(p)}${p.default === undefined ? '' : ` = ${JSON.stringify(p.default)}`}`, `      ${p.description ?? ''}`)
  const where = (column: string): string => (unseen.includes(column) ? ', for later steps' : ', in the ledger')
  lines.push('', 'adds:', ...Object.entries(adds).map(([column, type]) => `  ${column}: ${type}${where(column)}`))
  lines.push('', 'why a pair leaves:', ...Object.entries(reasons).map(([reason, outcome]) => `  ${reason} -> ${outcome}`))
  return lines.join('\n')
}

/** The schema of a whole config: a step is a stage's name, or the name with its params. */
function jsonSchema(): object {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as { properties: Record<string, object> }
  const steps = [...stages.values()].map(stage => ({
    type: 'object',
    properties: {
      id: { type: 'string' },
      [stage.name]: { ...z.toJSONSchema(stage.params, { io: 'input', unrepresentable: 'any' }), description: stage.doc },
    },
    required: [stage.name],
    additionalProperties: false,
  }))
  const names = { enum: [...stages.keys()] }
  return {
    ...schema,
    title: 'goldpan config',
    properties: { ...schema.properties, steps: { type: 'array', minItems: 1, items: { anyOf: [names, ...steps] } } },
  }
}
