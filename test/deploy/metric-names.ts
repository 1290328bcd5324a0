// The metrics that a PromQL expression reads, found without a parser of the whole language: what is left when strings, label
// matchers, groupings and durations are gone, and is neither a function nor a keyword.

const keywords = new Set(['and', 'or', 'unless', 'bool', 'offset', 'ignoring', 'on', 'by', 'without', 'inf', 'nan'])

export interface Reading {
  readonly metric: string
  /** Labels that it is matched by. */
  readonly labels: readonly string[]
}

export function readings(expression: string): Reading[] {
  const plain = expression
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ')
  return [...plain.matchAll(/(?<![\w:.{,=~"])([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?(?!\s*\()(?![\w:])/g)]
    .filter(([, name]) => !keywords.has(name!.toLowerCase()))
    .map(([, metric, matchers = '']) => ({
      metric: metric!,
      labels: [...matchers.matchAll(/(\w+)\s*(?:=|!)/g)].map((match) => match[1]!),
    }))
}
