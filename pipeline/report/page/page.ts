/** report.html: one file without scripts, whatever texts the data hold. */
import type { Report } from '../report-schema.ts'
import { corpusSection, runSection } from './corpus.ts'
import { contaminationSection, duplicatesSection } from './duplicates.ts'
import { html, trusted } from './html.ts'
import { PATTERNS, STYLE } from './look.ts'
import { decisionsSection, modelsSection } from './models.ts'
import { funnelSection, headline, warnings } from './overview.ts'
import type { Section } from './parts.ts'
import { peopleSection } from './people.ts'
import { styleSection } from './style.ts'

/** Nothing may be loaded or run; style comes with the page. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

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
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${report.name} · goldpan report</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
${trusted(PATTERNS)}
<div class="top">${headline(report)}
<nav aria-label="Sections">${sections.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</nav></div>
<main>${sections.map(({ id, title, body }) => html`<section id="${id}"><h2>${title}</h2>${body}</section>`)}</main>
<footer><p>Every number of this page is in <code>report.json</code>; <code>manifest.json</code> has the config and the checksums. Plan <code>${report.plan_key}</code>.</p></footer>
</body>
</html>
`.markup
}
