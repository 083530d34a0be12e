/** Files that are shards of one table: named alike but for numbers. */

export interface Group {
  /** A glob over all of them, or the one file's name. */
  readonly name: string
  readonly files: readonly string[]
}

const SHARDS = 3

/** Groups of file names in the order of their first ones; a glob never matches a file of another group. */
export function alike(files: readonly string[]): Group[] {
  const masks = new Map<string, string[]>()
  for (const file of files) {
    const mask = file.replace(/\d+(?=[^/]*$)/g, '*')
    masks.set(mask, [...(masks.get(mask) ?? []), file])
  }
  return [...masks].flatMap(([mask, of]) => {
    const glob = new RegExp(`^${mask.split('*').map(literal).join('[^/]*')}$`)
    const others = files.some(file => !of.includes(file) && glob.test(file))
    return of.length >= SHARDS && !others && !/[?[{]/.test(mask)
      ? [{ name: mask, files: of }]
      : of.map(file => ({ name: file, files: [file] }))
  })
}

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
