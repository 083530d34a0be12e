/** LICENSES.md: whose the texts are and on what terms, source by source. */
import type { Manifest, ManifestSource } from './manifest.ts'
import { cell, markdown } from './report/markdown.ts'
import { grouped } from './report/table.ts'

/** A function of the manifest alone. */
export function licencesOf(manifest: Manifest): string {
  const parts = [
    '# Licences',
    `The pairs of this dataset keep the licences of their sources; goldpan adds none of its own. ${rule(manifest)}`,
    `## By source\n\n${markdown(['source', 'licence', 'terms', 'kept', 'left out'], 3, manifest.sources.flatMap(rowsOf))}`,
    'Kept pairs are in `train` and `validation`. Those left out are in `quarantine` and `review`, with their licence beside them, or in no folder of texts; `ledger` has a row for each. Publish those two folders only where the licences in them allow it.',
    `## Attribution\n\n${attributions(manifest.sources)}`,
  ]
  return `${parts.join('\n\n')}\n`
}

/** What each step of the kind allowed, in its own words: a step's list goes before that of the config. */
function rule({ steps }: Manifest): string {
  const refusing = steps.filter(s => s.stage === 'licenses')
  if (refusing.length === 0) return 'The config does not say which licences it allows (`allow_licenses`), so none was refused.'
  return refusing.map(ruleOf).join(' ')
}

function ruleOf({ params, rows_in, rows_out }: Manifest['steps'][number]): string {
  const { allow, action } = params as { allow: readonly string[]; action: string }
  const where = action === 'drop' ? 'in no folder of texts' : 'in `quarantine`'
  return `Allowed are ${allow.map(name => `\`${name}\``).join(', ')}; ${grouped(rows_in - rows_out)} pairs under another licence, or under none, were refused and are ${where}.`
}

function rowsOf({ source, licenses, left_licenses }: ManifestSource): string[][] {
  const names = [...new Set([...Object.keys(licenses), ...Object.keys(left_licenses)])].sort()
  const of = (counts: Readonly<Record<string, number>>, name: string): string => grouped(Object.hasOwn(counts, name) ? counts[name] : 0)
  return names.map(name => [cell(source), shown(name), termsOf(name), of(licenses, name), of(left_licenses, name)])
}

function shown(name: string): string {
  if (name === '') return 'not stated'
  const url = licenceUrl(name)
  return url ? `[${cell(name)}](${url})` : cell(name)
}

function attributions(sources: readonly ManifestSource[]): string {
  const lines = sources
    .filter(s => Object.keys(s.licenses).length > 0)
    .map(
      s => `- ${cell(s.source)}: ${s.attribution?.map(cell).join('; ') ?? 'not given; say in the config, beside its path: `attribution`'}`,
    )
  return lines.length > 0 ? lines.join('\n') : 'No pair was kept.'
}

/** Identifiers of the SPDX list that data is given out under. */
const SPDX = (
  'MIT Apache-2.0 CC0-1.0 CC-BY-4.0 CC-BY-3.0 CC-BY-2.0 CC-BY-SA-4.0 CC-BY-SA-3.0 CC-BY-NC-4.0 CC-BY-NC-3.0 CC-BY-NC-SA-4.0 CC-BY-NC-SA-3.0 ' +
  'CC-BY-NC-ND-4.0 CC-BY-ND-4.0 ODC-By-1.0 ODbL-1.0 PDDL-1.0 BSD-2-Clause BSD-3-Clause GPL-3.0-only CDLA-Permissive-2.0 Unlicense'
).split(' ')
const byName = new Map(SPDX.map(id => [id.toLowerCase(), id]))

/** Where the text of a licence stands; undefined for a name that is no SPDX identifier. */
export function licenceUrl(name: string): string | undefined {
  const id = byName.get(name.trim().toLowerCase().replaceAll(' ', '-'))
  return id && `https://spdx.org/licenses/${id}.html`
}

/** What the name itself says that a user must heed; the text of the licence is what counts. */
function termsOf(name: string): string {
  if (name === '') return 'unknown: ask the source'
  const parts = name.toLowerCase().split(/[\s_-]+/)
  const found = [
    ...(parts.includes('nc') ? ['no commercial use'] : []),
    ...(parts.includes('nd') ? ['no derivatives'] : []),
    ...(parts.includes('sa') || parts[0] === 'odbl' ? ['share alike'] : []),
    ...(parts.includes('by') ? ['name the authors'] : []),
    ...(/research/i.test(name) ? ['research'] : []),
  ]
  return found.join(', ') || '-'
}
