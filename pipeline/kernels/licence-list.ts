/** Which licences a list of names allows. */

const UNSTATED = 'unstated'

/** Case and spaces do not matter; `CC-BY-*` allows all names that begin so; "" is a licence that nobody stated. */
export function allows(list: readonly string[]): (licence: string) => boolean {
  const names = list.map(plain)
  const exact = new Set(names.filter(name => !name.endsWith('*')))
  const prefixes = names.filter(name => name.endsWith('*')).map(name => name.slice(0, -1))
  const known = new Map<string, boolean>()
  return licence => {
    let allowed = known.get(licence)
    if (allowed === undefined) {
      const name = licence === '' ? UNSTATED : plain(licence)
      allowed = exact.has(name) || (licence !== '' && prefixes.some(prefix => name.startsWith(prefix)))
      known.set(licence, allowed)
    }
    return allowed
  }
}

const plain = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, '-')
