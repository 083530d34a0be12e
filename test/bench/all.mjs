/**
 * make bench: every table from one run, on stdout. May be set: BENCH=build,neardup,... (which tables; default all), SIZES (of the build),
 * NEARDUP, SCALE, INCREMENTAL, ANSWERS and REVIEW (their sizes), BENCH_DIR (default .goldpan/bench).
 */
import { cpus, totalmem } from 'node:os'
import { benchAnswers } from './answers.mjs'
import { benchBuild } from './build.mjs'
import { benchDecontamination } from './decontamination.mjs'
import { benchEstimator } from './estimator.mjs'
import { benchFlips } from './flips.mjs'
import { benchFlips as benchBuiltIn } from './flips-builtin.mjs'
import { benchIncremental } from './incremental.mjs'
import { benchNearDup, corpus } from './neardup.mjs'
import { benchReview } from './review.mjs'
import { benchScale } from './scale.mjs'
import { benchScoring } from './scoring.mjs'
import { benchStyle } from './style.mjs'
import { benchWriters } from './writers.mjs'

const numbers = (name, fallback) => (process.env[name] ?? fallback).split(',').map(Number)
const root = process.env.BENCH_DIR ?? '.goldpan/bench'
const tables = {
  build: ['Build', () => benchBuild(root, numbers('SIZES', '50000,500000'))],
  neardup: ['Near-duplicates', () => benchNearDup(root, numbers('NEARDUP', '50000,200000,1000000'))],
  estimator: ['Estimator', async () => benchEstimator()],
  writers: ['Writers', async () => benchWriters(root, await corpus(root, 50_000))],
  incremental: ['Incremental runs', () => benchIncremental(root, numbers('INCREMENTAL', '200000'))],
  answers: ['Answers', () => benchAnswers(root, numbers('ANSWERS', '1000000'))],
  flips: ['Wrong labels', () => benchFlips(root)],
  built_in: ['Wrong labels found by built-in models', () => benchBuiltIn(root)],
  scoring: ['Scoring', () => benchScoring(root)],
  decontamination: ['Decontamination', () => benchDecontamination(root)],
  style: ['Style', () => benchStyle(root)],
  review: ['Review', () => benchReview(root, Number(process.env.REVIEW ?? 100_000))],
  scale: ['Scale', () => benchScale(root, numbers('SCALE', '1000000,5000000'))],
}
console.log(`# Benchmarks\n\n${cpus().length} x ${cpus()[0].model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}. One run of \`make bench\`; ratios hold, absolute figures depend on the machine.\n`)
for (const name of process.env.BENCH?.split(',') ?? Object.keys(tables)) {
  const [title, bench] = tables[name]
  console.log(`## ${title}\n\n${await bench()}\n`)
}
