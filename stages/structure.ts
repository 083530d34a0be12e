import { z } from 'zod'
import { columnsOf, type Ids, roles } from '../pipeline/batch.ts'
import { UserError } from '../pipeline/errors.ts'
import { pairShape, shapeColumns } from '../pipeline/measures/pair-shape.ts'
import { pairFacts } from '../pipeline/pair.ts'
import { defineStage } from '../pipeline/stage.ts'

const params = z.strictObject({
  allow_several_turns: z
    .boolean()
    .default(false)
    .describe('keep pairs that differ before the last turn, or whose sides are not one assistant turn; needs output.layout conversations'),
  max_text_bytes: z
    .number()
    .int()
    .positive()
    .default(200_000)
    .describe('longest prompt (all turns together), chosen or rejected that is kept; bytes of UTF-8'),
})
type Params = z.infer<typeof params>

/** In the order in which they are looked for: a pair leaves for the first that holds. */
const reasons = {
  empty_side: 'drop',
  differs_before_last_turn: 'drop',
  no_prompt: 'drop',
  last_turn_not_user: 'drop',
  identical_sides: 'drop',
  too_long: 'drop',
  tie: 'drop',
} as const
const order = Object.keys(reasons)
const STAY = 0
const codeOf = (reason: keyof typeof reasons): number => 1 + order.indexOf(reason)

const EMPTY_SIDE = codeOf('empty_side')
const NO_PROMPT = codeOf('no_prompt')
const LAST_TURN_NOT_USER = codeOf('last_turn_not_user')
const DIFFERS_BEFORE_LAST_TURN = codeOf('differs_before_last_turn')
const IDENTICAL_SIDES = codeOf('identical_sides')
const TOO_LONG = codeOf('too_long')
const TIE = codeOf('tie')

const reads = { ...shapeColumns, chosen_id: 'id', rejected_id: 'id', tie: pairFacts.tie } as const
type Shapes = ReturnType<typeof columnsOf<typeof reads>>

/** Roles of a last turn that an assistant answers. */
const ANSWERABLE = new Set([roles.indexOf('user'), roles.indexOf('tool')])

export const structure = defineStage<Params>({
  name: 'structure',
  doc: 'Drops pairs that no reward model can be trained on: empty, identical, misshapen, over-long or tied.',
  version: 1,
  params,
  measures: () => [pairShape.with({})],
  check: ({ allow_several_turns }, { layout }) => {
    if (allow_several_turns && layout !== 'conversations')
      throw new UserError(`structure: allow_several_turns: needs output.layout: conversations, which is ${layout}`)
  },
  reads,
  adds: {},
  reasons: () => reasons,
  judge: params => batch => {
    const shapes = columnsOf(batch, reads)
    const leave = new Uint8Array(batch.rows)
    for (let i = 0; i < batch.rows; i++) leave[i] = flawOf(shapes, i, params)
    return { leave }
  },
})

function flawOf(shapes: Shapes, i: number, { allow_several_turns, max_text_bytes }: Params): number {
  if (shapes.chosen_empty.values[i] || shapes.rejected_empty.values[i]) return EMPTY_SIDE
  const replies = shapes.chosen_one_reply.values[i] && shapes.rejected_one_reply.values[i]
  if (!replies && !allow_several_turns) return DIFFERS_BEFORE_LAST_TURN
  if (replies && shapes.prompt_empty.values[i]) return NO_PROMPT
  if (replies && !ANSWERABLE.has(shapes.last_role.values[i])) return LAST_TURN_NOT_USER
  if (sameId(shapes.chosen_id, shapes.rejected_id, i)) return IDENTICAL_SIDES
  if (shapes.longest_text_bytes.values[i] > max_text_bytes) return TOO_LONG
  return shapes.tie.values[i] ? TIE : STAY
}

function sameId(a: Ids, b: Ids, i: number): boolean {
  for (let k = i * 16; k < i * 16 + 16; k++) if (a.bytes[k] !== b.bytes[k]) return false
  return true
}
