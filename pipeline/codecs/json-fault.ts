/** Says where and how a text is not JSON, in the same words on every version of Node. */
import { cut } from './row-source.ts'

const TOKEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them inside strings
  /[ \t\r\n]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))/y
const WORD = /[ \t\r\n]*(-?\w+|"?.?)/suy

type Expects = 'a value' | 'a value or ]' | 'a key or }' | 'a key' | ':' | ', or }' | ', or ]' | 'the end'

/** `expected a value, got NaN at character 12` (counted from 0). */
export function jsonFault(text: string): string {
  const open: string[] = []
  let expects: Expects = 'a value'
  for (let at = 0; ; ) {
    TOKEN.lastIndex = at
    const token: RegExpExecArray | null = TOKEN.exec(text)
    const next: Expects | undefined | null = token && after(expects, open, token[1] ?? (token[2] === undefined ? 'scalar' : 'string'))
    if (!next) return fault(text, at, expects)
    expects = next
    at = TOKEN.lastIndex
    if (expects === 'the end' && text.slice(at).trim() === '') return 'expected JSON, got a text that is none'
  }
}

function fault(text: string, at: number, expects: Expects): string {
  WORD.lastIndex = at
  const [whole, word] = WORD.exec(text) ?? ['', '']
  const place = at + whole.length - word.length
  return `expected ${expects}, got ${word === '' ? 'the end of the row' : cut(word, 20)} at character ${place}`
}

/** What may follow a token; undefined if it may not stand here. `open` holds the brackets around it. */
function after(expects: Expects, open: string[], token: string): Expects | undefined {
  const value = expects === 'a value' || expects === 'a value or ]'
  if ((token === 'scalar' || token === 'string') && value) return behind(open)
  if (token === 'string' && (expects === 'a key' || expects === 'a key or }')) return ':'
  if ((token === '{' || token === '[') && value) {
    open.push(token)
    return token === '{' ? 'a key or }' : 'a value or ]'
  }
  if (token === ':' && expects === ':') return 'a value'
  if (token === ',' && expects === ', or }') return 'a key'
  if (token === ',' && expects === ', or ]') return 'a value'
  if (
    (token === '}' && (expects === 'a key or }' || expects === ', or }')) ||
    (token === ']' && (expects === 'a value or ]' || expects === ', or ]'))
  ) {
    open.pop()
    return behind(open)
  }
  return undefined
}

const behind = (open: readonly string[]): Expects => (open.length === 0 ? 'the end' : open[open.length - 1] === '{' ? ', or }' : ', or ]')
