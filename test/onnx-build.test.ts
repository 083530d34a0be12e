/** A build that scores with a reward model from an ONNX folder, through the built command line. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { freshDir, goldpan, rowsOf } from './cli.ts'
import { onnxFolder } from './onnx-folder.ts'

it('fills margin_NAME from an ONNX folder named in the config', async () => {
  const dir = freshDir('onnx-build')
  const pairs = Array.from({ length: 40 }, (_, i) => ({ id: `r${i}`, prompt: `a ${i}`, chosen: `b c ${i}`, rejected: `b ${i}` }))
  writeFileSync(join(dir, 'a.jsonl'), pairs.map(pair => JSON.stringify(pair)).join('\n'))
  writeFileSync(
    join(dir, 'c.yaml'),
    `name: onnx\nsources: [{ path: a.jsonl }]\nmodels: { tiny: { onnx: ${onnxFolder()} } }\nsteps: [structure, score, disagreement, decide]\noutput: { signals: [margin_tiny, p_tiny], margin: tiny, publish_without_review: true }\n`,
  )
  const args = (out: string, threads: string) => [
    'run',
    join(dir, 'c.yaml'),
    '--out',
    join(dir, out),
    '--store',
    join(dir, `store-${out}`),
    '--threads',
    threads,
  ]
  const said = goldpan(args('out', '2'))
  expect([said.code, said.stderr.includes('bug')]).toEqual([0, false])
  // A word weighs two to the power of its place in the vocabulary; `c` has place 7.
  const margins = await rowsOf(join(dir, 'out'), `SELECT DISTINCT margin_tiny::DOUBLE AS margin FROM '{dir}/ledger/*.parquet'`)
  expect(margins).toEqual([{ margin: 128 }])
  expect(
    await rowsOf(join(dir, 'out'), `SELECT count(*)::INT AS n FROM '{dir}/train/*.parquet' WHERE margin = 128 AND p_tiny > 0.5`),
  ).toEqual([{ n: 40 }])
})
