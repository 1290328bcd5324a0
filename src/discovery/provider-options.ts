// What providers of peers are made with, checked when they are made: all problems at once, as `ERR_BAD_OPTIONS`. Many
// programs that make one have no types.

import { type OptionCheck, type OptionChecks, problemsOf } from '../call-options.ts'
import { ClusterError } from '../errors.ts'
import { show } from '../option-checks.ts'

/**
 * `given` over `defaults`; what is undefined counts as left out. `make`: what they are given to. Throws
 * `ERR_BAD_OPTIONS`.
 */
export function providerOptions<Options extends object, Defaults>(
  make: string,
  given: Options,
  checks: OptionChecks<Options>,
  defaults: Defaults,
  needed: readonly (keyof Options & string)[] = [],
): Options & Defaults {
  refuse(make, problemsOf(given, checks, needed))
  const said = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...defaults, ...(Object.fromEntries(said) as Options) }
}

/** Throws `ERR_BAD_OPTIONS` when there are problems. */
export function refuse(make: string, found: readonly string[]): void {
  if (found.length > 0) throw refusal(make, found)
}

/** The error of it. */
export function refusal(make: string, found: readonly string[]): ClusterError {
  const problems = found.map((problem) => `${make}: ${problem}`)
  return new ClusterError('ERR_BAD_OPTIONS', problems.join('; '), { problems })
}

/** A check that shows the value. */
export function shown(isRight: (value: unknown) => boolean, must: string): OptionCheck {
  return (value) => (isRight(value) ? undefined : `(${show(value)}) must be ${must}`)
}

export function numberFrom(least: number, most: number): OptionCheck {
  const isBetween = (value: unknown): boolean => typeof value === 'number' && value >= least && value <= most
  return shown(isBetween, `a number from ${least} to ${most}`)
}
