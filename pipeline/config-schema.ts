/** What a config may hold, with defaults and the words of the reference: all that is known without looking at any file. */
import { z } from 'zod'
import { outputFormats } from './codecs/out-columns.ts'
import { formats } from './formats/format.ts'
import { labelKinds } from './pair.ts'
import { protocols } from './scorers/protocols.ts'

const UNITS: Record<string, number> = { '': 1, B: 1, kB: 1e3, MB: 1e6, GB: 1e9, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }

/** Bytes of `256MiB`, `1.5 GB` or a plain number; undefined where it is no size. */
export function bytesOf(size: string | number): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(String(size))
  const unit = match ? UNITS[match[2]] : undefined
  return match && unit !== undefined ? Math.round(Number(match[1]) * unit) : undefined
}

const size = z
  .union([z.string(), z.number()])
  .refine(text => (bytesOf(text) ?? 0) > 0, { error: 'expected a size such as 256MiB' })
  .transform(text => bytesOf(text)!)

// biome-ignore lint/suspicious/noTemplateCurlyInString: ${VAR} is what users write
const PATH_DOC = 'file, glob or folder, relative to the config file; ${VAR} and ${VAR:-default} are filled from the environment'

const source = z.strictObject({
  path: z.string().min(1).describe(PATH_DOC),
  format: z.enum(formats).default('auto').describe('layout of the rows; auto looks at the first ones'),
  source: z.string().min(1).optional().describe("name in every table; default: the row's own, else the file name without its extensions"),
  license: z.string().optional().describe('licence of rows that name none'),
  attribution: z.string().min(1).optional().describe('whom to name for it, and where it is from: for LICENSES.md'),
  label_kind: z.enum(labelKinds).optional().describe('who judged rows that do not say so; default: ai'),
  priority: z.int().default(0).describe('the higher one survives deduplication'),
  limit: z.int().positive().optional().describe('only the first n rows of each file'),
  scores: z.boolean().default(true).describe("take a row's `scores` {model: [of chosen, of rejected]} as reward models of these names"),
  pairs: z.enum(['all', 'best']).default('all').describe('scored rows: every two responses, or the best against each other one'),
  shown_first: z
    .string()
    .min(1)
    .default('shown_first')
    .describe('field of the rows that says which response the judge saw first: chosen or rejected; arena rows tell by their own order'),
  min_gap: z.number().min(0).default(0).describe('scored rows: a smaller or equal gap of scores is a tie'),
})

const served = z.strictObject({
  http: z
    .url({ protocol: /^https?$/, error: 'expected an address such as http://127.0.0.1:8000' })
    .refine(url => !/^[a-z]+:\/\/[^/]*@/i.test(url) && !url.includes('?'), {
      error: 'holds a password or query; name an environment variable with key_env',
    })
    .describe('address of the server, without the path of a call'),
  protocol: z
    .enum(protocols)
    .describe('vllm, sglang, tei: reward models; openai: any chat endpoint with logprobs, as a judge that compares in both orders'),
  model: z.string().min(1).describe('name under which the server has the model'),
  template: z
    .string()
    .min(1)
    .optional()
    .describe(
      'folder with tokenizer_config.json and chat template, by which texts are written; needed by sglang. vllm then uses /classify, else /pooling with its own template',
    ),
  key_env: z
    .string()
    .regex(/^[A-Za-z_]\w*$/)
    .optional()
    .describe('environment variable that holds the key of the server'),
  squashed: z
    .enum(['logit', 'refuse'])
    .default('logit')
    .describe('what becomes of scores that all lie within 0 and 1: the sigmoid undone, or the run refused'),
  batch: z.int().min(1).max(1024).default(16).describe('texts a request, where the protocol takes several'),
  concurrency: z
    .int()
    .min(1)
    .max(1024)
    .default(32)
    .describe('requests at once, at most, of each thread; fewer where the server says it has too much to do'),
  timeout_ms: z.int().min(1).default(120_000).describe('how long one request may take; milliseconds'),
  retries: z.int().min(0).max(20).default(6).describe('further tries of a request that failed by 429, 5xx, time-out or a lost connection'),
})
export type ServedConfig = z.infer<typeof served>

const model = z.union([z.strictObject({ onnx: z.string().min(1).describe('folder with model.onnx, tokenizer.json, config.json') }), served])

const output = z.strictObject({
  format: z.enum(outputFormats).default('parquet').describe('of train and validation; the other tables are Parquet'),
  layout: z.enum(['prompt', 'conversations', 'message']).default('prompt').describe('which trainer reads which: docs of the dataset card'),
  shard_bytes: size.default(256 * 2 ** 20).describe('uncompressed text a shard'),
  shard_rows: z.int().positive().optional().describe('pairs a shard at most, whatever their text'),
  shuffle: z
    .boolean()
    .optional()
    .describe('train and validation in an order drawn with the seed, over all sources; pairs of one prompt stay together'),
  splits: z
    .strictObject({ validation: z.number().min(0).max(0.5).default(0) })
    .prefault({})
    .describe('share of prompt clusters held out'),
  signals: z.array(z.string()).default([]).describe('ledger columns to add to the training shards'),
  margin: z.string().optional().describe('model whose margin becomes the column `margin`, which reward trainers take into their loss'),
  publish_without_review: z.boolean().default(false).describe('end with exit code 0 although pairs wait for people'),
})

const step = z.union([z.string(), z.record(z.string(), z.unknown())], {
  error: 'expected the name of a stage, or a stage with its params: near-dup: { threshold: 0.7 }',
})

export const configSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]+$/, { error: 'expected letters, digits, ".", "_" and "-" only' })
    .describe('names the build'),
  seed: z.int().min(0).default(42).describe('of every draw and hash that needs one'),
  sources: z.array(source).min(1),
  benchmarks: z.array(z.string()).default([]).describe('files, globs or folders of rows {benchmark, id, text}'),
  allow_licenses: z
    .array(z.string().min(1))
    .min(1, 'names no licence, so no pair would be kept')
    .optional()
    .describe('only pairs of these licences are kept; the others are quarantined (see the stage licenses)'),
  judgements: z
    .array(z.string().min(1))
    .optional()
    .describe('judgement logs of people: files, globs or folders; one that is not there yet holds no answers'),
  models: z
    .record(z.string().regex(/^[A-Za-z][\w.-]*$/, 'expected a name that begins with a letter: letters, digits, ".", "_" and "-"'), model)
    .default({})
    .describe('reward models by name; none = the built-in ones'),
  stages: z
    .array(z.string().min(1))
    .optional()
    .describe('files of your own stages, .ts or .js, relative to the config file; each exports what defineStage makes'),
  steps: z.array(step).min(1),
  output: output.prefault({}),
  expect: z.array(z.string()).default([]).describe('checks on the finished build, such as "train.rows >= 1000"'),
})
export type Config = z.infer<typeof configSchema>
export type ModelConfig = z.infer<typeof model>
export type OutputConfig = z.infer<typeof output>
