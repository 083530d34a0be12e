/** Small real builds for the tests of what reads one: files and a config written, run in this process, without workers. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfig } from '../pipeline/config.ts'
import type { Manifest } from '../pipeline/manifest.ts'
import { planOf } from '../pipeline/plan.ts'
import { openProgress } from '../pipeline/progress.ts'
import { runBuild } from '../pipeline/run.ts'
import { freshDir } from './cli.ts'

export type Files = Readonly<Record<string, readonly object[]>>

/** Rows of a file as JSON lines. */
export const lines = (rows: readonly object[]): string => rows.map(row => `${JSON.stringify(row)}\n`).join('')

/** Builds in one folder share a store. */
export class Bench {
  readonly dir: string
  private made = 0
  constructor(name: string) {
    this.dir = freshDir(name)
  }

  /** Writes `files` and a config over them into a folder of their own; the config's path. */
  config(files: Files, more: string): string {
    const at = join(this.dir, `in-${this.made++}`)
    mkdirSync(at)
    for (const [name, rows] of Object.entries(files)) writeFileSync(join(at, name), lines(rows))
    const config = join(at, 'config.yaml')
    writeFileSync(
      config,
      `name: built\nsources: [${Object.keys(files)
        .map(name => `{ path: ${name}, source: s }`)
        .join(', ')}]\n${more}`,
    )
    return config
  }

  /** Runs a config; `out` is the folder of the build. */
  async run(config: string, overrides: readonly string[] = []): Promise<{ out: string; manifest: Manifest }> {
    const out = join(this.dir, `out-${this.made++}`)
    const { manifest } = await runBuild(await planOf(loadConfig(config, overrides)), {
      config,
      set: overrides,
      out,
      store: join(this.dir, 'store'),
      threads: 0,
      memory_bytes: 2 ** 32,
      progress: openProgress('none', false),
    })
    return { out, manifest }
  }

  async build(files: Files, more: string): Promise<{ out: string; manifest: Manifest }> {
    return this.run(this.config(files, more))
  }
}
