/** Lines to paste for each trainer that reads a layout, as they were tried; and a plain warning for those that do not. */
import type { Layout } from '../tables.ts'

/** Markdown. OUT stands for the folder of the build or its name on a hub. */
export function trainerLines(layout: Layout, max_length: string, validation: boolean): string {
  const evaluated = validation ? ', eval_dataset=dataset["validation"]' : ''
  const load = `from datasets import load_dataset

dataset = load_dataset("OUT")  # the folder of this file; streaming=True works too`
  const trl = `from trl import RewardConfig, RewardTrainer

args = RewardConfig(max_length=${max_length})
trainer = RewardTrainer(model="MODEL", args=args, train_dataset=dataset["train"]${evaluated})
trainer.train()`
  const code = layout === 'message' ? load : `${load}\n\n${trl}`
  return [block('python', code), ...notes[layout]].join('\n\n')
}

const block = (language: string, code: string): string => `\`\`\`${language}\n${code}\n\`\`\``

const axolotl = (type: string, more = ''): string =>
  `axolotl (DPO):\n\n${block('yaml', `datasets:\n  - path: OUT\n    split: train\n    type: ${type}${more}`)}`
const PROMPT_FIELD = '\n    field_messages: prompt'

const llamaFactory = `LLaMA-Factory, in dataset_info.json:

${block(
  'json',
  `{"NAME": {"file_name": "OUT/train", "formatting": "sharegpt", "ranking": true,
  "columns": {"messages": "prompt", "chosen": "chosen", "rejected": "rejected"},
  "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant", "system_tag": "system"}}}`,
)}`

const notes: Readonly<Record<Layout, readonly string[]>> = {
  prompt: [
    'TRL from 0.24 on. TRL 0.12 to 0.23 drops the prompt of this layout without a word: build with `output.layout: conversations` for it. `DPOTrainer` reads the same columns.',
    `OpenRLHF (without \`prompt_key\` it trains without the prompt, and does not say so):\n\n${block('sh', '--data.dataset OUT --data.prompt_key prompt --data.apply_chat_template')}`,
    axolotl('chat_template.default', PROMPT_FIELD),
    'ms-swift and LLaMA-Factory do not read this layout (`conversations` and `message` are theirs), verl reads plain strings only.',
  ],
  conversations: [
    'Any TRL from 0.12 on; `DPOTrainer` reads the same columns. Never add a column `prompt`: TRL would train on the prompt twice.',
    `OpenRLHF (\`prompt_key\` stays unset):\n\n${block('sh', '--data.dataset OUT --data.apply_chat_template')}`,
    axolotl('chat_template.argilla_chat'),
    `ms-swift:\n\n${block('sh', `--dataset OUT --columns '{"chosen": "messages", "rejected": "rejected_messages"}'`)}`,
    'LLaMA-Factory reads it as `pair` from version 1 on; for 0.9 build with `output.layout: message`. verl reads plain strings only.',
  ],
  message: [
    llamaFactory,
    axolotl('chat_template.default', PROMPT_FIELD),
    'TRL, OpenRLHF and ms-swift do not read this layout: build with `output.layout: prompt` or `conversations` for them. verl reads plain strings only.',
  ],
}
