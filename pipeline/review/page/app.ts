/** The review page: shows a pair, sends an answer, moves on once it is on the server's disk. Everything of a model comes as safe HTML. */

import { opinions, turn } from './elements.js'
import { type After, ask, byId, idOf, type State, type Task, tell } from './requests.js'

/** Pairs that wait in the page, so that the next one is there when an answer is saved. */
const AHEAD = 6

const [prompt, left, right, others, empty] = ['prompt', 'left', 'right', 'others', 'empty'].map(byId)
const reason = byId('reason') as HTMLInputElement
const flag = byId('flag') as HTMLButtonElement
const undo = byId('undo') as HTMLButtonElement
const diff = byId('diff') as HTMLButtonElement
const guide = byId('guide') as HTMLButtonElement
const choices = [...document.querySelectorAll<HTMLButtonElement>('button[data-outcome], button[data-contaminated]')]
/** What is there only for pairs, and only for flags of contamination. */
const forPairs = [byId('scale'), byId('flag'), ...choices.filter(({ dataset }) => dataset.outcome === 'both_bad')]
const forFlags = ['flags', 'ask'].map(byId)

let tasks: Task[] = []
let last: string | null = null
let busy = true
let comparing = false
let filling: Promise<void> | undefined
let seen_ms = 0
let visible_since = performance.now()

function took({ progress, last: id }: After): void {
  last = id
  undo.disabled = id === null
  const bar = byId('bar') as HTMLProgressElement
  bar.max = Math.max(1, progress.answered + progress.left)
  bar.value = progress.answered
  byId('count').textContent = `${progress.answered} done, ${progress.left} left`
}

/** Fetches until enough pairs wait; one request at a time. */
function fill(): Promise<void> {
  filling ??= (async () => {
    const held = tasks.map(({ pair_id, kind }) => ({ pair_id, kind }))
    const reply = await ask<After & { tasks: Task[] }>('/api/next', { count: AHEAD, held })
    const here = new Set(tasks.map(key))
    tasks.push(...reply.tasks.filter(task => !here.has(key(task))))
  })().finally(() => {
    filling = undefined
  })
  return filling
}

const key = ({ pair_id, kind }: Task): string => `${pair_id} ${kind}`

function show(): void {
  const task = tasks[0]
  for (const part of [byId('responses'), prompt]) part.hidden = !task
  empty.hidden = Boolean(task)
  others.hidden = !task?.others
  for (const button of [...choices, flag]) button.disabled = !task
  diff.disabled = !task?.difference
  const isFlag = task?.kind === 'flag'
  for (const part of forPairs) part.hidden = isFlag
  for (const part of forFlags) part.hidden = !isFlag
  const [a, b] = task?.names ?? ['A', 'B']
  byId('name-a').textContent = a
  byId('name-b').textContent = b
  if (!task) {
    empty.textContent = 'Nothing is left for you. Thank you! Pairs that others hold or give back appear after a reload.'
    return
  }
  prompt.hidden = task.prompt.length === 0
  prompt.replaceChildren(...task.prompt.map(turn))
  prompt.classList.toggle('long', prompt.textContent!.length > 600)
  prompt.classList.remove('tall')
  prompt.classList.toggle('tall', prompt.scrollHeight > prompt.clientHeight)
  prompt.scrollTop = 0
  compare(comparing)
  if (task.others) others.replaceChildren(...opinions(task.others))
  byId('main').scrollTop = 0
  seen_ms = 0
  visible_since = performance.now()
}

function compare(on: boolean): void {
  const task = tasks[0]
  if (!task) return
  comparing = on
  const shown = on && task.difference ? task.difference : task
  left.innerHTML = shown.left
  right.innerHTML = shown.right
  left.scrollTop = right.scrollTop = 0
  diff.setAttribute('aria-pressed', String(on && task.difference !== undefined))
}

const watched = (): number => seen_ms + (document.hidden ? 0 : performance.now() - visible_since)

/** The screen moves on once the server has the answer on its disk. */
async function answer(button: HTMLButtonElement): Promise<void> {
  const [task] = tasks
  if (!task || busy) return
  busy = true
  button.classList.add('given')
  try {
    const given = {
      id: idOf(),
      pair_id: task.pair_id,
      reason: reason.value.trim() || null,
      seconds: Math.round(watched() / 100) / 10,
    }
    if (task.kind === 'flag') took(await ask<After>('/api/check', { ...given, ...checkOf(button) }))
    else took(await ask<After>('/api/answer', { ...given, ...outcomeOf(task, button) }))
    tasks.shift()
    clear()
    // What is under way was asked for before this answer, and may bring nothing.
    if (tasks.length === 0) await filling
    if (tasks.length === 0) await fill()
    show()
    byId('status').textContent = `Saved. ${byId('count').textContent}`
    if (tasks.length < AHEAD) fill().catch(refused)
  } catch (error) {
    refused(error)
  } finally {
    button.classList.remove('given')
    busy = false
  }
}

