/** A page of sections: one file without scripts, whatever texts the data hold. */
import { html, type Markup, type Part, trusted } from './html.ts'
import { PATTERNS, STYLE } from './look.ts'
import type { Section } from './parts.ts'

/** Nothing may be loaded or run; style comes with the page. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

export interface Shell {
  readonly title: string
  /** Above the sections. */
  readonly head: Markup
  readonly sections: readonly Section[]
  readonly foot: Part
}

export const pageIn = ({ title, head, sections, foot }: Shell): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
${trusted(PATTERNS)}
<div class="top">${head}
<nav aria-label="Sections">${sections.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</nav></div>
<main>${sections.map(({ id, title, body }) => html`<section id="${id}"><h2>${title}</h2>${body}</section>`)}</main>
<footer><p>${foot}</p></footer>
</body>
</html>
`.markup
