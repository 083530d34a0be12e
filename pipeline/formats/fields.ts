/** Reads single fields of a row; every complaint names the field, what was expected and what was there. */
import { roles } from '../batch.ts'
import { isEmptyText, isText, nameOf, sameText, stringOf, type Text } from '../codecs/row-source.ts'
import { labelKinds, type Shown, votes } from '../pair.ts'
import { FieldError, type Row, type RowFacts, type Turn, type Vote } from './format.ts'

/** The kind of a value in the words of JSON. */
function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number' || typeof value === 'bigint') return `number ${value}`
  if (isText(value)) return `string ${JSON.stringify(stringOf(value)).slice(0, 40)}`
  return typeof value === 'object' ? 'an object' : `${typeof value} ${JSON.stringify(value).slice(0, 40)}`
}

export const wrong = (field: string, expected: string, value: unknown): FieldError =>
  new FieldError(field, `expected ${expected}, got ${kindOf(value)}`)

export const isObject = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

/** The first of the fields that the row has; one that is null (as in a table where every row has every column) only if no other. */
export const firstOf = (row: Row, names: readonly string[]): string | undefined =>
  names.find(name => row[name] !== undefined && row[name] !== null) ?? names.find(name => name in row)

/** A value that may be one of a few words. */
const named = (value: unknown): unknown => (isText(value) ? nameOf(value) : value)

/** A text, or a list of text parts put together. */
export function textAt(value: unknown, field: string): Text {
  if (isText(value)) return value
  if (!Array.isArray(value)) throw wrong(field, 'text or a list of text parts', value)
  const parts = value.map((part, i) => {
    if (isText(part)) return stringOf(part)
    if (isObject(part) && named(part.type) === 'text' && isText(part.text)) return stringOf(part.text)
    throw wrong(`${field}.${i}`, 'a text part {type: "text", text}', isObject(part) ? part.type : part)
  })
  return parts.join('')
}

const ROLES: Readonly<Record<string, string>> = {
  human: 'user',
  prompter: 'user',
  gpt: 'assistant',
  bot: 'assistant',
  model: 'assistant',
  chatgpt: 'assistant',
  developer: 'system',
  function: 'tool',
  observation: 'tool',
}

function roleAt(value: unknown, field: string): number {
  const said = isText(value) ? nameOf(value) : ''
  const name = ROLES[said] ?? said
  const role = roles.indexOf(name as (typeof roles)[number])
  if (role < 0) throw wrong(field, `a role (${roles.join(', ')}, human, gpt)`, value)
  return role
}

/** One message in either spelling: {role, content} or {from, value}. */
function turnAt(value: unknown, field: string): Turn {
  if (!isObject(value)) throw wrong(field, 'a message {role, content}', value)
  const [role, content] = 'from' in value ? ['from', 'value'] : ['role', 'content']
  return { role: roleAt(value[role], `${field}.${role}`), content: textAt(value[content], `${field}.${content}`) }
}

/** A list of messages. */
export function turnsAt(value: unknown, field: string): Turn[] {
  if (!Array.isArray(value)) throw wrong(field, 'a list of messages', value)
  return value.map((turn, i) => turnAt(turn, `${field}.${i}`))
}

/** Puts a `system` text of the row above the turns, unless they begin with it. */
export function withSystem(row: Row, turns: readonly Turn[]): readonly Turn[] {
  const system = row.system === undefined || row.system === null ? '' : textAt(row.system, 'system')
  const said = turns[0]?.role === SYSTEM && sameText(turns[0].content, system)
  return isEmptyText(system) || said ? turns : [systemTurn(system), ...turns]
}

const SYSTEM = roles.indexOf('system')

/** Whether a row says that neither side was preferred. */
export function tieAt({ tie }: Row): boolean {
  if (tie !== undefined && tie !== null && typeof tie !== 'boolean') throw wrong('tie', 'true or false', tie)
  return tie === true
}

export const userTurn = (content: Text): Turn => ({ role: roles.indexOf('user'), content })
export const assistantTurn = (content: Text): Turn => ({ role: roles.indexOf('assistant'), content })
export const systemTurn = (content: Text): Turn => ({ role: roles.indexOf('system'), content })

const MARK = /\r?\n\r?\n(Human|Assistant):/

/** The turns of a transcript "Human: ... \n\nAssistant: ...", white space around them cut off; undefined where it begins otherwise. */
export function transcriptTurns(text: string): Turn[] | undefined {
  const [before, ...parts] = `\n\n${text.trimStart()}`.split(MARK)
  if (before !== '') return undefined
  return Array.from({ length: parts.length / 2 }, (_, i) => {
    const content = parts[2 * i + 1].trim()
    return parts[2 * i] === 'Human' ? userTurn(content) : assistantTurn(content)
  })
}

const OPENING = /^\s*Human:/
const SPACE = 0x20
const CAPITAL_H = 0x48

/**
 * A prompt as one text: one user turn, or those of a transcript that ends where the assistant is to answer, as in Nectar or made from
 * hh-rlhf; an empty one is no turn, which `structure` names.
 */
