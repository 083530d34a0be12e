/** The description of a build's splits in Croissant 1.0 (MLCommons), as its reader mlcroissant takes it. */
import type { Schema } from './batch.ts'
import type { OutColumn, OutField } from './codecs/out-columns.ts'
import { licenceUrl } from './licences.ts'
import { type Manifest, outputOf } from './manifest.ts'
import { optionsOf } from './report/card-header.ts'
import { trainColumns } from './tables.ts'

const CONTEXT = {
  '@language': 'en',
  '@vocab': 'https://schema.org/',
  citeAs: 'cr:citeAs',
  column: 'cr:column',
  conformsTo: 'dct:conformsTo',
  cr: 'http://mlcommons.org/croissant/',
  data: { '@id': 'cr:data', '@type': '@json' },
  dataType: { '@id': 'cr:dataType', '@type': '@vocab' },
  dct: 'http://purl.org/dc/terms/',
  extract: 'cr:extract',
  field: 'cr:field',
  fileObject: 'cr:fileObject',
  fileProperty: 'cr:fileProperty',
  fileSet: 'cr:fileSet',
  format: 'cr:format',
  includes: 'cr:includes',
  isLiveDataset: 'cr:isLiveDataset',
  jsonPath: 'cr:jsonPath',
  key: 'cr:key',
  md5: 'cr:md5',
  parentField: 'cr:parentField',
  path: 'cr:path',
  recordSet: 'cr:recordSet',
  references: 'cr:references',
  regex: 'cr:regex',
  repeated: 'cr:repeated',
  replace: 'cr:replace',
  sc: 'https://schema.org/',
  separator: 'cr:separator',
  source: 'cr:source',
  subField: 'cr:subField',
  transform: 'cr:transform',
} as const

/** mlcroissant knows Parquet by this name, not by the registered one. */
const PARQUET = 'application/x-parquet'

/** Undefined where nothing was kept, or where the shards are of a format that Croissant's readers do not open. */
export function croissantOf(manifest: Manifest): object | undefined {
  const output = outputOf(manifest)
  const splits = (['train', 'validation'] as const).filter(split => manifest.totals[split] > 0)
  if (splits.length === 0 || output.format !== 'parquet') return undefined
  const licences = [...new Set(manifest.sources.flatMap(s => Object.keys(s.licenses)))].filter(name => name !== '').sort()
  return {
    '@context': CONTEXT,
    '@type': 'sc:Dataset',
    conformsTo: 'http://mlcommons.org/croissant/1.0',
    name: manifest.name,
    description: `Preference pairs for reward models, curated by goldpan ${manifest.goldpan}; plan ${manifest.plan_key}.`,
    ...(licences.length > 0 ? { license: licences.map(name => licenceUrl(name) ?? name) } : {}),
    distribution: [repository, ...splits.map(fileSet)],
    recordSet: splits.map(split => recordSet(split, trainColumns(output.layout, optionsOf(output)))),
  }
}

const repository = {
  '@type': 'cr:FileObject',
  '@id': 'repo',
  name: 'repo',
  description: 'The folder of the build.',
  contentUrl: '.',
  encodingFormat: 'git+https',
  sha256: 'https://github.com/mlcommons/croissant/issues/80',
}

const fileSet = (split: string) => ({
  '@type': 'cr:FileSet',
  '@id': `${split}-files`,
  name: `${split}-files`,
  containedIn: { '@id': 'repo' },
  encodingFormat: PARQUET,
  includes: `${split}/*.parquet`,
})

const recordSet = (split: string, columns: readonly OutColumn[]) => ({
  '@type': 'cr:RecordSet',
  '@id': split,
  name: split,
  field: columns.map(({ name, field }) => fieldOf(split, name, field)),
})

function fieldOf(split: string, name: string, field: OutField): object {
  const id = `${split}/${name}`
  const source = { fileSet: { '@id': `${split}-files` }, extract: { column: name } }
  const whole = { '@type': 'cr:Field', '@id': id, name: id }
  const children = childrenOf(field)
  if (!children) return { ...whole, dataType: typeOf(field), source }
  const subField = Object.entries(children).map(([child, type]) => ({
    '@type': 'cr:Field',
    '@id': `${id}/${child}`,
    name: `${id}/${child}`,
    dataType: typeOf(type),
    source: { ...source, transform: { jsonPath: child } },
  }))
  return { ...whole, ...(typeof field === 'object' && 'list' in field ? { repeated: true } : {}), subField }
}

function childrenOf(field: OutField): Schema | undefined {
  if (typeof field !== 'object') return undefined
  if ('list' in field) return field.list
  return 'struct' in field ? field.struct : undefined
}

function typeOf(field: OutField): string {
  if (field === 'bool') return 'sc:Boolean'
  if (field === 'f32' || field === 'f64') return 'sc:Float'
  return typeof field === 'string' && /^[iu]\d/.test(field) ? 'sc:Integer' : 'sc:Text'
}
