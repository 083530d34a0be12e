import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Command, Option } from 'commander'
import { UserError } from '../errors.ts'
import type { Message } from '../explain.ts'
import { openFinished } from '../finished.ts'
import { LogWriter, readLogs } from '../judgements/log.ts'
import { logPlaces } from '../judgements/places.ts'
import { Annotators } from '../review/annotators.ts'
import { type GoldPair, readGold } from '../review/gold.ts'
import { GUIDELINE } from '../review/guideline.ts'
import { openQueue, type PairTexts, type Queue, share } from '../review/queue.ts'
import { leftFor } from '../review/sides.ts'
import { toolNames, tools } from '../review/tools/index.ts'
import { answersOf, readSideMap, type SideMap, signedMap } from '../review/tools/side-map.ts'
import type { Item } from '../review/tools/tool.ts'

type ToolName = (typeof toolNames)[number]

/** `review export` and `review import`, under the command `review`. */
export function registerExchange(review: Command): void {
  review
    .command('export')
    .description('write the pairs of a finished build for another annotation tool, sides shuffled, with a signed map of the sides')
    .argument('<dir>', 'folder of the build')
    .addOption(new Option('--to <tool>', 'the tool').choices(toolNames).makeOptionMandatory())
    .requiredOption('--out <folder>', 'where the files go; sides.json stays with you, annotators must not see it')
    .option('--log <file>', 'the judgement log (default: as for review)')
    .option('--gold <file>', 'hidden checks, as for review')
    .option('--json', 'print what was written as JSON')
    .addHelpText('after', '\nExample: goldpan review export out/quickstart --to label-studio --out exported')
    .action(exportPairs)
  review
    .command('import')
    .description('read what another annotation tool gives back into the judgement log; unanswered items are passed over')
    .argument('<dir>', 'folder of the build')
    .argument('<file>', "the tool's export")
    .addOption(new Option('--from <tool>', 'the tool').choices(toolNames).makeOptionMandatory())
    .option('--sides <file>', 'the sides.json of the export (default: beside the file)')
    .option('--log <file>', 'the judgement log (default: as for review)')
    .option('--json', 'print what was read as JSON')
    .addHelpText('after', '\nExample: goldpan review import out/quickstart annotated.json --from label-studio --sides exported/sides.json')
    .action(importAnswers)
}

const tokensFile = (log: string): string => `${log}.annotators.json`

async function exportPairs(dir: string, { to, out, json }: { to: ToolName; out: string; json?: boolean }, command: Command): Promise<void> {
  const finished = openFinished(dir)
  const { log } = logPlaces(finished, command.optsWithGlobals<{ log?: string }>().log)
  const { seed = 42 } = finished.manifest.config as { seed?: number }
  const annotators = new Annotators(tokensFile(log), [], [])
  const { gold, goldShare } = command.optsWithGlobals<{ gold?: string; goldShare: number }>()
  const checks = gold === undefined ? [] : await readGold(gold)
  const queue = await openQueue(finished, seed)
  try {
    const { items, sides } = itemsOf(withChecks(queue, checks, goldShare, seed), annotators, to, seed)
    const gold_items = Object.values(sides).filter(({ kind }) => kind === 'gold').length
    const map = signedMap({ build: finished.manifest.name, protocol: `${to}-export`, sides }, annotators.secret)
    mkdirSync(out, { recursive: true })
    for (const [name, text] of Object.entries(tools[to].files(items, GUIDELINE))) writeFileSync(join(out, name), text)
    writeFileSync(join(out, 'sides.json'), `${JSON.stringify(map)}\n`, { mode: 0o600 })
    if (json)
      console.log(JSON.stringify({ pairs: items.length - gold_items, gold: gold_items, to, out, sides: join(out, 'sides.json') }, null, 2))
    else
      console.log(
        `${items.length - gold_items} pairs${gold_items > 0 ? ` and ${gold_items} hidden checks` : ''} for ${to} in ${out}; keep ${join(out, 'sides.json')} from annotators, and ${tokensFile(log)} beside the log`,
      )
  } finally {
    queue.close()
  }
}

interface Exported {
  readonly pair_id: string
  readonly kind: 'first' | 'gold'
  texts(): PairTexts
}

/** The queue's pairs in their order, and after a share of them, as a hash says, a check as long as there are more. */
function withChecks(queue: Queue, gold: readonly GoldPair[], gold_share: number, seed: number): Exported[] {
  const own = new Set(queue.pairs.map(({ pair_id }) => pair_id))
  const checks = gold.filter(({ pair_id }) => !own.has(pair_id))
  return queue.pairs.flatMap(({ pair_id }, place): Exported[] => {
    const check = share('gold', seed, 'export', pair_id) < gold_share ? checks.pop() : undefined
    const pair: Exported = { pair_id, kind: 'first', texts: () => queue.texts(place) }
    return check ? [pair, { pair_id: check.pair_id, kind: 'gold', texts: () => check.texts }] : [pair]
  })
}

function itemsOf(
  exported: readonly Exported[],
  annotators: Annotators,
  tool: ToolName,
  seed: number,
): { items: Item[]; sides: SideMap['sides'] } {
  const items: Item[] = []
  const sides: SideMap['sides'] = {}
  for (const { pair_id, kind, texts } of exported) {
    const left = leftFor(pair_id, `export to ${tool}`, seed, kind)
    const item = annotators.ticket('item', tool, pair_id).slice(0, 16)
    const { prompt, ...responses } = texts()
    const text = (messages: readonly Message[]): string => messages.map(({ content }) => content).join('\n\n')
    items.push({
      item,
      prompt: prompt.length > 1 ? prompt.map(({ role, content }) => `${role}: ${content}`).join('\n\n') : text(prompt),
      left: text(responses[left]),
      right: text(responses[left === 'chosen' ? 'rejected' : 'chosen']),
    })
    sides[item] = kind === 'gold' ? { pair_id, left, kind } : { pair_id, left }
  }
  return { items, sides }
}

function importAnswers(
  dir: string,
  file: string,
  { from, sides, json }: { from: ToolName; sides?: string; json?: boolean },
  command: Command,
): void {
  const places = logPlaces(openFinished(dir), command.optsWithGlobals<{ log?: string }>().log)
  const text = readText(file)
  const map = readSideMap(sides ?? join(dirname(file), 'sides.json'), new Annotators(tokensFile(places.log), [], []).secret)
  const answers = answersOf(tools[from].read(text, file), map, file)
  const known = new Set(readLogs([places.log, ...places.others]).answers.map(({ id }) => id))
  const fresh = [...new Map(answers.filter(({ id }) => !known.has(id)).map(answer => [answer.id, answer])).values()]
  const writer = new LogWriter(places.log)
  if (fresh.length > 0) writer.append(fresh)
  writer.close()
  const there = answers.length - fresh.length
  if (json) console.log(JSON.stringify({ added: fresh.length, there_already: there, log: places.log }, null, 2))
  else console.log(`${fresh.length} answers added to ${places.log}, ${there} were there already${places.hint}`)
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new UserError(`${file}: no such file, or not readable`)
  }
}
