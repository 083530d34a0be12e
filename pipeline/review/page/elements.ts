/** What the page makes of what the server says. Everything of a model comes as safe HTML. */
import type { Task } from './requests.js'

/** One turn of a conversation. */
export function turn({ role, html }: Task['prompt'][number]): HTMLElement {
  const block = element('div', 'turn')
  const text = element('div', 'text')
  text.dir = 'auto'
  text.innerHTML = html
  block.append(element('div', 'role', role), text)
  return block
}

function element(tag: string, className: string, text = ''): HTMLElement {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}

const NAMES: Readonly<Record<string, string>> = {
  left: 'A better',
  right: 'B better',
  tie: 'Tie',
  both_bad: 'Both bad',
  cannot_tell: 'Cannot tell',
}
const HOW = ['', ' (slightly)', '', ' (much)']

/** What annotators answered, for whoever settles their disagreement. */
export function opinions(said: NonNullable<Task['others']>): HTMLElement[] {
  const list = element('ul', '')
  for (const { outcome, strength, reason: why, flagged } of said)
    list.append(element('li', '', `${NAMES[outcome]}${HOW[strength ?? 0]}${flagged ? ', flagged' : ''}${why ? `: ${why}` : ''}`))
  return [element('div', 'role', 'Annotators answered'), list]
}
