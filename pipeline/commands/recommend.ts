import { type Command, InvalidArgumentError } from 'commander'
import { openFinished } from '../finished.ts'
import { logPlaces } from '../judgements/places.ts'
import { recommendationOf } from '../recommend.ts'
import { recommendationText } from '../report/recommend-text.ts'
import { whole } from './option-values.ts'

interface Flags {
  readonly precision: number
  readonly flipModels: number
  readonly log?: string
  readonly json?: boolean
}

export const register = (program: Command): void => {
  program
    .command('recommend')
    .description('choose the thresholds of decide for a wanted precision, by what people answered on a finished build')
    .argument('<dir>', 'folder of the build')
    .option('--precision <share>', 'of turned labels, and of kept ones, that shall be right', shareOf, 0.9)
    .option('--flip-models <n>', 'as in decide: models that must judge a pair before its label may be turned', whole(1, 1000), 2)
    .option('--log <file>', 'the judgement log (default: as for review)')
    .option('--json', 'print every threshold tried as JSON')
    .addHelpText('after', '\nExample: goldpan recommend out/mine --precision 0.95')
    .action(async (dir: string, { precision, flipModels, log, json }: Flags) => {
      const finished = openFinished(dir)
      const found = await recommendationOf(finished, logPlaces(finished, log), { precision, flip_models: flipModels })
      console.log(json ? JSON.stringify(found, null, 2) : recommendationText(found, dir))
    })
}

function shareOf(text: string): number {
  const n = Number(text)
  if (text.trim() === '' || !(n > 0 && n < 1)) throw new InvalidArgumentError('expected a share above 0 and below 1, such as 0.95')
  return n
}
