/** What an exported item is, and which side of it is which, signed: what comes back from another tool is read right or not at all. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { UserError } from '../../errors.ts'
import { type Answer, type Choice, choices, type FlagCheck, type FlagChoice, flagChoices } from '../../judgement.ts'
import { answerSchema, checkSchema, idOf } from '../../judgements/answer.ts'
import { canonical } from '../../keys.ts'
import { NO_TIME } from './missing.ts'
import { checked, type Imported } from './tool.ts'

const side = z.object({
  pair_id: z.string().regex(/^[0-9a-f]{32}$/),
  left: z.enum(['chosen', 'rejected']),
  kind: z.literal('gold').optional(),
})
const flag = z.object({ pair_id: side.shape.pair_id, benchmark: z.string(), item: z.string() })
const sides = z.record(z.string(), z.union([side, flag]))
const schema = z.object({ build: z.string(), protocol: z.string(), sides, signature: z.string() })
export type SideMap = z.infer<typeof schema>

const signed = (map: Omit<SideMap, 'signature'>, secret: string): string =>
  createHmac('sha256', secret)
    .update(canonical({ build: map.build, protocol: map.protocol, sides: map.sides }))
    .digest('hex')

export const signedMap = (map: Omit<SideMap, 'signature'>, secret: string): SideMap => ({ ...map, signature: signed(map, secret) })

/** Reads a map and refuses one that was changed, or signed for another log. */
export function readSideMap(file: string, secret: string): SideMap {
  if (!existsSync(file)) throw new UserError(`${file}: no such side map; name the sides.json of the export with --sides`)
  let map: SideMap
  try {
    map = schema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    throw new UserError(`${file}: is no side map {build, protocol, sides, signature}; name the sides.json of the export with --sides`)
  }
  const [found, due] = [Buffer.from(map.signature), Buffer.from(signed(map, secret))]
  if (found.length !== due.length || !timingSafeEqual(found, due))
    throw new UserError(`${file}: the signature is wrong: the map was changed, or was made for another judgement log`)
  return map
}

/** Lines of the log from what a tool gave back. An item that the map does not know is refused, and what the log may not hold. */
export function answersOf(imported: readonly Imported[], map: SideMap, where: string): (Answer | FlagCheck)[] {
  return imported.map(given => {
    const { item, annotator, reason, seconds, at } = given
    const known = Object.hasOwn(map.sides, item) ? map.sides[item] : undefined
    if (!known) throw new UserError(`${where}: item ${JSON.stringify(item)} is not in the side map; it belongs to another export`)
    const said = { annotator: annotator.slice(0, 200), at: at ?? NO_TIME, reason, seconds, protocol: map.protocol, replaces: null }
    const line = 'left' in known ? { ...said, ...answerOf(given, known, where) } : { ...said, ...checkOf(given, known, where) }
    return checked<Answer | FlagCheck>(
      'left' in line ? answerSchema : checkSchema,
      { id: idOf(line), ...line },
      `${where}: item ${JSON.stringify(item)}`,
    )
  })
}

type Side = SideMap['sides'][string]

function answerOf({ item, outcome, strength }: Imported, { pair_id, left, kind }: Extract<Side, { left: unknown }>, where: string) {
  if (!isOf(choices, outcome)) throw otherForm(where, item, outcome, choices)
  return { pair_id, left, outcome: outcome as Choice, strength, flagged: false, kind: kind ?? ('first' as const) }
}

function checkOf({ item, outcome }: Imported, flag: Extract<Side, { benchmark: string }>, where: string) {
  if (!isOf(flagChoices, outcome)) throw otherForm(where, item, outcome, flagChoices)
  return { ...flag, contaminated: { yes: true, no: false, cannot_tell: null }[outcome as FlagChoice] }
}

const isOf = (names: readonly string[], outcome: string): boolean => names.includes(outcome)
const otherForm = (where: string, item: string, outcome: string, names: readonly string[]): UserError =>
  new UserError(`${where}: item ${JSON.stringify(item)}: outcome: got ${JSON.stringify(outcome)}; known for it: ${names.join(', ')}`)
