/** Checks a finished build against its manifest: bytes, rows, accounts, and the ledger against the shards. */
import { openFinished } from '../finished.ts'
import { openTables } from '../sql.ts'
import { accounts, type Check } from './accounts.ts'
import { canonical, card, checksums, rowCounts, strays } from './files.ts'
import { ledgerInputs, ledgerOutcomes, ledgerSteps, shardsInLedger } from './ledger.ts'

/** All checks in order. Those that read the tables are left out where a file is damaged. */
export async function checksOf(dir: string): Promise<Check[]> {
  const finished = openFinished(dir)
  const sums = await checksums(finished)
  const checks = [canonical(finished), sums, strays(finished), card(finished), ...accounts(finished.manifest)]
  if (sums.wrong.length > 0) return checks
  const tables = await openTables(finished)
  try {
    for (const check of [rowCounts, ledgerOutcomes, ledgerSteps, ledgerInputs, shardsInLedger]) checks.push(await check(finished, tables))
    return checks
  } finally {
    tables.close()
  }
}
