import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { cardOf } from '../pipeline/card.ts'
import type { Manifest } from '../pipeline/manifest.ts'
import { writeSmallBuild } from './small-build.ts'
import { smallPairs } from './small-pairs.ts'

const dir = mkdtempSync(join(tmpdir(), 'card-'))
let manifest: Manifest
beforeAll(async () => {
  manifest = await writeSmallBuild(dir)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

interface Header {
  readonly license: string
  readonly license_name?: string
  readonly language?: readonly string[]
  readonly size_categories: readonly string[]
  readonly dataset_info?: readonly { readonly features: readonly { readonly name: string }[] }[]
  readonly configs: readonly { readonly config_name: string; readonly default?: boolean; readonly data_files: unknown }[]
}
const headerOf = (card: string): Header => parse(card.split('---\n')[1]) as Header
const changed = (change: Partial<Manifest>): string => cardOf({ ...manifest, ...change })

describe('header', () => {
  test('names splits and tables that have files', () => {
    const header = headerOf(cardOf(manifest))
    expect(header.configs).toEqual([
      {
        config_name: 'default',
        default: true,
        data_files: [
          { split: 'train', path: 'train/*.parquet' },
          { split: 'validation', path: 'validation/*.parquet' },
        ],
      },
      { config_name: 'ledger', data_files: 'ledger/*.parquet' },
      { config_name: 'flipped', data_files: 'flipped/*.parquet' },
      { config_name: 'quarantine', data_files: 'quarantine/*.parquet' },
      { config_name: 'review', data_files: 'review/*.parquet' },
      { config_name: 'rejects', data_files: 'rejects/*.parquet' },
    ])
    expect(header).toMatchObject({
      pretty_name: 'small',
      language: ['en'],
      size_categories: ['n<1K'],
      tags: ['preference', 'reward-model', 'rlhf', 'dpo', 'goldpan'],
    })
  })

  test('quotes words that are no texts to readers of YAML 1.1', () => {
    const card = changed({ sources: manifest.sources.map(source => ({ ...source, languages: { no: 3 } })) })
    expect(card).toMatch(/language:\n {2}- "no"\n/)
  })

  test('leaves out what has none', async () => {
    const folder = join(dir, 'kept')
    mkdirSync(folder)
    const { configs } = headerOf(cardOf(await writeSmallBuild(folder, { pairs: smallPairs.slice(0, 1) })))
    expect(configs.map(c => c.config_name)).toEqual(['default', 'ledger', 'rejects'])
    expect(configs[0].data_files).toEqual([{ split: 'train', path: 'train/*.parquet' }])
  })

  test('a build that keeps nothing has no default config and nothing to load', () => {
    const totals = { ...manifest.totals, train: 0, validation: 0 }
    const card = changed({ totals, outputs: manifest.outputs.filter(o => o.path.startsWith('ledger')), pair_bytes: undefined })
    expect(headerOf(card).configs).toEqual([{ config_name: 'ledger', data_files: 'ledger/*.parquet' }])
    expect(card).not.toContain('## Load it')
  })

  test('shards of another format than the tables are the only config, and name their types', () => {
    const config = { output: { format: 'jsonl', layout: 'prompt' } }
    const outputs = manifest.outputs
      .map(o => (o.path.startsWith('train') ? { ...o, path: 'train/part-00000.jsonl' } : o))
      .filter(o => !o.path.startsWith('validation'))
    const header = headerOf(changed({ config, outputs }))
    expect(header.dataset_info?.[0].features.filter(f => ['prompt', 'pair_id', 'flipped', 'weight'].includes(f.name))).toEqual([
      {
        name: 'prompt',
        list: [
          { name: 'role', dtype: 'string' },
          { name: 'content', dtype: 'string' },
        ],
      },
      { name: 'pair_id', dtype: 'string' },
      { name: 'flipped', dtype: 'bool' },
      { name: 'weight', dtype: 'float32' },
    ])
    expect(headerOf(cardOf(manifest)).dataset_info).toBeUndefined()
    expect(header.configs).toEqual([{ config_name: 'default', default: true, data_files: [{ split: 'train', path: 'train/*.jsonl' }] }])
  })

  test.each([
    [{ MIT: 3 }, { license: 'mit' }],
    [{ 'Apache-2.0': 1 }, { license: 'apache-2.0' }],
    [
      { MIT: 3, 'CC-BY-4.0': 1 },
      { license: 'other', license_name: 'mixed' },
    ],
    [
      { MIT: 3, '': 1 },
      { license: 'other', license_name: 'mixed' },
    ],
    [{ 'CC-BY-NC-4.0 (data badge)': 1 }, { license: 'other', license_name: 'cc-by-nc-4.0-data-badge' }],
    [{ '': 2 }, { license: 'unknown' }],
    [{}, { license: 'unknown' }],
  ])('licences %o', (licenses, expected) => {
    const { license, license_name } = headerOf(
      changed({ sources: [{ ...manifest.sources[0], licenses: licenses as unknown as Record<string, number> }] }),
    )
    expect({ license, ...(license_name ? { license_name } : {}) }).toEqual(expected)
  })

  test.each([
    [999, 'n<1K'],
    [1000, '1K<n<10K'],
    [99_999, '10K<n<100K'],
    [26_000_000, '10M<n<100M'],
  ])('%d pairs are %s', (train, category) => {
    expect(headerOf(changed({ totals: { ...manifest.totals, train, validation: 0 } })).size_categories).toEqual([category])
  })
})

describe('text', () => {
  test('licences by source, the funnel, the tables, the inputs', () => {
    const card = cardOf(manifest)
    expect(card).toContain('| hh | MIT | en | 3 | 1 |')
    expect(card).toContain('| arena | not stated | en | 4 | 2 |')
    expect(card).toContain('| near-dup | near | 6 | 1 | 5 |')
    expect(card).toContain('| `ledger` | one row for every pair that came in: where it ended, at which step, why | 1 | 7 |')
    expect(card).toContain(`| hh.jsonl | 100 | \`${'cd'.repeat(32)}\` |`)
  })

  test('every column of the shards is explained', () => {
    const card = changed({ config: { output: { layout: 'prompt', signals: ['p_mean', 'margin_rm', 'jaccard'], margin: 'rm' } } })
    for (const column of ['prompt', 'chosen', 'pair_id', 'flipped', 'weight', 'p_mean', 'margin_rm', 'jaccard', 'margin'])
      expect(card).toMatch(new RegExp(`\\| \`${column}\` \\| \\S`))
    expect(card).toContain('All signals but `margin` speak of the label as it came in')
  })

  test('lines to paste: length, split, layout', () => {
    const prompt = cardOf(manifest)
    expect(prompt).toContain('RewardConfig(max_length=1024)')
    expect(prompt).toContain('eval_dataset=dataset["validation"]')
    expect(prompt).toContain('--data.dataset OUT --data.prompt_key prompt --data.apply_chat_template')
    const long = changed({ pair_bytes: { median: 900, p99: 7000, max: 9000 }, totals: { ...manifest.totals, validation: 0, train: 3 } })
    expect(long).toContain('RewardConfig(max_length=4096)')
    expect(long).not.toContain('eval_dataset')
    const conversations = changed({ config: { output: { layout: 'conversations' } } })
    expect(conversations).toContain('chat_template.argilla_chat')
    expect(conversations).not.toContain('prompt_key prompt')
    const message = changed({ config: { output: { layout: 'message' } } })
    expect(message).toContain('"ranking": true')
    expect(message).not.toContain('RewardTrainer(')
  })

  test('names from the data are text, not markup', () => {
    const source = 'a|b <img src=x onerror=alert(1)>\n| [x](http://e)'
    const card = changed({ sources: [{ ...manifest.sources[0], source }] })
    expect(card).toContain('| a\\|b &lt;img src=x onerror=alert(1)> \\| \\[x\\](http://e) | not stated |')
  })

  test('is a function of the manifest, whatever the order of its keys', () => {
    const backwards = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(backwards)
      if (value === null || typeof value !== 'object') return value
      return Object.fromEntries(
        Object.entries(value)
          .map(([k, v]) => [k, backwards(v)])
          .reverse(),
      )
    }
    expect(cardOf(backwards(manifest) as Manifest)).toBe(readFileSync(join(dir, 'README.md'), 'utf8'))
  })
})
