// Numbers that overlays may be tuned by: each has a kind and a range, and whoever breaks a rule is told with the value.

/** Name, kind, least and most of one number. */
export type NumberRule<Options> = readonly [keyof Options & string, 'whole' | 'real', number, number]

/**
 * Every broken rule, as `owner.name (value) must …`. Given `defaults`, names that they do not have are problems, and
 * missing ones none.
 */
export function numberProblems<Options extends object>(
  owner: string,
  rules: readonly NumberRule<Options>[],
  options: object,
  defaults?: Options,
): string[] {
  const known = new Set<string>(rules.map(([name]) => name))
  const found = Object.keys(options)
    .filter((name) => !known.has(name))
    .map((name) => `${owner}.${name} is not an option`)
  const values = new Map<string, unknown>(Object.entries({ ...defaults, ...options }))
  for (const [name, kind, least, most] of rules) {
    const value = values.get(name)
    if (typeof value !== 'number' || (kind === 'whole' && !Number.isInteger(value)))
      found.push(`${owner}.${name} (${String(value)}) must be a ${kind === 'whole' ? 'whole ' : ''}number`)
    else if (!(value >= least && value <= most))
      found.push(`${owner}.${name} (${value}) must be from ${least} to ${most}`)
  }
  return found
}
