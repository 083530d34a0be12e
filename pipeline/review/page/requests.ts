/** What the page and the server say to each other. */

export interface Task {
  readonly pair_id: string
  readonly kind: string
  readonly ticket: string
  readonly prompt: readonly { readonly role: string; readonly html: string }[]
  readonly left: string
  readonly right: string
  /** Of a flag of contamination: what stands left and right. */
  readonly names?: readonly [string, string]
  readonly difference?: { readonly left: string; readonly right: string }
  readonly others?: readonly {
    readonly outcome: string
    readonly strength: number | null
    readonly reason: string | null
    readonly flagged: boolean
  }[]
}
export interface After {
  readonly progress: { readonly answered: number; readonly left: number; readonly given: number; readonly wanted: number }
  readonly last: string | null
}
export interface State extends After {
  readonly name: string
  readonly role: string
  readonly title: string
  readonly guideline: string
}

export const byId = (id: string): HTMLElement => document.getElementById(id)!

/** A name for an answer, so that one sent twice is known. */
export function idOf(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')
}

const RETRY_MS = 700

/** Sends until the server answers; what it refuses is thrown. */
export async function ask<T>(path: string, body?: unknown): Promise<T> {
  for (;;) {
    try {
      const response = await fetch(path, {
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
        headers: { 'content-type': 'application/json', 'x-goldpan': 'review' },
      })
      const reply = (await response.json()) as T & { error?: string }
      if (!response.ok) throw Object.assign(new Error(reply.error ?? response.statusText), { refused: true })
      tell('')
      return reply
    } catch (error) {
      if ((error as { refused?: true }).refused) throw error
      // The server is away: the same request, with the same id, is sent until it is back.
      tell('The server does not answer. Your answer is kept here and sent again…')
      await new Promise(done => setTimeout(done, RETRY_MS))
    }
  }
}

/** Shows a complaint; an empty text takes it away. */
export function tell(text: string): void {
  const alert = byId('alert')
  if (alert.textContent !== text) alert.textContent = text
}
