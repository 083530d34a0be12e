import type { Command } from 'commander'
import { Build } from '../build.ts'
import { Opened } from '../context.ts'
import { DamagedEntry } from '../entry-file.ts'
import { PendingError } from '../errors.ts'
import { use } from '../store-care/usage.ts'
import { runTask, type TaskReport } from '../task.ts'
import { checkTaskName } from '../task-names.ts'
import { defaultStore } from './option-values.ts'

export const register = (program: Command): void => {
  program
    .command('task')
    .description('run one task of a plan, as a scheduler would; its outputs go to the store')
    .argument('<plan>', 'plan file, as `goldpan plan --write` leaves it in the store')
    .argument('<id>', 'task, such as ingest/0, measure/3 or pass/0/12')
    .option('--store <dir>', 'the store that holds the plan', defaultStore())
    .option('--json', 'print what the task did as JSON')
    .addHelpText('after', '\nExample: goldpan task .goldpan/store/plans/4f...c1.json ingest/0')
    .action(async (plan: string, id: string, { store, json }: { store: string; json?: boolean }) => {
      const report = await taskOf(await Build.open(plan, store), id)
      console.log(json ? JSON.stringify({ id, ...report }, null, 2) : `${id}: ${report.rows} rows`)
    })
}

async function taskOf(build: Build, id: string): Promise<TaskReport> {
  const opened = new Opened()
  const ended = use(build.store.root, `goldpan task ${id}`)
  try {
    checkTaskName(build, id)
    return await runTask(build, opened, id)
  } catch (error) {
    if (!(error instanceof DamagedEntry)) throw error
    build.store.dropDamaged(error)
    throw new PendingError(`task ${id}: ${error.message}; run the tasks of the phases before it first`)
  } finally {
    await opened.close()
    ended()
  }
}
