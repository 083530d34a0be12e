/** Potato: JSON lines with a config, and the `annotated_instances.jsonl` of its annotators. */
import { stringify } from 'yaml'
import { z } from 'zod'
import { UserError } from '../../errors.ts'
import { escapeHtml } from '../escape.ts'
import { checked, choiceOf, type Form, type Imported, type Item, strengthOf, type Tool, textOf } from './tool.ts'

const configOf = ({ question, choices, strength }: Form): object => ({
  annotation_task_name: 'goldpan review',
  data_files: ['items.jsonl'],
  item_properties: { id_key: 'id', text_key: 'text' },
  output_annotation_dir: 'annotation_output/',
  output_annotation_format: 'jsonl',
  annotation_schemes: [
    {
      annotation_type: 'radio',
      name: 'outcome',
      description: question,
      labels: Object.values(choices),
      label_requirement: { required: true },
    },
    ...(strength
      ? [
          {
            annotation_type: 'likert',
            name: 'strength',
            description: 'How much better?',
            min_label: 'slightly',
            max_label: 'much',
            size: 3,
          },
        ]
      : []),
    { annotation_type: 'text', name: 'reason', description: 'Reason (optional)' },
  ],
})

const line = z.looseObject({
  user_id: z.union([z.string(), z.number()]),
  instance_id: z.union([z.string(), z.number()]),
  label_annotations: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  behavioral_data: z.looseObject({ time_string: z.string().optional() }).nullish(),
})

export const potato: Tool = {
  files: (items, form) => ({
    'items.jsonl': items.map(({ item, ...texts }) => `${JSON.stringify({ id: item, text: shown(texts, form) })}\n`).join(''),
    'config.yaml': stringify(configOf(form)),
  }),
  read: (text, where) =>
    text
      .split('\n')
      .flatMap((row, i) =>
        row.trim() === '' ? [] : imported(checked(line, parsed(row, `${where}:${i + 1}`), `${where}:${i + 1}`), `${where}:${i + 1}`),
      ),
}

/** Potato shows HTML, so the texts must not be any. */
const shown = ({ prompt, left, right }: Omit<Item, 'item'>, { titles }: Form): string =>
  [
    [titles.prompt, prompt],
    [titles.left, left],
    [titles.right, right],
  ]
    .map(([name, text]) => `<h4>${name}</h4><pre>${escapeHtml(text)}</pre>`)
    .join('')

function parsed(row: string, where: string): unknown {
  try {
    return JSON.parse(row)
  } catch {
    throw new UserError(`${where}: not JSON`)
  }
}

function imported({ user_id, instance_id, label_annotations, behavioral_data }: z.infer<typeof line>, where: string): Imported[] {
  const { outcome, strength, reason } = label_annotations
  const [chosen] = Object.keys(outcome ?? {})
  if (chosen === undefined) return []
  return [
    {
      item: String(instance_id),
      annotator: String(user_id),
      outcome: choiceOf(chosen, where),
      strength: strengthOf(Object.values(strength ?? {})[0], where),
      reason: textOf(Object.values(reason ?? {})[0]),
      seconds: secondsOf(behavioral_data?.time_string),
      at: null,
    },
  ]
}

/** `Time spent: 0d 0h 1m 5s` */
function secondsOf(spent: string | undefined): number | null {
  const match = /(\d+)d (\d+)h (\d+)m (\d+)s/.exec(spent ?? '')
  if (!match) return null
  const [days, hours, minutes, seconds] = match.slice(1).map(Number)
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
}
