/** Where the judgement logs of a finished build are: as its config names them, seen from where the config lies. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Finished } from '../finished.ts'
import { logFiles } from './planned.ts'

export interface LogPlaces {
  /** Where answers are written. */
  readonly log: string
  /** Logs that are only read. */
  readonly others: readonly string[]
  /** What the user must do so that a build takes these answers; empty where nothing. */
  readonly hint: string
}

/** `wanted` is the user's own choice of a log to write. */
export function logPlaces({ dir, manifest }: Finished, wanted?: string): LogPlaces {
  const { judgements = [] } = manifest.config as { judgements?: readonly string[] }
  const base = configFolder(dir)
  const plain = judgements.find(named => !/[*?{[$]/.test(named) && /\.jsonl?$/.test(named))
  const configured = base !== undefined && plain !== undefined ? resolve(base, plain) : undefined
  const log = resolve(wanted ?? configured ?? join(dir, 'judgements.jsonl'))
  const all = base === undefined ? [] : judgements.flatMap(named => logFiles(named, base, 'judgements')).map(({ path }) => path)
  const hint = log === configured || all.includes(log) ? '' : `; to take them into the build, add to its config: judgements: [${log}]`
  return { log, others: all.filter(path => path !== log), hint }
}

/** The folder of the config file that made this build, where it is still there. */
function configFolder(dir: string): string | undefined {
  try {
    const { config } = JSON.parse(readFileSync(join(dir, 'run.json'), 'utf8')) as { config?: unknown }
    return typeof config === 'string' && existsSync(config) ? dirname(config) : undefined
  } catch {
    return undefined
  }
}