const outcomeOf = ({ kind, ticket }: Task, { dataset: { outcome, strength } }: HTMLButtonElement) => ({
  kind,
  ticket,
  outcome,
  strength: strength ? Number(strength) : null,
  flagged: flag.getAttribute('aria-pressed') === 'true',
})

/** Who cannot tell says neither. */
const checkOf = ({ dataset: { contaminated } }: HTMLButtonElement) => ({
  contaminated: contaminated === undefined ? null : contaminated === 'true',
})

function clear(): void {
  reason.value = ''
  flag.setAttribute('aria-pressed', 'false')
  if (document.activeElement instanceof HTMLElement && document.activeElement !== document.body) document.activeElement.blur()
}

const refused = (error: unknown): void => tell((error as Error).message)

async function takeBack(): Promise<void> {
  if (busy || last === null) return
  busy = true
  try {
    await filling
    const reply = await ask<After & { task: Task | null }>('/api/undo', { id: last })
    took(reply)
    const { task } = reply
    if (task) tasks = [task, ...tasks.filter(other => key(other) !== key(task))]
    clear()
    show()
    byId('status').textContent = task ? 'The last answer is taken back.' : 'Nothing was taken back.'
  } catch (error) {
    refused(error)
  } finally {
    busy = false
  }
}

function toggleGuideline(): void {
  const panel = byId('guideline')
  panel.hidden = !panel.hidden
  guide.setAttribute('aria-expanded', String(!panel.hidden))
  if (!panel.hidden) panel.focus()
}

const toggleFlag = (): void => flag.setAttribute('aria-pressed', String(flag.getAttribute('aria-pressed') !== 'true'))

const theme = (name: string): string => (document.documentElement.dataset.theme = name)
function toggleTheme(): void {
  localStorage.setItem('theme', theme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'))
}

const choice = (outcome: string, strength?: string) => (): void => {
  const button = choices.find(({ dataset }) => dataset.outcome === outcome && dataset.strength === strength)
  press(button)
}
const flagChoice = (contaminated: string) => (): void => press(choices.find(({ dataset }) => dataset.contaminated === contaminated))
/** A key does nothing where its button is not there. */
function press(button: HTMLButtonElement | undefined): void {
  if (button && !button.disabled && button.offsetParent !== null) answer(button)
}
const KEYS: Readonly<Record<string, () => void>> = {
  1: choice('left', '3'),
  2: choice('left', '2'),
  3: choice('left', '1'),
  4: choice('tie'),
  5: choice('right', '1'),
  6: choice('right', '2'),
  7: choice('right', '3'),
  ArrowLeft: choice('left', '2'),
  ArrowRight: choice('right', '2'),
  t: choice('tie'),
  b: choice('both_bad'),
  c: choice('cannot_tell'),
  y: flagChoice('true'),
  n: flagChoice('false'),
  f: toggleFlag,
  r: () => reason.focus(),
  u: takeBack,
  d: () => compare(!comparing),
  g: toggleGuideline,
}

document.addEventListener('keydown', event => {
  if (event.key === 'Escape') {
    if (!byId('guideline').hidden) toggleGuideline()
    else if (document.activeElement === reason) reason.blur()
    return
  }
  if (event.target === reason) {
    if (event.key === 'Enter') reason.blur()
    return
  }
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return
  const act = KEYS[event.key]
  if (!act) return
  event.preventDefault()
  act()
})
for (const button of choices) button.addEventListener('click', () => answer(button))
flag.addEventListener('click', toggleFlag)
undo.addEventListener('click', takeBack)
diff.addEventListener('click', () => compare(!comparing))
guide.addEventListener('click', toggleGuideline)
byId('theme').addEventListener('click', toggleTheme)
document.addEventListener('visibilitychange', () => {
  if (document.hidden) seen_ms += performance.now() - visible_since
  else visible_since = performance.now()
})

theme(localStorage.getItem('theme') ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'))
try {
  const state = await ask<State>('/api/state')
  byId('title').textContent = state.role === 'adjudicator' ? `${state.title}: disagreements` : state.title
  document.title = `${state.title} · review`
  byId('guideline').innerHTML = state.guideline
  took(state)
  await fill()
  show()
  busy = false
} catch (error) {
  refused(error)
}
