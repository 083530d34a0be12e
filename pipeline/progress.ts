/** What a build tells while it runs: a bar a phase on a terminal, else a plain line every few seconds, or JSON lines for machines. */
import { SingleBar } from 'cli-progress'

export type ProgressMode = 'auto' | 'plain' | 'none'

export interface Progress {
  phase(name: string, tasks: number): void
  /** One task is done: rows it went through, and how many of them left. */
  tick(rows: number, dropped: number): void
  note(text: string): void
  end(): void
}

const PLAIN_MS = 3000

/** Progress goes to stderr, so that stdout holds results only. */
export function openProgress(mode: ProgressMode, json: boolean): Progress {
  if (json) return jsonLines()
  if (mode === 'none') return { phase: () => {}, tick: () => {}, note: () => {}, end: () => {} }
  return mode === 'auto' && process.stderr.isTTY ? bars() : plainLines()
}

interface State {
  name: string
  tasks: number
  done: number
  rows: number
  dropped: number
  started: number
}

const started = (name: string, tasks: number): State => ({ name, tasks, done: 0, rows: 0, dropped: 0, started: performance.now() })
const rate = (s: State): string => `${Math.round((s.rows / Math.max(1, performance.now() - s.started)) * 1000).toLocaleString('en')} rows/s`
const left = (s: State): string => (s.dropped > 0 ? `, ${s.dropped.toLocaleString('en')} left the stream` : '')

function add(s: State, rows: number, dropped: number): void {
  s.done++
  s.rows += rows
  s.dropped += dropped
}

function bars(): Progress {
  let bar: SingleBar | undefined
  let state = started('', 0)
  const stop = (): void => {
    bar?.stop()
    bar = undefined
  }
  return {
    phase(name, tasks) {
      stop()
      state = started(name, tasks)
      bar = new SingleBar({
        format: '{name} {bar} {percentage}% | {rows} rows, {rate} | ETA {eta_formatted}{left}',
        stream: process.stderr,
        barsize: 24,
      })
      bar.start(tasks, 0, { name: name.padEnd(28), rows: 0, rate: '', left: '' })
    },
    tick(rows, dropped) {
      add(state, rows, dropped)
      bar?.update(state.done, { rows: state.rows.toLocaleString('en'), rate: rate(state), left: left(state) })
    },
    note(text) {
      stop()
      console.error(text)
    },
    end: stop,
  }
}

function plainLines(): Progress {
  let state = started('', 0)
  let said = performance.now()
  const say = (): void => {
    said = performance.now()
    const eta = state.done > 0 ? ((said - state.started) / state.done) * (state.tasks - state.done) : 0
    console.error(
      `${state.name}: ${state.done}/${state.tasks} tasks, ${state.rows.toLocaleString('en')} rows, ${rate(state)}, ETA ${Math.ceil(eta / 1000)} s${left(state)}`,
    )
  }
  return {
    phase(name, tasks) {
      state = started(name, tasks)
    },
    tick(rows, dropped) {
      add(state, rows, dropped)
      if (performance.now() - said > PLAIN_MS) say()
    },
    note: text => console.error(text),
    end: () => {},
  }
}

function jsonLines(): Progress {
  let state = started('', 0)
  const write = (event: string, more: object): void => console.error(JSON.stringify({ time: new Date().toISOString(), event, ...more }))
  return {
    phase(name, tasks) {
      state = started(name, tasks)
      write('phase', { name, tasks })
    },
    tick(rows, dropped) {
      add(state, rows, dropped)
      write('task', { name: state.name, done: state.done, tasks: state.tasks, rows: state.rows, dropped: state.dropped })
    },
    note: text => write('note', { text }),
    end: () => {},
  }
}
