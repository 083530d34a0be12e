import type { Column } from './batch.ts'

/** Columns that are made when first asked for, and then kept. */
export function lazyColumns(makers: Readonly<Record<string, () => Column>>): { readonly [name: string]: Column } {
  const columns = {}
  for (const [name, make] of Object.entries(makers))
    Object.defineProperty(columns, name, {
      enumerable: true,
      configurable: true,
      get: () => {
        const value = make()
        Object.defineProperty(columns, name, { enumerable: true, value })
        return value
      },
    })
  return columns
}
