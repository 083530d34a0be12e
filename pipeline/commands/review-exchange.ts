import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Command, Option } from 'commander'
import { guarded, UserError } from '../errors.ts'
import type { Message } from '../explain.ts'
import { openFinished, refuseInside } from '../finished.ts'
import { LogWriter, readLogs } from '../judgements/log.ts'
import { logPlaces } from '../judgements/places.ts'
import { makeFolder } from '../make-folder.ts'
import { Annotators } from '../review/annotators.ts'
import { type GoldPair, readGold } from '../review/gold.ts'
import { openQueue, type PairTexts, type Queue, share } from '../review/queue.ts'
import { leftFor } from '../review/sides.ts'
import { toolNames, tools } from '../review/tools/index.ts'
import { missingFrom } from '../review/tools/missing.ts'
import { answersOf, readSideMap, type SideMap, signedMap } from '../review/tools/side-map.ts'
import { forms, type Item } from '../review/tools/tool.ts'
import { tableNames } from '../tables.ts'

type ToolName = (typeof toolNames)[number]

/** `review export` and `review import`, under the command `review`. */
export function registerExchange(review: Command): void {
  review
    .command('export')
    .description(
      'write the pairs of a finished build for another annotation tool, sides shuffled, with a signed map of the sides; flags of contamination go into a folder flags of their own',
    )
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
    .option('--sides <file>', 'the sides.json of the export (default: beside the file, or in the folder above)')
    .option('--log <file>', 'the judgement log (default: as for review)')
    .option('--json', 'print what was read as JSON')
    .addHelpText('after', '\nExample: goldpan review import out/quickstart annotated.json --from label-studio --sides exported/sides.json')
    .action(importAnswers)
}

const tokensFile = (log: string): string => `${log}.annotators.json`

async function exportPairs(dir: string, { to, out, json }: { to: ToolName; out: string; json?: boolean }, command: Command): Promise<void> {
  const finished = openFinished(dir)
  for (const name of tableNames) refuseInside(join(dir, name), out, `review export --out ${out}`)
  const { log } = logPlaces(finished, command.optsWithGlobals<{ log?: string }>().log)
  const { seed = 42 } = finished.manifest.config as { seed?: number }
  const annotators = new Annotators(tokensFile(log), [], [])
  const { gold, goldShare } = command.optsWithGlobals<{ gold?: string; goldShare: number }>()
  const checks = gold === undefined ? [] : await readGold(gold)
  const queue = await openQueue(finished, seed)
  try {
    const pairs = await itemsOf(withChecks(queue, checks, goldShare, seed), annotators, to, seed)
    const flags = await flagItemsOf(queue, annotators, to)
    const sides = { ...pairs.sides, ...flags.sides }
    const checked = Object.values(pairs.sides).filter(side => 'kind' in side && side.kind === 'gold').length
    const formed = [
      ...(pairs.items.length > 0 ? [[out, tools[to].files(pairs.items, forms.pairs)] as const] : []),
      ...(flags.items.length > 0 ? [[join(out, FLAGS), tools[to].files(flags.items, forms.flags)] as const] : []),
    ]
    refuseAnswered(out, formed)
    makeFolder(out)
    const map = signedMap({ build: finished.manifest.name, protocol: `${to}-export`, sides }, annotators.secret)
    for (const [folder, files] of formed) writeFiles(folder, files)
    writeFileSync(join(out, SIDES), `${JSON.stringify(map)}\n`, { mode: 0o600 })
    const counts = { pairs: pairs.items.length - checked, gold: checked, flags: flags.items.length }
    if (json) console.log(JSON.stringify({ ...counts, to, out, sides: join(out, 'sides.json') }, null, 2))
    else console.log(exportedText(counts, to, out, tokensFile(log)))
  } finally {
    await queue.close()
  }
}

/** Folder of the flags of contamination, which are asked about by a form of their own. */
const FLAGS = 'flags'

const SIDES = 'sides.json'

/** People may have answered in the files of a former export, and its side map tells what they meant. */
function refuseAnswered(out: string, formed: readonly (readonly [string, Readonly<Record<string, string>>])[]): void {
  const files = [join(out, SIDES), ...formed.flatMap(([folder, of]) => Object.keys(of).map(name => join(folder, name)))]
  const there = files.find(file => existsSync(file))
  if (there) throw new UserError(`review export: ${there} is there already, and people may have answered in it; choose another --out`)
}

function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  makeFolder(folder)
  for (const [name, text] of Object.entries(files)) guarded(join(folder, name), () => writeFileSync(join(folder, name), text))
}

