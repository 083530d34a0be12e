import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { differenceOf, htmlOf } from '../../pipeline/review/render.ts'

/** The only tags and attributes that a rendered text may hold. */
const TAG = /<(\/?)([a-z0-9]+)([^>]*)>/g
const PLAIN = new Set('p br em strong del s ul ol li blockquote pre code h1 h2 h3 h4 h5 h6 hr table thead tbody tr th td span'.split(' '))
const isMath = (tag: string): boolean => /^(math|semantics|annotation|m[a-z]+)$/.test(tag)
const ATTRIBUTES = /^( (class="(address|link|image|control|language|plain|cut|katex)"|tabindex="0"|start="\d+"))*( \/)?$/

function unsafe(html: string): string[] {
  const outside = html.replace(/<span class="katex">.*?<\/math><\/span>/gs, '')
  const wrong = [...outside.matchAll(TAG)]
    .filter(([, , tag, attributes]) => !PLAIN.has(tag) || !ATTRIBUTES.test(attributes))
    .map(([whole]) => whole)
  const formulas = html.match(/<span class="katex">.*?<\/math><\/span>/gs) ?? []
  for (const formula of formulas)
    for (const [whole, , tag, attributes] of formula.matchAll(TAG))
      if (!(isMath(tag) || tag === 'span') || /\b(on\w+|href|src|style|xlink:\w+|action\w*)\s*=/i.test(attributes)) wrong.push(whole)
  return wrong
}

const piece = fc.oneof(
  fc.constantFrom(
    '<script>x</script>',
    '<img src=x onerror=1>',
    '](javascript:x)',
    '[a',
    '![b](http://c "d")',
    '<http://e>',
    '$',
    '$$',
    '\\(',
    '\\)',
    '\\href{x}{y}',
    '\\frac',
    '{',
    '}',
    '^2',
    '`',
    '```',
    '```html" onload=x\n',
    '|',
    '\n|---|---|\n',
    '\n\n',
    '\n> ',
    '\n- ',
    '\n1. ',
    '\n99999999999. ',
    '# ',
    '&lt;',
    '&#x3c;',
    '"',
    "'",
    '>',
    '<',
    '<!--',
    ']]>',
    '<svg/onload=1>',
    '\u202e',
    '\u0000',
    '⟦U+202E⟧',
    '\\style{x}',
    '\\htmlClass{a}{b}',
    '\\includegraphics{x}',
    '\\color{red}',
    '\\text{<b onclick=x>}',
    '\\class',
    '\\unicode{x}',
    '\\verb|<a>|',
  ),
  fc.string({ maxLength: 6 }),
)

describe('a text of a model', () => {
  it('becomes HTML of harmless tags alone, whatever it holds', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 25 }), pieces => {
        expect(unsafe(htmlOf(pieces.join('')))).toEqual([])
      }),
      { seed: 42, numRuns: 1500 },
    )
  })

  it('shows Markdown, code with its language, tables, formulas', () => {
    expect(htmlOf('**a** `b`\n\n```js\n1 < 2\n```')).toBe(
      '<p><strong>a</strong> <code>b</code></p>\n<pre tabindex="0"><span class="language">js</span><code>1 &lt; 2\n</code></pre>\n',
    )
    expect(htmlOf('$x^2$ and \\(y\\)').match(/<math /g)).toHaveLength(2)
    expect(htmlOf('$$\\frac{1}{2}$$')).toContain('display="block"')
    expect(htmlOf('3. c\n4. d')).toContain('<ol start="3">')
  })

  it('takes prices for prices, and shows a formula that does not parse as it was written', () => {
    expect(htmlOf('from $5 to $10, or $ 3 $')).toBe('<p>from $5 to $10, or $ 3 $</p>\n')
    expect(htmlOf('$\\frac{$')).not.toContain('<math')
    expect(htmlOf('$\\bad{x}$')).toBe('<p><code>\\bad{x}</code></p>\n')
    expect(htmlOf('$\\href{javascript:1}{x}$')).toBe('<p><code>\\href{javascript:1}{x}</code></p>\n')
  })

  it('shows where a link leads, and leads nowhere', () => {
    expect(htmlOf('[bank](https://evil.invalid/<b>)')).toBe(
      '<p><span class="link"><span class="address">https://evil.invalid/%3Cb%3E</span> bank</span></p>\n',
    )
  })

  it('makes marks of direction visible, in texts and in comparisons', () => {
    expect(htmlOf('a\u202eb')).toContain('<span class="control">U+202E</span>')
    expect(differenceOf('one two \u202e three', 'one two three')!.left).toContain('<span class="control">U+202E</span>')
  })

  it('is cut where it is endless, and rendered in time whatever it repeats', () => {
    expect(htmlOf('x'.repeat(1_000_000))).toContain('700000 more characters are not shown.')
    for (const part of [
      '[',
      '![',
      '*a ',
      '> ',
      '`',
      '``` ',
      '- ',
      '$',
      '\\(',
      '<',
      '**',
      '_a',
      '|a',
      '&',
      '[a](',
      '\n# ',
      '~~',
      '$a$ ',
      '![a][b]',
      '1. ',
    ]) {
      const begun = process.cpuUsage()
      htmlOf(part.repeat(40_000 / part.length))
      const { user } = process.cpuUsage(begun)
      expect(user / 1000, part).toBeLessThan(1500)
    }
  })
})

describe('a comparison', () => {
  it('marks what only one side has, and is not offered for other texts', () => {
    expect(differenceOf('the red <b> house', 'the blue <b> house')).toEqual({
      left: '<pre class="plain">the <del>red</del> &lt;b&gt; house</pre>',
      right: '<pre class="plain">the <ins>blue</ins> &lt;b&gt; house</pre>',
    })
    expect(differenceOf('completely different words here', 'nothing in common at all, sorry')).toBeUndefined()
    expect(differenceOf('x '.repeat(20_000), 'x '.repeat(20_000))).toBeUndefined()
  })
})
