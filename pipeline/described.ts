/** The files of a build that tell of it, each a function of the manifest alone. */
import { cardOf } from './card.ts'
import { croissantOf } from './croissant.ts'
import { licencesOf } from './licences.ts'
import { canonicalJson, type Manifest } from './manifest.ts'

/** Texts by file name. Croissant has no word for packed lines nor for Arrow files, so such builds have none. */
export function describedBy(manifest: Manifest): Record<string, string> {
  const croissant = croissantOf(manifest)
  return {
    'README.md': cardOf(manifest),
    'LICENSES.md': licencesOf(manifest),
    ...(croissant ? { 'croissant.json': canonicalJson(croissant) } : {}),
  }
}