function exportedText(
  { pairs, gold, flags }: { pairs: number; gold: number; flags: number },
  to: string,
  out: string,
  tokens: string,
): string {
  const checks = gold > 0 ? ` and ${gold} hidden checks` : ''
  const more = flags > 0 ? `, ${flags} flags of contamination in ${join(out, FLAGS)}` : ''
  return `${pairs} pairs${checks} for ${to} in ${out}${more}; keep ${join(out, 'sides.json')} from annotators, and ${tokens} beside the log`
}

const textOf = (messages: readonly Message[]): string => messages.map(({ content }) => content).join('\n\n')

interface Exported {
  readonly pair_id: string
  readonly kind: 'first' | 'gold'
  /** Of review/; a check has none. */
  readonly row: number
  texts(): Promise<PairTexts>
}

interface Items {
  readonly items: Item[]
  readonly sides: SideMap['sides']
}

/** The queue's pairs in their order, and after a share of them, as a hash says, a check as long as there are more. */
function withChecks(queue: Queue, gold: readonly GoldPair[], gold_share: number, seed: number): Exported[] {
  const own = new Set(queue.pairs.map(({ pair_id }) => pair_id))
  const checks = gold.filter(({ pair_id }) => !own.has(pair_id))
  return queue.pairs.flatMap(({ pair_id, row }, place): Exported[] => {
    const check = share('gold', seed, 'export', pair_id) < gold_share ? checks.pop() : undefined
    const pair: Exported = { pair_id, kind: 'first', row, texts: () => queue.texts(place) }
    return check ? [pair, { pair_id: check.pair_id, kind: 'gold', row: -1, texts: async () => check.texts }] : [pair]
  })
}

async function itemsOf(exported: readonly Exported[], annotators: Annotators, tool: ToolName, seed: number): Promise<Items> {
  const items = new Array<Item>(exported.length)
  const sides: SideMap['sides'] = {}
  for (const [place, { pair_id, kind, texts }] of [...exported.entries()].sort(([, a], [, b]) => a.row - b.row)) {
    const left = leftFor(pair_id, `export to ${tool}`, seed, kind)
    const item = annotators.ticket('item', tool, pair_id).slice(0, 16)
    const { prompt, ...responses } = await texts()
    items[place] = {
      item,
      prompt: prompt.length > 1 ? prompt.map(({ role, content }) => `${role}: ${content}`).join('\n\n') : textOf(prompt),
      left: textOf(responses[left]),
      right: textOf(responses[left === 'chosen' ? 'rejected' : 'chosen']),
    }
    sides[item] = kind === 'gold' ? { pair_id, left, kind } : { pair_id, left }
  }
  return { items, sides }
}

/** The turn in which an item was found, and the item. */
async function flagItemsOf(queue: Queue, annotators: Annotators, tool: ToolName): Promise<Items> {
  const items: Item[] = []
  const sides: SideMap['sides'] = {}
  for (const [place, { pair_id, benchmark, item: named, field, turn }] of queue.flags.entries()) {
    const item = annotators.ticket('flag', tool, pair_id).slice(0, 16)
    const { flag_item, ...texts } = await queue.flagTexts(place)
    const found = texts[field]
    items.push({ item, prompt: `Benchmark ${benchmark}, item ${named}`, left: textOf(found.slice(turn, turn + 1)), right: flag_item })
    sides[item] = { pair_id, benchmark, item: named }
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
  const map = readSideMap(sides ?? sidesBeside(file), new Annotators(tokensFile(places.log), [], []).secret)
  const answers = answersOf(tools[from].read(text, file), map, file)
  const log = readLogs([places.log, ...places.others])
  const fresh = missingFrom(log, answers)
  const writer = new LogWriter(places.log)
  if (fresh.length > 0) writer.append(fresh)
  writer.close()
  const there = answers.length - fresh.length
  if (json) console.log(JSON.stringify({ added: fresh.length, there_already: there, log: places.log }, null, 2))
  else if (answers.length === 0) console.log(`${file}: no answers: nobody has answered yet, or this is not what ${from} exports`)
  else
    console.log(
      `${fresh.length} answers added to ${places.log}, ${there} were there already or are changed by the file itself${places.hint}`,
    )
}

/** Flags come back from a folder below that of the export. */
function sidesBeside(file: string): string {
  const [beside, above] = [join(dirname(file), 'sides.json'), join(dirname(file), '..', 'sides.json')]
  return existsSync(beside) || !existsSync(above) ? beside : above
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new UserError(`${file}: no such file, or not readable`)
  }
}
