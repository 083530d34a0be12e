/** The judgement logs that a config names, read once when it is planned. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { LoadedConfig } from '../config.ts'
import { filesOf, type NamedFile } from '../files.ts'
import type { Judged } from '../judgement.ts'
import { keyOf } from '../keys.ts'
import type { PlannedJudgements } from '../plan.ts'
import type { PlannedFile } from '../planned-file.ts'
import { effectiveAnswers } from './effective.ts'
import { judgedOf } from './judged.ts'
import { readLogs } from './log.ts'

export interface ReadJudgements {
  readonly planned: PlannedJudgements
  readonly judged: Readonly<Record<string, Judged>>
  readonly notes: readonly string[]
}

/** A log that is not written yet holds no answers; a glob may match nothing. */
export const logFiles = (named: string, base: string, where: string): NamedFile[] =>
  isMissing(named, base) ? [] : filesOf(named, base, where, 0)

const isMissing = (named: string, base: string): boolean => !/[*?{[$]/.test(named) && !existsSync(resolve(base, named))

/** undefined where the config names no log; the same answers in other files have the same digest. */
export async function judgementsOf(
  { config, at }: LoadedConfig,
  base: string,
  digest: (file: NamedFile) => Promise<PlannedFile>,
): Promise<ReadJudgements | undefined> {
  if (!config.judgements) return undefined
  const files = config.judgements.flatMap((named, i) => logFiles(named, base, at(['judgements', i])))
  const missing = config.judgements.filter(named => isMissing(named, base))
  const planned = await Promise.all(files.map(digest))
  const log = readLogs(files.map(file => file.path))
  const answers = effectiveAnswers(log)
  const judged = judgedOf(answers)
  return {
    planned: {
      files: planned,
      digest: keyOf('judged', [...judged] as never),
      answers: answers.length,
      pairs: judged.size,
      annotators: new Set(answers.map(answer => answer.annotator)).size,
    },
    judged: Object.fromEntries(judged),
    notes: [...missing.map(named => `judgements: ${named}: is not there yet, so it holds no answer`), ...log.notes],
  }
}
