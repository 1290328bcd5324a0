// The numbers that forming may be tuned by: unit, default, range, and what goes wrong at both ends.

/** What forming may be tuned by. */
export interface FormingOptions {
  /**
   * Milliseconds for which all of a set must have named the same set before it is decided. Default 50 (a guess:
   * several round trips). Range 0 to 60,000. Short: sets are decided while members are still arriving, and renounced.
   * Long: a slower start.
   */
  readonly stableMs: number
  /**
   * Milliseconds between repetitions of what this node has to say while forming; in proportion longer from five
   * founders on. Default 100. Range: above 0. Short: traffic. Long: a lost message costs as much.
   */
  readonly candidateIntervalMs: number
  /**
   * Milliseconds a set may stay without all confirmations before this node renounces it. Default 5000. Range: above
   * stableMs and candidateIntervalMs. Short: slow disks renounce for nothing. Long: a founder that crashed holds up the
   * others as long.
   */
  readonly formTimeoutMs: number
  /**
   * Fresh nodes that are taken note of; more change nothing. Default 1024, the bound of the wire format. Range `expect`
   * to 1,024. Few: lower ids that come late are not seen.
   */
  readonly maxFound: number
}

const defaults: FormingOptions = { stableMs: 50, candidateIntervalMs: 100, formTimeoutMs: 5_000, maxFound: 1_024 }

/** Every broken rule, with both values; empty when all hold. */
export function formingProblems(options: FormingOptions): string[] {
  const found: string[] = []
  const rule = (holds: boolean, name: keyof FormingOptions, text: string): void => {
    if (!holds) found.push(`forming.${name} (${options[name]}) ${text}`)
  }
  const { stableMs, candidateIntervalMs, formTimeoutMs, maxFound } = options
  rule(stableMs >= 0 && stableMs <= 60_000, 'stableMs', 'must be from 0 to 60000')
  rule(candidateIntervalMs >= 1 && candidateIntervalMs <= 60_000, 'candidateIntervalMs', 'must be from 1 to 60000')
  rule(formTimeoutMs > stableMs, 'formTimeoutMs', `must exceed forming.stableMs (${stableMs})`)
  rule(
    formTimeoutMs > candidateIntervalMs,
    'formTimeoutMs',
    `must exceed forming.candidateIntervalMs (${candidateIntervalMs})`,
  )
  rule(formTimeoutMs <= 3_600_000, 'formTimeoutMs', 'must be at most 3600000')
  rule(
    Number.isInteger(maxFound) && maxFound >= 1 && maxFound <= 1_024,
    'maxFound',
    'must be a whole number from 1 to 1024',
  )
  return found
}

/**
 * The defaults with `changes` laid over them, frozen. Throws one `RangeError` that lists every unknown key and every
 * broken rule.
 */
export function resolveFormingOptions(changes: Partial<FormingOptions> = {}): FormingOptions {
  const unknown = Object.keys(changes).filter((key) => !Object.hasOwn(defaults, key))
  const options: FormingOptions = { ...defaults, ...changes }
  const found = [...unknown.map((key) => `forming.${key} is not an option`), ...formingProblems(options)]
  if (found.length > 0) throw new RangeError(found.join('; '))
  return Object.freeze(options)
}
