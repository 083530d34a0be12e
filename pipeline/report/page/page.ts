/** report.html of a finished build. */
import type { Report } from '../report-schema.ts'
import { contaminationSection } from './contamination.ts'
import { corpusSection } from './corpus.ts'
import { duplicatesSection } from './duplicates.ts'
import { html } from './html.ts'
import { decisionsSection, modelsSection } from './models.ts'
import { funnelSection, headline, warnings } from './overview.ts'
import type { Section } from './parts.ts'
import { peopleSection } from './people.ts'
import { runSection } from './run.ts'
import { pageIn } from './shell.ts'
import { styleSection } from './style.ts'

/** A function of the report alone. */
export function pageOf(report: Report): string {
  const sections = [
    warnings(report),
    funnelSection(report),
    duplicatesSection(report),
    contaminationSection(report),
    styleSection(report),
    modelsSection(report),
    decisionsSection(report),
    peopleSection(report),
    corpusSection(report),
    runSection(report),
  ].filter((section): section is Section => section !== undefined)
  return pageIn({
    title: `${report.name} · goldpan report`,
    head: headline(report),
    sections,
    foot: html`Every number of this page is in <code>report.json</code>; <code>manifest.json</code> has the config and the checksums. Plan <code>${report.plan_key}</code>.`,
  })
}
