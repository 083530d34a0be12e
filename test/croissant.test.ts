/** croissant.json as its reader takes it: what mlcroissant asks for, and the columns that the shards really have. `make clients` reads it with mlcroissant. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetMetadata } from 'hyparquet'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { croissantOf } from '../pipeline/croissant.ts'
import type { Manifest } from '../pipeline/manifest.ts'
import { writeSmallBuild } from './small-build.ts'

const dir = mkdtempSync(join(tmpdir(), 'croissant-'))
let manifest: Manifest
beforeAll(async () => {
  manifest = await writeSmallBuild(dir)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

interface Field {
  readonly name: string
  readonly dataType?: string
  readonly repeated?: boolean
  readonly source?: {
    readonly fileSet: { readonly '@id': string }
    readonly extract: { readonly column: string }
    readonly transform?: { readonly jsonPath: string }
  }
  readonly subField?: readonly Field[]
}
interface Croissant {
  readonly distribution: readonly {
    readonly '@id': string
    readonly encodingFormat: string
    readonly contentUrl?: string
    readonly includes?: string
  }[]
  readonly recordSet: readonly { readonly name: string; readonly field: readonly Field[] }[]
}
const described = (change: Partial<Manifest> = {}): Croissant => croissantOf({ ...manifest, ...change }) as Croissant

it('names a file set a split, in the words that mlcroissant takes', () => {
  const { distribution, recordSet } = described()
  expect(distribution.map(d => [d['@id'], d.encodingFormat, d.contentUrl ?? d.includes])).toEqual([
    ['repo', 'git+https', '.'],
    ['train-files', 'application/x-parquet', 'train/*.parquet'],
    ['validation-files', 'application/x-parquet', 'validation/*.parquet'],
  ])
  expect(recordSet.map(({ name }) => name)).toEqual(['train', 'validation'])
})

it('has a field for every column of the shards, messages with their parts, and no other', () => {
  const [shard] = readdirSync(join(dir, 'train'))
  const { schema } = parquetMetadata(new Uint8Array(readFileSync(join(dir, 'train', shard))).buffer)
  const paths = new Set(schema.map(({ name }) => name))
  const [{ field }] = described().recordSet
  const columns = field.map(({ name }) => name.replace('train/', ''))
  expect(columns.slice(0, 4)).toEqual(['prompt', 'chosen', 'rejected', 'pair_id'])
  for (const column of columns) expect([...paths], column).toContain(column)
  expect(columns.length).toBe(schema[0].num_children)
  const [prompt] = field
  expect(prompt).toMatchObject({ repeated: true })
  expect(prompt.subField!.map(part => [part.dataType, part.source!.extract.column, part.source!.transform!.jsonPath])).toEqual([
    ['sc:Text', 'prompt', 'role'],
    ['sc:Text', 'prompt', 'content'],
  ])
  expect(Object.fromEntries(field.map(f => [f.name.replace('train/', ''), f.dataType]))).toMatchObject({
    flipped: 'sc:Boolean',
    weight: 'sc:Float',
    pair_id: 'sc:Text',
  })
})

it('leaves out an empty split, and is not there for shards that its readers do not open', () => {
  const { distribution, recordSet } = described({ totals: { ...manifest.totals, validation: 0 } })
  expect([distribution.length, recordSet.map(({ name }) => name)]).toEqual([2, ['train']])
  const config = manifest.config as { output?: object }
  expect(croissantOf({ ...manifest, config: { ...config, output: { ...config.output, format: 'jsonl' } } as never })).toBeUndefined()
})
