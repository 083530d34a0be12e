/** Writes report.json and report.html beside the manifest of a finished build. They hold times, so no manifest names them. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../errors.ts'
import { type Finished, openFinished } from '../finished.ts'
import type { People } from '../judgements/people.ts'
import { peopleOf } from '../judgements/people.ts'
import { type LogPlaces, logPlaces } from '../judgements/places.ts'
import { canonicalJson } from '../manifest.ts'
import { seal } from '../seal.ts'
import { openTables } from '../sql.ts'
import { reportOf } from './figures.ts'
import type { Report } from './report-schema.ts'

export interface Reported {
  readonly report: Report
  readonly people?: People
}

/** How narrow the interval of label accuracy is wanted, unless somebody says otherwise. */
const WANTED_WIDTH = 0.1

/** What people said, where the build's judgement log holds an answer. */
async function peopleIn(dir: string): Promise<People | undefined> {
  const finished = openFinished(dir)
  const places = placesIn(finished)
  if (!places) return undefined
  const people = await peopleOf(finished, places, WANTED_WIDTH)
  return people.answers > 0 || (people.flags?.all.n ?? 0) > 0 ? people : undefined
}

/** Where the build's judgement logs are, if there is one. */
function placesIn(finished: Finished): LogPlaces | undefined {
  const places = logPlaces(finished)
  return [places.log, ...places.others].some(log => existsSync(log)) ? places : undefined
}

/** The report that lies in the folder of a build to which nothing has happened since; none where people may have answered. */
export function reportAsItIs(dir: string): Reported | undefined {
  if (placesIn(openFinished(dir))) return undefined
  const report = JSON.parse(readFileSync(join(dir, 'report.json'), 'utf8')) as Report
  return report.people ? undefined : { report }
}

/** The report of a finished build, written nowhere. */
export async function reportIn(dir: string): Promise<Reported> {
  const people = await peopleIn(dir)
  const finished = openFinished(dir)
  const tables = await openTables(finished)
  try {
    return { report: await reportOf(finished, tables, people), ...(people ? { people } : {}) }
  } finally {
    tables.close()
  }
}

export async function writeReport(dir: string): Promise<Reported> {
  const reported = await reportIn(dir)
  // What draws takes a tenth of a second to load, which no other command should wait for.
  const { pageOf } = await import('./page/page.ts')
  put(dir, 'report.json', canonicalJson(reported.report))
  put(dir, 'report.html', pageOf(reported.report))
  seal(dir)
  return reported
}

/** A file appears whole or not at all. */
function put(dir: string, name: string, text: string): void {
  const file = join(dir, name)
  try {
    writeFileSync(`${file}.new`, text)
    renameSync(`${file}.new`, file)
  } catch (error) {
    throw new UserError(
      `${file}: cannot be written (${(error as NodeJS.ErrnoException).code}); is the folder yours, and has the disk room?`,
    )
  }
}
