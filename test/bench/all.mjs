/** make bench: every table from one run, on stdout. SIZES (default 50000,500000) and BENCH_DIR (default .goldpan/bench) may be set. */
import { cpus, totalmem } from 'node:os'
import { benchBuild } from './build.mjs'

const sizes = (process.env.SIZES ?? '50000,500000').split(',').map(Number)
const root = process.env.BENCH_DIR ?? '.goldpan/bench'
console.log(`# Benchmarks\n\n${cpus().length} x ${cpus()[0].model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}. One run of \`make bench\`; ratios hold, absolute figures depend on the machine.\n`)
console.log(`## Build\n\n${await benchBuild(root, sizes)}`)
