/** What a build tells while it runs: a bar on a terminal, else a plain line every few seconds, or JSON lines for machines. */
import { SingleBar } from 'cli-progress'
import { lookOf } from './report/ink.ts'
import { cut } from './report/table.ts'

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
  return mode === 'auto' && process.stderr.isTTY && process.env.TERM !== 'dumb' ? bars() : plainLines()
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
const dropped = (s: State): string => (s.dropped > 0 ? `, ${s.dropped.toLocaleString('en')} dropped` : '')

function add(s: State, rows: number, dropped: number): void {
  s.done++
  s.rows += rows
  s.dropped += dropped
}

/** Columns of a terminal that does not say. */
const WIDTH = 80

/** Columns for the name of a phase, its bar, and what it counts, beside spaces and the percentage. */
export function shared(width: number): { readonly name: number; readonly bar: number; readonly counts: number } {
  const part = (share: number, least: number, most: number): number => Math.min(most, Math.max(least, Math.floor(share * width)))
  const [name, bar] = [part(0.3, 18, 30), part(0.15, 8, 20)]
  return { name, bar, counts: width - name - bar - 8 }
}

/** Shorter phases leave no line behind. */
const TOLD_MS = 1000

/** One bar at a time; what took a while leaves a line of what it came to. */
function bars(): Progress {
  const { ink } = lookOf(process.stderr)
  let bar: SingleBar | undefined
  let state = started('', 0)
  let room = shared(WIDTH)
  const stop = (): void => {
    bar?.stop()
    if (bar && performance.now() - state.started > TOLD_MS)
      console.error(ink.soft(cut(finished(state, room.name), process.stderr.columns ?? WIDTH)))
    bar = undefined
  }
  return {
    phase(name, tasks) {
      stop()
      state = started(name, tasks)
      room = shared(process.stderr.columns ?? WIDTH)
      bar = new SingleBar({
        format: '{name} {bar} {percentage}% {counts}',
        stream: process.stderr,
        barsize: room.bar,
        clearOnComplete: true,
        hideCursor: true,
        barCompleteChar: '█',
        barIncompleteChar: '░',
      })
      bar.start(tasks, 0, { name: shortened(name, room.name), counts: '' })
    },
    tick(rows, dropped) {
      add(state, rows, dropped)
      bar?.update(state.done, { counts: counts(state, room.counts) })
    },
    note(text) {
      stop()
      console.error(text)
    },
    end: stop,
  }
}

const shortened = (name: string, width: number): string => cut(name, width).padEnd(width)

/** What fits into `room` columns: rows/s, time left and drops first. */
function counts(s: State, room: number): string {
  const parts = [
    ...(s.rows > 0 ? [rate(s)] : []),
    `ETA ${clock(secondsLeft(s))}`,
    ...(s.dropped > 0 ? [`${s.dropped.toLocaleString('en')} dropped`] : []),
    ...(s.rows > 0 ? [`${s.rows.toLocaleString('en')} rows`] : []),
  ]
  let left = room
  return parts.filter(part => (left -= part.length + 2) >= 0).join(', ')
}

const secondsLeft = (s: State): number => (s.done > 0 ? ((performance.now() - s.started) / s.done / 1000) * (s.tasks - s.done) : 0)

/** 75 as 1:15. */
export function clock(seconds: number): string {
  const whole = Math.ceil(seconds)
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60].map(n => String(n).padStart(2, '0'))
  return h === '00' ? `${Number(m)}:${s}` : `${Number(h)}:${m}:${s}`
}

const finished = (s: State, name: number): string =>
  `${shortened(s.name, name)} ${s.rows.toLocaleString('en')} rows, ${rate(s)}, ${clock((performance.now() - s.started) / 1000)}${dropped(s)}`

function plainLines(): Progress {
  let state = started('', 0)
  let said = performance.now()
  const say = (): void => {
    said = performance.now()
    console.error(
      `${state.name}: ${state.done}/${state.tasks} tasks, ${state.rows.toLocaleString('en')} rows, ${rate(state)}, ETA ${Math.ceil(secondsLeft(state))} s${dropped(state)}`,
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
