/** Label Studio: JSON tasks with a labelling config, and its JSON export. */
import { z } from 'zod'
import { escapeHtml } from '../escape.ts'
import { checked, choiceOf, type Form, type Imported, rowsIn, strengthOf, type Tool, textOf, timeOf } from './tool.ts'

const configOf = ({ question, titles, choices, strength }: Form): string => `<View>
  <Header value="${titles.prompt}"/>
  <Text name="prompt" value="$prompt"/>
  <View style="display: flex; gap: 1em">
    <View style="flex: 1"><Header value="${titles.left}"/><Text name="left" value="$left"/></View>
    <View style="flex: 1"><Header value="${titles.right}"/><Text name="right" value="$right"/></View>
  </View>
  <Header value="${question}"/>
  <Choices name="outcome" toName="prompt" choice="single-radio" required="true" showInline="true">
${Object.entries(choices)
  .map(([choice, name], i) => `    <Choice value="${escapeHtml(name)}" alias="${choice}" hotkey="${i + 1}"/>`)
  .join('\n')}
  </Choices>
${strength ? '  <Rating name="strength" toName="prompt" maxRating="3"/>\n' : ''}  <TextArea name="reason" toName="prompt" rows="2" maxSubmissions="1" placeholder="Reason (optional)"/>
</View>
`

const result = z.looseObject({
  from_name: z.string(),
  value: z.looseObject({
    choices: z.array(z.string()).optional(),
    rating: z.number().optional(),
    text: z.union([z.string(), z.array(z.string())]).optional(),
  }),
})
const annotation = z.looseObject({
  completed_by: z.union([z.number(), z.string(), z.looseObject({ id: z.number().optional(), email: z.string().optional() })]).nullish(),
  was_cancelled: z.boolean().nullish(),
  created_at: z.string().nullish(),
  lead_time: z.number().nullish(),
  result: z.array(result),
})
const task = z.looseObject({ data: z.looseObject({ item: z.string() }), annotations: z.array(annotation).default([]) })
type Annotation = z.infer<typeof annotation>

export const labelStudio: Tool = {
  files: (items, form) => ({
    'tasks.json': `${JSON.stringify(
      items.map(item => ({ data: item })),
      null,
      1,
    )}\n`,
    'config.xml': configOf(form),
  }),
  read: (text, where) =>
    rowsIn(text, where).flatMap((row, i) => {
      const at = `${where}: task ${i}`
      const { data, annotations } = checked(task, row, at)
      return annotations.flatMap(one => imported(data.item, one, at))
    }),
}

function imported(
  item: string,
  { completed_by, was_cancelled, created_at, lead_time, result: results }: Annotation,
  where: string,
): Imported[] {
  const value = (name: string) => results.find(({ from_name }) => from_name === name)?.value
  const outcome = value('outcome')?.choices?.[0]
  if (was_cancelled || outcome === undefined) return []
  return [
    {
      item,
      annotator: nameOf(completed_by),
      outcome: choiceOf(outcome, where),
      strength: strengthOf(value('strength')?.rating, where),
      reason: textOf([value('reason')?.text ?? []].flat().join(' ')),
      seconds: lead_time && lead_time > 0 ? lead_time : null,
      at: timeOf(created_at),
    },
  ]
}

const nameOf = (who: Annotation['completed_by']): string =>
  who && typeof who === 'object' ? String(who.email ?? who.id ?? 'unknown') : String(who ?? 'unknown')
