import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const ALONE = ['test/codecs/parquet-source.test.ts', 'test/peak-memory.test.ts']

export default defineConfig({
  test: {
    pool: 'forks',
    /** Files that follow one another in a process share what they import; one that loads modules anew has a process of its own. */
    projects: [
      { extends: true, test: { name: 'shared', include: ['test/**/*.test.{ts,mjs}'], isolate: false, exclude: ALONE } },
      { extends: true, test: { name: 'alone', include: ALONE } },
    ],
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 120_000,
    hookTimeout: 120_000,
    setupFiles: ['test/scratch.ts'],
  },
})
