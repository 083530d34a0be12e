/** What annotators are told where the project brings no guideline of its own. */
export const GUIDELINE = `# Which response is better?

Read the prompt, then both responses. Judge what the person who wrote the prompt would want.

1. **Correct first.** A right answer beats a wrong one, however well the wrong one is written.
2. **Then helpful.** It does what was asked, all of it, and nothing that was asked not to be done.
3. **Then clear.** Well ordered, no padding. Length and formatting are no merits by themselves.
4. **Safe.** A refusal is better than harm; an answer is better than a needless refusal.

- *Tie*: both are good, and you would be glad to get either.
- *Both bad*: neither should be shown to anybody as a good answer.
- *Cannot tell*: you lack the knowledge, or the prompt makes no sense. Say so rather than guess.

The sides are shuffled. Some pairs come twice, with their sides exchanged.
`

/** What annotators of another tool are told of flags of contamination. */
export const FLAG_GUIDELINE = `# Does the text hold the benchmark item?

Read what the benchmark says and the text beside it.

- *Yes*: whoever reads the text knows the item, or all of it that matters. Other case, typography or words around it change nothing.
- *No*: they share a common phrase, a template or a quotation, and the item itself is not there.
- *Cannot tell*: say so rather than guess.
`
