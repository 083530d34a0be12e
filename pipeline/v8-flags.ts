/** Loaded before all else: what V8's helper threads do, for a process that has a worker on every core. */
import { setFlagsFromString } from 'node:v8'

/**
 * The garbage collector of each thread does its own work: helper threads only took their turns from the workers. 53 against 44 s of wall time
 * for a build of 500,000 pairs on 2 cores, one run each.
 */
const OFF = ['concurrent-marking', 'concurrent-sweeping', 'parallel-compaction', 'parallel-pointer-update', 'parallel-scavenge']

/**
 * The optimising compiler waits six times as long before it compiles a function, and inlines a fifth of what it would. Every thread compiles
 * its own copy of the same code, so at 50,000 pairs 5.7 of 15.2 CPU s went there; with these 2.0 of 11.0, and at 200,000 32.3 instead of 36.0 in all.
 * Loops that must be quick are WebAssembly, or call nothing. Node 20 counts bytes of bytecode, later ones count calls.
 */
const COMPILER = [
  process.version.startsWith('v20.') ? 'interrupt-budget=400000' : 'invocation-count-for-turbofan=18000',
  'max-inlined-bytecode-size-cumulative=200',
]

for (const flag of [...OFF.map(name => `no-${name}`), ...COMPILER]) setFlagsFromString(`--${flag}`)
