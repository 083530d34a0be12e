/** Argilla: records with their settings, and records with responses as its client writes them. */
import { z } from 'zod'
import { checked, choiceOf, type Form, type Imported, rowsIn, strengthOf, type Tool, textOf, timeOf } from './tool.ts'

const response = z.looseObject({ value: z.unknown(), user_id: z.union([z.string(), z.number()]).nullish(), status: z.string().nullish() })
const record = z.looseObject({
  id: z.union([z.string(), z.number()]).nullish(),
  metadata: z.looseObject({ item: z.string().optional() }).nullish(),
  responses: z.record(z.string(), z.array(response)).nullish(),
  updated_at: z.string().nullish(),
})

const settings = ({ guideline, titles, choices, strength }: Form): object => ({
  guidelines: guideline,
  fields: (['prompt', 'left', 'right'] as const).map(name => ({
    name,
    title: titles[name],
    type: 'text',
    use_markdown: false,
  })),
  questions: [
    {
      name: 'outcome',
      type: 'label_selection',
      labels: choices,
      required: true,
    },
    ...(strength ? [{ name: 'strength', type: 'rating', values: [1, 2, 3], required: false }] : []),
    { name: 'reason', type: 'text', required: false },
  ],
})

export const argilla: Tool = {
  files: (items, form) => ({
    'records.json': `${JSON.stringify(
      items.map(({ item, prompt, left, right }) => ({ id: item, fields: { prompt, left, right }, metadata: { item } })),
      null,
      1,
    )}\n`,
    'settings.json': `${JSON.stringify(settings(form), null, 2)}\n`,
  }),
  read: (text, where) =>
    rowsIn(text, where).flatMap((row, i) => {
      const at = `${where}: record ${i}`
      const { id, metadata, responses, updated_at } = checked(record, row, at)
      return respond(metadata?.item ?? String(id ?? ''), responses ?? {}, timeOf(updated_at), at)
    }),
}

type Responses = Readonly<Record<string, readonly z.infer<typeof response>[]>>

/** Drafts and discarded responses are no answers. */
function respond(item: string, responses: Responses, at: string | null, where: string): Imported[] {
  const answerTo = (question: string, user: unknown): unknown => responses[question]?.find(({ user_id }) => user_id === user)?.value
  return (responses.outcome ?? [])
    .filter(({ value, status }) => value !== null && value !== undefined && (status ?? 'submitted') === 'submitted')
    .map(({ value, user_id }) => ({
      item,
      annotator: String(user_id ?? 'unknown'),
      outcome: choiceOf(value, where),
      strength: strengthOf(answerTo('strength', user_id), where),
      reason: textOf(answerTo('reason', user_id)),
      seconds: null,
      at,
    }))
}
