/** Items of a benchmark as they turn up in training data: what decontamination must find, in tests and in `make bench`. */

const CURLY = { '"': '”', "'": '’', '-': '—', ' ': '\u00a0', '...': '…' }

/** The same text under another look, by name. */
export const variants = {
  'as it is': t => t,
  'in upper case': t => t.toUpperCase(),
  'in lower case': t => t.toLowerCase(),
  'without punctuation': t => t.replace(/[^\p{L}\p{M}\p{N}\s]/gu, ' '),
  'with other punctuation': t => `${t.replace(/[.?!。？]/g, ' ...').replace(/,/g, ' ;')} !!`,
  'with other white space': t => `\n\t${t.replace(/ /g, ' \n ')}\r\n`,
  'with typographic signs': t => Object.entries(CURLY).reduce((s, [plain, fancy]) => s.replaceAll(plain, fancy), t),
  'with plain signs': t => t.replace(/[“”]/g, '"').replace(/[‘’]/g, "'").replace(/[–—]/g, '-'),
  'in Unicode NFD': t => t.normalize('NFD'),
  'in bold': t => `**${t}**`,
  'with every word in bold': t => t.replace(/[\p{L}\p{M}\p{N}]+/gu, '**$&**'),
  'with underscores': t => t.replace(/(?<![\p{L}\p{M}\p{N}_])[\p{Script=Latin}\p{N}]{4,}(?![\p{L}\p{M}\p{N}_])/gu, '_$&_'),
  'as a heading': t => `# ${t}`,
  'as a quotation': t => t.replace(/^/gm, '> '),
  'as a list item': t => `- *${t}*`,
  'in a code block': t => `\`\`\`\n${t}\n\`\`\``,
}

/** Inside a longer prompt. */
export const wraps = {
  'in a sentence of its own': t => `Hello there. ${t}\n\nPlease think before you answer, and keep it short.`,
  'between others': t => `I have two questions for you.\n1. ${t}\n2. And what would your mother say to that?`,
  'in quotation marks': t => `My teacher wants me to answer "${t}" by tomorrow. Help me.`,
}

/** Items that say too little to be found in a longer prompt: only a turn that says nothing else holds them. */
export const bare = ['Yes', 'What is it?', '你是谁？']
