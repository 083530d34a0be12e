import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { bytesOf } from '../config-schema.ts'
import { ExpectationError, UserError } from '../errors.ts'
import { bytesText, grouped } from '../report/table.ts'
import { isStore, Store } from '../store.ts'
import { type Checked, type Collected, checkStore, collectGarbage, type Status, statusOf } from '../store-care/care.ts'
import { defaultStore } from './option-values.ts'

interface Flags {
  readonly store: string
  readonly json?: boolean
}

const DAY_MS = 86_400_000
const PARTS: Readonly<Record<string, number>> = { h: DAY_MS / 24, d: DAY_MS, w: 7 * DAY_MS }

function age(text: string): number {
  const [, number, part] = /^(\d+(?:\.\d+)?)([hdw])$/.exec(text) ?? []
  if (number === undefined) throw new InvalidArgumentError('expected a time such as 12h, 30d or 8w')
  return Number(number) * PARTS[part]
}

function size(text: string): number {
  const bytes = text === '0' ? 0 : bytesOf(text)
  if (bytes === undefined) throw new InvalidArgumentError('expected a size such as 50GiB')
  return bytes
}

export const register = (program: Command): void => {
  const store = program
    .command('store')
    .description('look after the store, where builds keep what they have worked out')
    .addHelpText('after', '\nExample: goldpan store status')
  const command = (name: string, description: string, example: string): Command =>
    store
      .command(name)
      .description(description)
      .option('--store <dir>', 'the store (also GOLDPAN_STORE)', defaultStore())
      .option('--json', 'print the figures as JSON')
      .addHelpText('after', `\nExample: goldpan store ${example}`)
  command('status', 'how large it is, how much of it no build has used for how long, and who works with it', 'status').action(
    (flags: Flags) => tell(flags, statusText, statusOf(opened(flags))),
  )
  command(
    'gc',
    'throw out what was not used for long, or what is too much; a later build makes again what it misses',
    'gc --older-than 30d --max-size 50GiB',
  )
    .option('--older-than <time>', 'what no build used for so long: 12h, 30d, 8w', age)
    .option('--max-size <size>', 'then what was not used for longest, until the rest fits', size)
    .option('--dry-run', 'only say what would go')
    .action(gc)
  command('fsck', 'read every byte; throw out what does not match its checksum, to be made again', 'fsck --dry-run')
    .option('--dry-run', 'only say what is damaged; exit code 4 if anything is')
    .action(fsck)
  for (const sub of store.commands) sub.exitOverride()
}

function opened({ store }: Flags): Store {
  if (!existsSync(store)) throw new UserError(`${store}: no store there; --store DIR or GOLDPAN_STORE names it`)
  if (!isStore(store))
    throw new UserError(`${store}: is no store of goldpan (it holds no format.json); --store DIR or GOLDPAN_STORE names one`)
  return new Store(store)
}

function tell<T>({ json }: Flags, text: (figures: T) => string, figures: T): void {
  console.log(json ? JSON.stringify(figures, null, 2) : text(figures))
}

function gc(flags: Flags & { olderThan?: number; maxSize?: number; dryRun?: boolean }): void {
  const { olderThan: older_than_ms, maxSize: max_bytes, dryRun: dry_run = false } = flags
  if (older_than_ms === undefined && max_bytes === undefined)
    throw new UserError('store gc: say what may go: --older-than 30d, --max-size 50GiB, or both')
  tell(flags, collectedText, collectGarbage(opened(flags), { older_than_ms, max_bytes, dry_run }))
}

async function fsck(flags: Flags & { dryRun?: boolean }): Promise<void> {
  const checked = await checkStore(opened(flags), flags.dryRun === true)
  tell(flags, checkedText, checked)
  if (checked.dry_run && checked.damaged.length > 0)
    throw new ExpectationError(`${checked.damaged.length} entries are damaged; goldpan store fsck throws them out`)
}

const statusText = ({ root, format, entries, bytes, unused_bytes, notes, scores, leftovers, users }: Status): string =>
  [
    `${root}: ${grouped(entries)} entries, ${bytesText(bytes)} (format ${format})`,
    `not used for a week: ${bytesText(unused_bytes.days_7)}, a month: ${bytesText(unused_bytes.days_30)}, three months: ${bytesText(unused_bytes.days_90)}`,
    ...(notes.files > 0 ? [`remembered digests of input files: ${grouped(notes.files)}, ${bytesText(notes.bytes)}`] : []),
    ...(scores.files > 0
      ? [
          `kept scores of models: ${bytesText(scores.bytes)} in ${join(root, 'scores')}; gc leaves them, so delete that folder to have the models asked again`,
        ]
      : []),
    ...(leftovers.files > 0
      ? [`unfinished files: ${grouped(leftovers.files)}, ${bytesText(leftovers.bytes)}; gc sweeps those older than a day`]
      : []),
    users.length > 0
      ? `in use: ${users.map(({ what, pid, host }) => `${what} (process ${pid} on ${host})`).join(', ')}`
      : 'in use by nobody',
  ].join('\n')

const collectedText = ({ removed, removed_bytes, kept, kept_bytes, leftovers, notes, dry_run }: Collected): string =>
  [
    `${dry_run ? 'would remove' : 'removed'} ${[
      `${grouped(removed)} entries`,
      ...(leftovers > 0 ? [`${grouped(leftovers)} unfinished files`] : []),
      ...(notes > 0 ? [`${grouped(notes)} remembered digests`] : []),
    ].join(', ')}; ${bytesText(removed_bytes)}`,
    `${dry_run ? 'would keep' : 'kept'} ${grouped(kept)} entries; ${bytesText(kept_bytes)}, remembered digests included`,
  ].join('\n')

const checkedText = ({ entries, bytes, damaged, dry_run }: Checked): string =>
  [
    `${grouped(entries)} entries, ${bytesText(bytes)} read; ${damaged.length === 0 ? 'all are whole' : `${grouped(damaged.length)} damaged${dry_run ? '' : ', thrown out'}:`}`,
    ...damaged.map(({ key, what }) => `${key}: ${what}`),
  ].join('\n')
