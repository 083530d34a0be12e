import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { utf8Of } from '../../pipeline/batch.ts'
import { digestOf } from '../../pipeline/keys.ts'
import { locateFolder } from '../../pipeline/planned-models.ts'
import { openScorer } from '../../pipeline/scorers/open.ts'
import { freshDir } from '../cli.ts'
import { pairsOf } from '../drive.ts'
import { onnxFolder } from '../onnx-folder.ts'

it('refuses a model whose files are not those of the plan', async () => {
  const [folder, root] = [onnxFolder(), freshDir('open-store')]
  const digest = await locateFolder(folder, '', 'models.tiny', {}, async ({ shown, path }) => ({
    path: shown,
    bytes: 0,
    sha256: await digestOf(path),
  }))
  const scored = async (response: string): Promise<number[]> => {
    const scorer = await openScorer('tiny', { onnx: 'm', digest }, { paths: { m: folder }, store: { root } })
    const { prompt } = pairsOf([{ prompt: 'a' }]).columns
    return Array.from(await scorer.score(prompt, utf8Of([response])).finally(() => scorer.close()))
  }
  const [score] = await scored('b')
  expect(score).toBeGreaterThan(0)
  appendFileSync(join(folder, 'config.json'), ' ')
  // what is kept needs no model
  expect(await scored('b')).toEqual([score])
  await expect(scored('c')).rejects.toThrow(
    expect.objectContaining({
      name: 'UserError',
      message: expect.stringMatching(/^models\.tiny: \S+: expected the files of the plan \(digest \w+\), got others \(\w+\); .*run again$/),
    }),
  )
})
