// Blanks what is not code, so that a rule about code is not fooled by a comment or a string that speaks of it. Good
// enough for this repository's TypeScript: comments, the three kinds of strings, and regular expressions.

interface Span {
  readonly kind: 'comment' | 'string'
  readonly from: number
  readonly to: number
}

/**
 * The text with comments blanked, and with `strings` the contents of strings and regular expressions too. Lines stay.
 */
export function mask(text: string, { strings }: { readonly strings: boolean }): string {
  const parts: string[] = []
  let at = 0
  for (const { kind, from, to } of spans(text)) {
    if (kind === 'string' && !strings) continue
    const quote = kind === 'string' ? 1 : 0
    parts.push(text.slice(at, from + quote), text.slice(from + quote, to - quote).replace(/[^\n]/g, ' '))
    at = to - quote
  }
  parts.push(text.slice(at))
  return parts.join('')
}

/** The first of these that matches at an offset is what stands there. */
const comment = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|^#![^\n]*/y
const quoted = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/y
const regex = /\/(?![/*])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[dgimsuvy]*/y
const plain = /[\w$]+|\s+|[\s\S]/y
const beforeRegex = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|yield|await))$/

function* spans(text: string): Generator<Span> {
  /** Depths of braces inside which a template's `${` waits for its `}`. */
  const templates: number[] = []
  let depth = 0
  let before = ''
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0]
  }
  while (at < text.length) {
    const from = at
    const commented = take(comment)
    if (commented !== undefined) {
      at += commented.length
      yield { kind: 'comment', from, to: at }
      continue
    }
    const literal = take(quoted) ?? (beforeRegex.test(before) ? take(regex) : undefined)
    const closesTemplate = text[at] === '}' && templates.at(-1) === depth
    if (literal !== undefined) {
      at += literal.length
      yield { kind: 'string', from, to: at }
      before = ')'
    } else if (text[at] === '`' || closesTemplate) {
      if (closesTemplate) templates.pop()
      at = templateEnd(text, at + 1)
      if (text[at - 1] === '{') templates.push(depth)
      yield { kind: 'string', from, to: at }
      before = text[at - 1] === '{' ? '{' : ')'
    } else {
      const token = take(plain)!
      at += token.length
      if (token === '{') depth += 1
      if (token === '}') depth -= 1
      if (token.trim() !== '') before = token
    }
  }
}

/** Just past the backtick, or past the `${`, that ends this piece of a template. */
function templateEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at += 1
    else if (text[at] === '`') return at + 1
    else if (text[at] === '$' && text[at + 1] === '{') return at + 2
  }
  return text.length
}
