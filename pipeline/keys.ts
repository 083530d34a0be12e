/** Names of outputs by their causes. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Json } from './stage.ts'

/** JSON with sorted keys: one text for one value. */
export function canonical(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value ?? null)
  const entries = Object.entries(value as Record<string, Json>).filter(([, v]) => v !== undefined)
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`)
    .join(',')}}`
}

/** 128 bits of SHA-256 over the causes, as hex. */
export const keyOf = (...causes: readonly (Json | undefined)[]): string =>
  createHash('sha256')
    .update(canonical(causes as Json))
    .digest('hex')
    .slice(0, 32)

/** SHA-256 of a text, as hex. */
export const digestOfText = (text: string): string => createHash('sha256').update(text).digest('hex')

/** SHA-256 of a file's bytes, as hex. */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
