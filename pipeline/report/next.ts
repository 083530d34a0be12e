/** What to look at after a build, and the command that shows it: three things. */
import { join } from 'node:path'
import type { Look } from './ink.ts'
import type { Report } from './report-schema.ts'
import { visible } from './table.ts'

const SHOWN = 3

interface Hint {
  readonly text: string
  readonly next: string
}

export function nextText({ warnings, sample, steps }: Report, dir: string, { ink }: Look): string {
  const first = warnings
    .filter(w => w.next !== undefined && w.next !== 'review DIR')
    .map(w => ({ text: `${w.about}: ${w.text}`, next: w.next! }))
  const asked = warnings.filter(w => w.next === 'review DIR')
  const people = asked.filter(w => w.about === 'review' || w.about === 'flags')
  const waits = people.length > 0 ? people : asked.slice(0, 1)
  const some: Hint[] = [
    ...(waits.length > 0 ? [{ text: waits.map(w => `${w.about}: ${w.text}`).join('; '), next: 'review DIR' }] : []),
    ...first,
    ...(waits.length === 0 && sample && sample.audit > 0
      ? [{ text: `${sample.audit} pairs were drawn for people`, next: 'review DIR' }]
      : []),
    ...(steps.some(s => s.rows_in > s.rows_out) ? [{ text: 'why a pair left', next: 'explain DIR SOURCE:ID' }] : []),
    { text: 'all checksums and sums again', next: 'verify DIR' },
  ]
  return [
    ink.strong('look at next'),
    `  the page with all figures`,
    `    ${join(dir, 'report.html')}`,
    ...some
      .slice(0, SHOWN - 1)
      .flatMap(({ text, next }) => [`  ${visible(text)}`, `    ${ink.good(`goldpan ${next.replaceAll('DIR', shellWord(dir))}`)}`]),
  ].join('\n')
}

/** The folder as a shell reads it back. */
export const shellWord = (text: string): string => (/^[\w./@%+,:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)
