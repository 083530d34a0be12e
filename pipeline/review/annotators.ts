/** Who may answer: a token each, kept beside the log so that a restart keeps every open page. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { guarded, UserError } from '../errors.ts'
import type { Answer } from '../judgement.ts'
import { makeFolder } from '../make-folder.ts'

export type Role = 'annotator' | 'adjudicator'
export interface Annotator {
  readonly name: string
  readonly role: Role
}

const fileSchema = z.object({ secret: z.string().min(32), tokens: z.record(z.string(), z.string().min(32)) })

export class Annotators {
  /** Signs what only this log's owner may have written. */
  readonly secret: string
  private readonly byToken = new Map<string, Annotator>()
  /** By name, for the addresses that are printed. */
  readonly tokens: ReadonlyMap<string, string>

  /** Reads `file`, adds who is new, and writes it for its owner alone to read. */
  constructor(file: string, names: readonly string[], adjudicators: readonly string[]) {
    const kept = existsSync(file) ? readTokens(file) : { secret: randomBytes(32).toString('hex'), tokens: {} }
    const tokens = new Map<string, string>()
    for (const name of [...names, ...adjudicators]) tokens.set(name, kept.tokens[name] ?? randomBytes(24).toString('hex'))
    this.secret = kept.secret
    this.tokens = tokens
    for (const [name, token] of tokens) this.byToken.set(token, { name, role: adjudicators.includes(name) ? 'adjudicator' : 'annotator' })
    const text = `${JSON.stringify({ secret: kept.secret, tokens: { ...kept.tokens, ...Object.fromEntries(tokens) } })}\n`
    guarded(file, () => {
      makeFolder(dirname(file))
      writeFileSync(`${file}.new`, text, { mode: 0o600 })
      renameSync(`${file}.new`, file)
    })
  }

  /** Every token is compared, in time that does not depend on how much of it is right. */
  withToken(token: string): Annotator | undefined {
    let found: Annotator | undefined
    for (const [known, annotator] of this.byToken) if (same(known, token)) found = annotator
    return found
  }

  /** Says which side was shown left, in a form that only this server can read: the page does not know what the label prefers. */
  ticket(...what: readonly string[]): string {
    return createHmac('sha256', this.secret).update(JSON.stringify(what)).digest('hex').slice(0, 32)
  }

  /** Which side a ticket says was left; undefined where it is for another pair, person or kind. */
  leftOf(ticket: string, pair_id: string, name: string, kind: Answer['kind']): Answer['left'] | undefined {
    return (['chosen', 'rejected'] as const).find(left => same(this.ticket(pair_id, name, kind, left), ticket))
  }
}

function readTokens(file: string): z.infer<typeof fileSchema> {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    throw new UserError(`${file}: expected the annotators' tokens {secret, tokens}; move the file away and new ones are made`)
  }
}

function same(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)]
  return x.length === y.length && timingSafeEqual(x, y)
}
