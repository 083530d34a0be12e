/** Compiles the kernels in this folder to WebAssembly: `node pipeline/kernels/wasm/build.mjs OUT_DIR`. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import asc from 'assemblyscript/asc'

const here = import.meta.dirname
const out = process.argv[2] ?? join(here, '../../../dist/pipeline/kernels/wasm')
const options = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--baseDir', here]

mkdirSync(out, { recursive: true })
for (const file of readdirSync(here).filter(name => name.endsWith('.ts'))) {
  const outputs = new Map()
  const writeFile = (name, contents) => void outputs.set(name, contents)
  const { error, stderr } = await asc.main([file, '--outFile', 'out.wasm', ...options], { writeFile })
  if (error) {
    process.stderr.write(`${file}: ${stderr.toString()}\n`)
    process.exit(1)
  }
  writeFileSync(join(out, `${basename(file, '.ts')}.wasm`), outputs.get('out.wasm'))
}
