/** Looking into zod schemas. */
import { z } from 'zod'

/** A schema without what makes it optional or gives it a default. */
export function bare(schema: z.core.$ZodType): z.core.$ZodType {
  const { def } = schema._zod
  if ('innerType' in def) return bare(def.innerType as z.core.$ZodType)
  return def.type === 'pipe' ? bare((def as z.core.$ZodPipeDef).in) : schema
}

/** The keys that objects at a path of a schema may have. */
export function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const inner = bare(schema)
  if (inner instanceof z.ZodUnion) return [...new Set(inner.options.flatMap(option => keysAt(option, path)))]
  const [key, ...rest] = path
  if (inner instanceof z.ZodObject) {
    if (key === undefined) return Object.keys(inner.shape)
    return Object.hasOwn(inner.shape, key) ? keysAt(inner.shape[key as string], rest) : []
  }
  if (key === undefined) return []
  if (inner instanceof z.ZodArray) return keysAt(inner.element, rest)
  return inner instanceof z.ZodRecord ? keysAt(inner.valueType, rest) : []
}
