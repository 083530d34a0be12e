import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { UserError } from '../errors.ts'
import { openFinished } from '../finished.ts'
import { peopleOf } from '../judgements/people.ts'
import { logPlaces } from '../judgements/places.ts'
import { peopleText } from '../report/people.ts'
import { Annotators } from '../review/annotators.ts'
import { GUIDELINE } from '../review/guideline.ts'
import { collect, whole } from './option-values.ts'
import { registerExchange } from './review-exchange.ts'

interface Flags {
  readonly annotator: readonly string[]
  readonly adjudicator: readonly string[]
  readonly log?: string
  readonly overlap: number
  readonly overlapShare: number
  readonly repeatShare: number
  readonly gold?: string
  readonly goldShare: number
  readonly guideline?: string
  readonly protocol?: string
  readonly host: string
  readonly port: number
}

const share = (text: string): number => {
  if (!(Number(text) >= 0 && Number(text) <= 1)) throw new InvalidArgumentError('expected a number from 0 to 1')
  return Number(text)
}

const named = (flags: string, what: string, none: string): Option => new Option(flags, what).argParser(collect).default([], none)

export const register = (program: Command): void => {
  const review = program
    .command('review')
    .description(
      'let people judge the pairs of a finished build that wait or were drawn, on a local web page; answers go into the judgement log',
    )
    .argument('<dir>', 'folder of the build')
    .addOption(named('--annotator <name>', 'who judges; may be given several times', 'your user name'))
    .addOption(named('--adjudicator <name>', 'who settles pairs on which answers differ or that were flagged', 'nobody'))
    .option('--log <file>', "where answers go (default: the first of the config's `judgements`, else DIR/judgements.jsonl)")
    .option('--overlap <n>', 'annotators for each pair of the overlap', whole(0, 99_999), 2)
    .option('--overlap-share <share>', 'share of pairs that several annotators see', share, 0.2)
    .option('--repeat-share <share>', 'share of pairs that come again with their sides exchanged', share, 0.05)
    .option(
      '--gold <file>',
      'pairs whose chosen response is better for sure, mixed in as hidden checks of annotators; any format of a source',
    )
    .option('--gold-share <share>', 'share of pairs after which a hidden check comes', share, 0.05)
    .option('--guideline <file>', 'what annotators are told (Markdown)')
    .option('--protocol <name>', 'name of the protocol, stored with every answer (default: a hash of the guideline)')
    .option('--host <address>', 'address to listen on; others than this machine reach only what you name here', '127.0.0.1')
    .option('--port <n>', 'port to listen on; 0 = any that is free', whole(0, 65_535), 0)
    .addHelpText(
      'after',
      '\nExample: goldpan review out/quickstart --annotator ann --annotator bob --adjudicator eve --overlap 3 --overlap-share 1\nStop with Ctrl-C; every answer is on the disk before the page moves on.',
    )
    .action(start)
  review
    .command('status')
    .description('what people have answered so far, how far they agree, and what that says of the build')
    .argument('<dir>', 'folder of the build')
    .option('--log <file>', 'the judgement log (default: as for review)')
    .option('--width <share>', 'how narrow the 95 % interval of label accuracy shall be', share, 0.1)
    .option('--json', 'print the figures as JSON')
    .addHelpText('after', '\nExample: goldpan review status out/quickstart --width 0.05')
    .action(status)
  registerExchange(review)
  for (const command of review.commands) command.exitOverride()
}

async function status(dir: string, { width, json }: { width: number; json?: boolean }, command: Command): Promise<void> {
  const { log } = command.optsWithGlobals<{ log?: string }>()
  const finished = openFinished(dir)
  const people = await peopleOf(finished, logPlaces(finished, log), width)
  console.log(json ? JSON.stringify(people, null, 2) : peopleText(people))
}

async function start(dir: string, flags: Flags): Promise<void> {
  // Else garbage of rendered texts piles up: 450 MB instead of 260 after 450 answers in a queue of 100,000 pairs, for the same CPU time.
  setFlagsFromString('--heap-growing-percent=30')
  const finished = openFinished(dir)
  const { annotator, adjudicator } = flags
  const names = annotator.length + adjudicator.length > 0 ? annotator : [userInfo().username]
  checkNames([...names, ...adjudicator])
  const guideline = flags.guideline === undefined ? GUIDELINE : readText(flags.guideline)
  const places = logPlaces(finished, flags.log)
  const annotators = new Annotators(`${places.log}.annotators.json`, names, adjudicator)
  const { openSession, serve } = await import('../review/open.ts')
  const session = await openSession(finished, annotators, {
    ...places,
    overlap: Math.min(255, Math.max(1, flags.overlap)),
    overlap_share: flags.overlapShare,
    repeat_share: flags.repeatShare,
    gold: flags.gold,
    gold_share: flags.goldShare,
    protocol: flags.protocol ?? `guideline-${createHash('sha256').update(guideline).digest('hex').slice(0, 8)}`,
  })
  for (const note of session.notes) console.error(note)
  const { server, address } = await serve({
    session,
    annotators,
    guideline,
    title: finished.manifest.name,
    host: flags.host,
    port: flags.port,
  }).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`--host ${flags.host} --port ${flags.port}: cannot listen there (${error.code})`)
  })
  for (const [name, token] of annotators.tokens) console.log(`${name}: ${address}/?token=${token}`)
  console.log(`answers: ${places.log}${places.hint}`)
  await new Promise<void>(done => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done())
  })
  server.close()
  server.closeAllConnections()
  await session.close()
}

function checkNames(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new UserError(`--annotator ${twice}: is named twice; an adjudicator must be another person`)
  const wrong = names.find(name => !/^[\w.@-]{1,64}$/.test(name))
  if (wrong !== undefined) throw new UserError(`--annotator ${wrong}: expected 1 to 64 letters, digits, ".", "_", "@" or "-"`)
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new UserError(`--guideline ${file}: no such file, or not readable (looked in ${join(process.cwd(), dirname(file))})`)
  }
}
