/** How the page looks: light, dark, on a phone and on paper. One style sheet, no script. */
export const STYLE = `
:root {
  --ground: #f4f2ee; --card: #fff; --ink: #24211d; --soft: #6a645b; --line: #e3ded5; --main: #8f6410; --on-main: #fff; --accent-ground: #fdf3dd; --warn: #9b1c1c; --warn-ground: #fdeeec;
  color-scheme: light dark;
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root { --ground: #171614; --card: #211f1c; --ink: #ece8e1; --soft: #aca59a; --line: #3a3631; --main: #e3b04b; --on-main: #171614; --accent-ground: #372b14; --warn: #ff9d94; --warn-ground: #3b1f1c; }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink); }
main, .top { max-width: 980px; margin: 0 auto; padding: 0 24px; }
.top { padding-top: 40px; }
h1 { font-size: 34px; line-height: 1.15; margin: 2px 0 4px; letter-spacing: -0.015em; font-weight: 680; overflow-wrap: anywhere; }
h2 { font-size: 21px; margin: 0 0 14px; letter-spacing: -0.01em; font-weight: 660; }
h3 { font-size: 16px; margin: 26px 0 2px; font-weight: 640; }
h4 { font-size: 13px; margin: 0 0 4px; font-weight: 600; color: var(--soft); overflow-wrap: anywhere; }
p { margin: 0 0 10px; max-width: 70ch; }
.soft, figcaption p { color: var(--soft); font-size: 14px; }
.brand { margin: 0; font-size: 12px; letter-spacing: 0.09em; text-transform: uppercase; color: var(--main); font-weight: 650; }
.tiles { display: grid; grid-template-columns: repeat(6, 1fr); margin: 26px 0 0; border: 1px solid var(--line); border-radius: 14px; background: var(--card); overflow: hidden; }
.tiles div { padding: 14px 16px 12px; box-shadow: 1px 1px 0 var(--line); }
.tiles dt { font-size: 13px; color: var(--soft); }
.tiles dd { margin: 0; font-size: 25px; line-height: 1.25; font-weight: 640; font-variant-numeric: tabular-nums; letter-spacing: -0.02em; }
.tiles dd.soft { font-size: 12.5px; font-weight: 400; letter-spacing: 0; line-height: 1.4; }
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 18px 0 4px; font-size: 14px; }
nav a { color: var(--ink); text-decoration-color: var(--line); text-underline-offset: 4px; }
nav a:hover { text-decoration-color: var(--main); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 22px 26px 24px; margin: 18px 0; }
section > :last-child { margin-bottom: 0; }
figure { margin: 0 0 30px; }
figcaption h3 { margin-top: 4px; }
figcaption p { margin: 0 0 8px; }
svg.plot { display: block; max-width: 100%; height: auto; overflow: visible; color: var(--ink); font-family: inherit; }
svg.plot text { white-space: pre; }
.wide { overflow-x: auto; }
.narrow { display: none; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 14px 18px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; padding: 0; margin: 4px 0 10px; list-style: none; font-size: 13px; color: var(--soft); }
.legend li { display: flex; align-items: center; gap: 7px; }
.ring, .dot { width: 10px; height: 10px; border-radius: 50%; border: 1.5px solid var(--ink); display: inline-block; }
.dot { background: var(--main); border-color: var(--main); }
details { margin: 6px 0; font-size: 14px; }
summary { cursor: pointer; color: var(--soft); padding: 3px 0; }
summary:hover { color: var(--ink); }
details details { margin: 0; }
summary b, summary .excerpt { color: var(--ink); }
.excerpt { unicode-bidi: isolate; overflow-wrap: anywhere; }
.count { display: inline-block; min-width: 3.2ch; text-align: right; font-variant-numeric: tabular-nums; color: var(--main); font-weight: 650; }
blockquote { margin: 8px 0; padding: 10px 14px; border-inline-start: 3px solid var(--main); background: var(--ground); border-radius: 0 8px 8px 0; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; max-height: 16em; overflow-y: auto; }
.scroll { overflow-x: auto; margin: 6px 0 12px; }
table { border-collapse: collapse; font-size: 13.5px; min-width: 40%; }
th { text-align: start; font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--ink); padding: 4px 18px 4px 0; white-space: nowrap; vertical-align: bottom; }
td { border-bottom: 1px solid var(--line); padding: 4px 18px 4px 0; vertical-align: top; overflow-wrap: anywhere; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code { font: 0.88em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono CJK SC", monospace; background: var(--ground); border-radius: 4px; padding: 1px 5px; overflow-wrap: anywhere; }
.warnings { list-style: none; padding: 0; margin: 0; }
.warnings li { padding: 8px 14px; margin: 6px 0; border-inline-start: 4px solid var(--line); background: var(--ground); border-radius: 0 9px 9px 0; font-size: 15px; overflow-wrap: anywhere; }
.warnings li.problem { border-color: var(--warn); background: var(--warn-ground); }
.warnings b { font-weight: 640; margin-inline-end: 6px; }
.warnings code { background: none; padding: 0; color: var(--soft); font-size: 12.5px; }
.plain { list-style: none; padding: 0; margin: 6px 0; font-size: 13px; }
.plain li { padding: 2px 0; }
.facts { display: flex; flex-wrap: wrap; gap: 8px 34px; margin: 0 0 18px; }
.facts dt { font-size: 13px; color: var(--soft); }
.facts dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; }
footer { max-width: 980px; margin: 0 auto; padding: 6px 24px 40px; color: var(--soft); font-size: 13px; }
footer p { max-width: none; }
:focus-visible { outline: 3px solid var(--main); outline-offset: 2px; border-radius: 4px; }
@media (max-width: 900px) { .tiles { grid-template-columns: repeat(3, 1fr); } }
@media (max-width: 640px) {
  main, .top, footer { padding-inline: 12px; }
  .top { padding-top: 22px; }
  h1 { font-size: 27px; }
  .tiles { grid-template-columns: repeat(2, 1fr); }
  .tiles dd { font-size: 22px; }
  section { padding: 16px 14px 18px; border-radius: 12px; margin: 12px 0; }
  .wide { display: none; }
  .narrow { display: block; }
  td, th { padding-inline-end: 12px; }
}
@media print {
  :root { --ground: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #ccc; --main: #444; --on-main: #fff; --warn: #000; --warn-ground: #fff; font-size: 12px; }
  nav { display: none; }
  #look details::details-content { content-visibility: visible; }
  section { border: 0; padding: 0; }
  figure, blockquote, .warnings li, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .wide { display: block; }
  .narrow { display: none; }
}
`

/** The patterns of outcomes, told apart without colour. */
export const PATTERNS = `<svg width="0" height="0" aria-hidden="true" style="position:absolute"><defs>
<pattern id="flip" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="var(--card)"/><rect width="3" height="6" fill="var(--main)"/></pattern>
<pattern id="review" width="5" height="5" patternUnits="userSpaceOnUse"><rect width="5" height="5" fill="var(--card)"/><path d="M0 1H5M1 0V5" stroke="var(--soft)" stroke-width="1"/></pattern>
<pattern id="quarantine" width="5" height="5" patternUnits="userSpaceOnUse"><rect width="5" height="5" fill="var(--card)"/><circle cx="2.5" cy="2.5" r="1.7" fill="var(--warn)"/></pattern>
<pattern id="drop" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><rect width="5" height="5" fill="var(--card)"/><rect width="1.2" height="5" fill="var(--soft)"/></pattern>
</defs></svg>`
