/** What a stage is given of the outside, and what a worker keeps open between tasks. */
import { readFile } from 'node:fs/promises'
import type { Build, Step } from './build.ts'
import { UserError } from './errors.ts'
import { digestOf } from './keys.ts'
import type { Embedder, Scorer } from './scorer.ts'
import type { Context, Summary } from './stage.ts'

/** Judges, indexes and models that were opened in this worker, kept for its next tasks. */
export class Opened {
  private readonly things = new Map<string, Promise<unknown>>()
  private readonly models = new Set<Promise<Scorer | Embedder>>()

  /** `open` the first time, what it gave then afterwards; tried again where it failed. Only what belongs to the same phase of a build is kept. */
  once<T>(name: string, open: () => Promise<T>): Promise<T> {
    const there = this.things.get(name)
    if (there) return there as Promise<T>
    const thing = open()
    this.things.set(name, thing)
    thing.catch(() => this.things.delete(name))
    return thing
  }

  /** Forgets everything but the models: a new phase opens other judges. */
  forget(): void {
    for (const name of this.things.keys()) if (!name.startsWith('model ')) this.things.delete(name)
  }

  scorer(name: string, open: () => Promise<Scorer>): Promise<Scorer> {
    return this.model(`model ${name}`, open)
  }

  embedder(folder: string, open: () => Promise<Embedder>): Promise<Embedder> {
    return this.model(`model in ${folder}`, open)
  }

  private model<M extends Scorer | Embedder>(name: string, open: () => Promise<M>): Promise<M> {
    const model = this.once(name, open)
    this.models.add(model)
    model.catch(() => this.models.delete(model))
    return model
  }

  async close(): Promise<void> {
    for (const model of this.models) await (await model).close()
  }
}

/** The context of one step; models are opened once a worker. */
export function contextOf(build: Build, step: Step, summary: Summary, opened?: Opened): Context {
  return {
    seed: build.plan.seed,
    env: step.env,
    corpus: build.corpus(),
    summary,
    judged: build.judged,
    file: async path => checkedFile(build, step, path),
    scorer: name => {
      const model = build.plan.models[name]
      const open = (): Promise<Scorer> => import('./scorers/open.ts').then(scorers => scorers.openScorer(name, model, build))
      return opened ? opened.scorer(name, open) : open()
    },
    embedder: folder => {
      const open = (): Promise<Embedder> => import('./scorers/open.ts').then(scorers => scorers.openEmbedder(folder, build.paths[folder]))
      return opened ? opened.embedder(folder, open) : open()
    },
  }
}

/** A file of the plan; refused where it has changed since the plan was made. */
async function checkedFile(build: Build, step: Step, path: string): Promise<Uint8Array> {
  const planned = step.files.find(file => file.path === path)
  if (!planned) throw new Error(`${step.id}: reads ${path}, which its files() does not name`)
  if ((await digestOf(build.paths[path])) !== planned.sha256) throw new UserError(`${path}: changed while the build ran; run again`)
  return readFile(build.paths[path])
}
