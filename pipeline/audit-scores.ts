/** Scores problems on the spot with the reward models of a config, for `goldpan audit-rm --config`. */
import { dirname, resolve } from 'node:path'
import { type GivenTurn, turnsColumn, utf8Of } from './batch.ts'
import { type Row, stringOf } from './codecs/row-source.ts'
import { loadConfig } from './config.ts'
import { UserError } from './errors.ts'
import { questionAt } from './formats/dpo.ts'
import { firstOf, isObject, sideAt, textAt } from './formats/fields.ts'
import { FieldError, type Turn } from './formats/format.ts'
import { LISTS } from './formats/problems.ts'
import { planModels } from './planned-models.ts'
import type { PlacedRow } from './reward-audit.ts'
import type { Scorer } from './scorer.ts'
import { openTried } from './scorers/open.ts'

export interface Scoring {
  /** Adds to `scores` of each row what every model says of its responses. */
  score(rows: readonly PlacedRow[]): Promise<Row[]>
  close(): Promise<void>
}

/** Opens and tries all models that the config names; judges, which score no response alone, are refused. */
export async function scoringWith(file: string): Promise<Scoring> {
  const loaded = loadConfig(file)
  const paths: Record<string, string> = {}
  const models = await planModels(loaded, dirname(resolve(file)), paths)
  if (Object.keys(models).length === 0) throw new UserError(`${file}: models: is empty; name the reward models to audit there`)
  const scorers = new Map<string, Scorer>()
  const close = async (): Promise<void> => {
    for (const scorer of scorers.values()) await scorer.close()
  }
  try {
    for (const [name, model] of Object.entries(models)) {
      const scorer = await openTried(name, model, paths)
      scorers.set(name, scorer)
      if (scorer.margins)
        throw new UserError(`${loaded.at(['models', name])}: a judge compares two responses; audit-rm asks models that score one`)
    }
  } catch (error) {
    await close()
    throw error
  }
  return { score: rows => scored(rows, scorers), close }
}

interface Texts {
  readonly prompt: readonly GivenTurn[]
  readonly responses: readonly string[]
}

async function scored(placed: readonly PlacedRow[], scorers: ReadonlyMap<string, Scorer>): Promise<Row[]> {
  const rows = placed.map(({ row }) => row)
  const problems = placed.map(({ row, at }) => {
    try {
      return textsOf(row)
    } catch (error) {
      if (error instanceof FieldError) throw new UserError(`${at}: ${error.field}: ${error.message}`)
      throw error
    }
  })
  const prompts = problems.flatMap(({ prompt, responses }) => responses.map(() => prompt))
  const responses = utf8Of(problems.flatMap(problem => problem.responses))
  const scores = problems.map((_, i): Record<string, unknown> => ({ ...(isObject(rows[i].scores) ? rows[i].scores : {}) }))
  for (const [name, scorer] of scorers) {
    const said = await scorer.score(turnsColumn(prompts), responses)
    let at = 0
    for (const [i, problem] of problems.entries()) {
      const own = said.subarray(at, (at += problem.responses.length))
      scores[i][name] = Array.from(own, score => (Number.isNaN(score) ? null : score))
    }
  }
  return rows.map((row, i) => ({ ...row, scores: scores[i] }))
}

/** The prompt of a problem and its responses; of a pair chosen, then rejected. */
function textsOf(row: Row): Texts {
  const prompt = questionAt(row).map(({ role, content }) => ({ role, content: stringOf(content) }))
  if ('chosen' in row && 'rejected' in row) return { prompt, responses: ['chosen', 'rejected'].map(side => lastText(sideAt(row, side))) }
  const name = firstOf(row, LISTS)
  const list = name === undefined ? undefined : row[name]
  if (name === undefined || !Array.isArray(list)) throw new FieldError(LISTS[0], 'expected a list of responses, or chosen and rejected')
  return { prompt, responses: list.map((text, i) => stringOf(textAt(text, `${name}.${i}`))) }
}

const lastText = (turns: readonly Turn[]): string => stringOf(turns[turns.length - 1].content)