export function askedTurns(text: Text): Turn[] {
  if (isEmptyText(text)) return []
  const first = typeof text === 'string' ? text.charCodeAt(0) : text[0]
  if ((first !== CAPITAL_H && first > SPACE) || !OPENING.test(stringOf(text.slice(0, 16)))) return [userTurn(text)]
  const said = stringOf(text)
  return (/\n\r?\nAssistant:\s*$/.test(said) && transcriptTurns(said)?.slice(0, -1)) || [userTurn(text)]
}

/** A prompt: text or messages. */
export function promptAt(value: unknown, field: string): Turn[] {
  if (isText(value)) return askedTurns(value)
  if (Array.isArray(value)) return turnsAt(value, field)
  throw wrong(field, 'text or a list of messages', value)
}

/** One side of a pair: text, one message or a list of them; null or nothing in it is kept as an empty answer, which `structure` names. */
export function sideAt(row: Row, field: string): Turn[] {
  if (!(field in row)) throw new FieldError(field, 'is missing')
  const value = row[field]
  if (value === null || (Array.isArray(value) && value.length === 0)) return [assistantTurn('')]
  if (isText(value)) return [assistantTurn(value)]
  if (Array.isArray(value)) return turnsAt(value, field)
  if (isObject(value)) return [turnAt(value, field)]
  throw wrong(field, 'text or a list of messages', value)
}

function textOrNone(value: unknown): Text | undefined {
  if (isText(value)) return isEmptyText(value) ? undefined : value
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined
}

function nameOrNone(value: unknown): string | undefined {
  const text = textOrNone(value)
  return text === undefined ? undefined : nameOf(text)
}

/** What a licence of another shape says must not be lost: the source's would stand for it. A list of one name is that name. */
function licenseAt(value: unknown): string | undefined {
  const only = Array.isArray(value) && value.length === 1 ? value[0] : value
  if (only === undefined || only === null || (Array.isArray(only) && only.length === 0)) return undefined
  if (!isText(only)) throw wrong('license', 'a name, such as CC-BY-4.0', value)
  return nameOrNone(only)
}

/** What any row may say beside its texts; an id that is a number becomes text. */
export function factsAt(row: Row): RowFacts {
  const label_kind = named(row.label_kind)
  if (label_kind !== undefined && label_kind !== null && !(labelKinds as readonly unknown[]).includes(label_kind))
    throw wrong('label_kind', `one of ${labelKinds.join(', ')}`, label_kind)
  return {
    source: nameOrNone(row.source),
    source_id: textOrNone(row.source_id) ?? textOrNone(row.id),
    license: licenseAt(row.license),
    lang: nameOrNone(row.lang) ?? nameOrNone(row.language),
    label_kind: (label_kind ?? undefined) as RowFacts['label_kind'],
  }
}

/** Which response the judge saw first, by the field of this name; undefined where the row does not say. */
export function shownAt(row: Row, field: string): Shown | undefined {
  const said = named(row[field])
  if (said === undefined || said === null || said === 'unknown') return undefined
  if (said !== 'chosen' && said !== 'rejected') throw wrong(field, 'chosen or rejected', row[field])
  return said
}

export function votesAt(row: Row): Vote[] {
  const { votes: cast } = row
  if (cast === undefined || cast === null) return []
  if (!Array.isArray(cast)) throw wrong('votes', 'a list of {annotator, vote}', cast)
  return cast.map((vote, i) => {
    const said = isObject(vote) ? named(vote.vote) : undefined
    if (!isObject(vote) || !(votes as readonly unknown[]).includes(said))
      throw wrong(`votes.${i}`, `{annotator, vote: ${votes.join(' | ')}}`, isObject(vote) ? vote.vote : vote)
    return { annotator: nameOrNone(vote.annotator) ?? '', vote: said as Vote['vote'] }
  })
}

/** Recorded scores {model: [of chosen, of rejected]}; entries of any other shape are something else and are passed over. */
export function scoresAt(row: Row): [string, number, number][] {
  const { scores } = row
  if (!isObject(scores)) return []
  return Object.entries(scores).flatMap(([model, pair]) => (isOfSides(pair) ? [[model, pair[0], pair[1]] as [string, number, number]] : []))
}

const isOfSides = (pair: unknown): pair is [number, number] =>
  Array.isArray(pair) && pair.length === 2 && pair.every(s => typeof s === 'number') && !overflows(pair[0] - pair[1])

/** Margins are 32-bit numbers. */
const overflows = (margin: number): boolean => Number.isFinite(margin) && !Number.isFinite(Math.fround(margin))

const isNothing = (pair: unknown): boolean =>
  pair === null || (Array.isArray(pair) && pair.length > 0 && pair.every(score => score === null))

/** Whether a row has scores that `scoresAt` leaves out, nulls aside. */
export function hasOddScores({ scores }: Row): boolean {
  if (scores === undefined || scores === null) return false
  return !isObject(scores) || Object.values(scores).some(pair => !isNothing(pair) && !isOfSides(pair))
}

/** How many turns two conversations share at their beginning. */
export function sharedTurns(a: readonly Turn[], b: readonly Turn[]): number {
  let n = 0
  while (n < a.length && n < b.length && a[n].role === b[n].role && sameText(a[n].content, b[n].content)) n++
  return n
}
