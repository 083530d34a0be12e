/** Puts the page's files beside its compiled script. */
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

const to = join(import.meta.dirname, '../../../dist/pipeline/review/page')
mkdirSync(to, { recursive: true })
for (const file of ['index.html', 'app.css']) copyFileSync(join(import.meta.dirname, file), join(to, file))
