/** Makes the builds that check.py loads, under the folder named: the quickstart in every layout and format, and the real data where it is. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

const out = resolve(process.argv[2] ?? 'out/clients')
const root = resolve(import.meta.dirname, '../..')
const data = resolve(process.env.GOLDPAN_DATA ?? join(root, '../shared/data'))

const variants = {
  'jsonl-gz': ['output.format=jsonl.gz'],
  'jsonl-zst': ['output.format=jsonl.zst'],
  prompt: [],
  conversations: ['output.layout=conversations'],
  message: ['output.layout=message'],
  margin: ['output.margin=bt_text'],
  arrow: ['output.format=arrow'],
  jsonl: ['output.format=jsonl'],
}

function build(config, name, overrides) {
  const set = overrides.flatMap(override => ['--set', override])
  const to = ['--out', join(out, name), '--store', join(out, '../clients-store'), '--progress', 'none']
  const args = [join(root, 'dist/pipeline/cli.js'), 'run', join(root, config), ...to, ...set]
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, GOLDPAN_DATA: data } })
  if (status !== 0) throw new Error(`${name}: ${stderr}`)
}

for (const [name, overrides] of Object.entries(variants)) build('configs/quickstart.yaml', `quickstart-${name}`, overrides)
if (existsSync(data)) build('configs/shared-data.yaml', 'shared-data', [])
else console.log(`skipped: the real data, which is not at ${data} (set GOLDPAN_DATA)`)
