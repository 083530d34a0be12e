/** Checks a finished build against its manifest: bytes, rows, accounts, and the ledger against the shards. */
import { type Finished, openFinished } from '../finished.ts'
import { openTables } from '../sql.ts'
import { accounts, type Check } from './accounts.ts'
import { canonical, card, checksums, rowCounts, seals, strays } from './files.ts'
import { ledgerInputs, ledgerOrder, ledgerOutcomes, ledgerSteps, shardsInLedger } from './ledger.ts'
import { schemas } from './schema.ts'

/** What needs no look into the tables: finds any flipped bit. */
export async function fileChecks(finished: Finished): Promise<Check[]> {
  return [seals(finished), canonical(finished), await checksums(finished), strays(finished), card(finished), ...accounts(finished.manifest)]
}

/** All checks in order. Those that read the tables are left out where a file of theirs is damaged. */
export async function checksOf(dir: string): Promise<Check[]> {
  const finished = openFinished(dir)
  const checks = await fileChecks(finished)
  if (checks.some(({ name, wrong }) => name === 'checksums' && wrong.length > 0)) return checks
  const tables = await openTables(finished)
  try {
    for (const check of [rowCounts, schemas, ledgerOrder, ledgerOutcomes, ledgerSteps, ledgerInputs, shardsInLedger])
      checks.push(await check(finished, tables))
    return checks
  } finally {
    tables.close()
  }
}
