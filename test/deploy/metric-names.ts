// The metrics that a PromQL expression reads, and the labels that it matches them by, found by the parser of
// Prometheus' own editor.

import { parser } from '@prometheus-io/lezer-promql'

export interface Reading {
  readonly metric: string
  /** Labels that it is matched by. */
  readonly labels: readonly string[]
}

/** Throws `SyntaxError` when the expression is no PromQL. */
export function readings(expression: string): Reading[] {
  // What dashboards put in for a name or a time is no PromQL: a word of the same length stands for it.
  const plain = expression.replace(/\$__(\w+)/g, (text) => `${'1'.repeat(text.length - 1)}s`)
  const found: { metric: string; labels: string[] }[] = []
  parser.parse(plain).iterate({
    enter: ({ type, name, from, to }) => {
      const text = plain.slice(from, to)
      if (type.isError) throw new SyntaxError(`no PromQL at ${from}: ${expression}`)
      if (name === 'VectorSelector') found.push({ metric: '', labels: [] })
      const selector = found.at(-1)
      if (name === 'Identifier' && selector?.metric === '') selector.metric = text
      if (name === 'UnquotedLabelMatcher') selector?.labels.push(/^\s*(\w+)/.exec(text)?.[1] ?? '')
    },
  })
  return found
}
