// The options of a call, and the functions that it is given, checked before anything is begun: unknown names, wrong
// types, ranges. All problems are told at once, as `ERR_BAD_OPTIONS`: an option that is mistyped must not count as left
// out.

import { closestWord } from './closest-word.ts'
import { ClusterError, isClusterError } from './errors.ts'

/** What is wrong with a value that is given, as words to follow its name; undefined: nothing. */
export type OptionCheck = (value: unknown) => string | undefined

/** A check for each option of a call. */
export type OptionChecks<Options> = { readonly [Name in keyof Required<Options>]: OptionCheck }

/** Of every call that waits. `timeoutMs` of `Infinity` is never over; 0, which means that elsewhere, is refused. */
export const waitChecks = {
  signal: (value: unknown) => (value instanceof AbortSignal ? undefined : 'must be an AbortSignal'),
  timeoutMs: aboveZero,
} as const

export function aboveZero(value: unknown): string | undefined {
  if (typeof value === 'number' && value > 0) return undefined
  return `(${String(value)}) must be a number above 0`
}

export function trueOrFalse(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : 'must be true or false'
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? undefined : 'must be a text'
}

export function isFunction(value: unknown): string | undefined {
  return typeof value === 'function' ? undefined : 'must be a function'
}

/** For what is checked where it is used. */
export function anything(): undefined {}

export function oneOf(...values: readonly string[]): OptionCheck {
  const known = values.map((value) => `'${value}'`).join(', ')
  return (value) => (values.includes(value as string) ? undefined : `must be one of ${known}, not '${String(value)}'`)
}

/** The options as they are; `needed` says which must be there. Throws `ERR_BAD_OPTIONS`. */
export function checkedOptions<Options extends object>(
  options: Options,
  checks: Readonly<Record<string, OptionCheck>>,
  needed: readonly (keyof Options & string)[] = [],
): Options {
  const problems = problemsOf(options, checks, needed)
  if (problems.length > 0) throw new ClusterError('ERR_BAD_OPTIONS', problems.join('; '), { problems })
  return options
}

/**
 * For what a call is given beside its options: makes each check, whatever the others say, and then throws all their
 * problems at once, or else the first error of another kind.
 */
export function checkAll(...checks: readonly (() => unknown)[]): void {
  let errors: unknown[] | undefined
  for (const check of checks)
    try {
      check()
    } catch (error) {
      errors ??= []
      errors.push(error)
    }
  // Most calls are right: nothing is made for them.
  if (!errors) return
  const problems = errors.flatMap((error) => (isClusterError(error, 'ERR_BAD_OPTIONS') ? error.details.problems : []))
  if (problems.length > 0) throw new ClusterError('ERR_BAD_OPTIONS', problems.join('; '), { problems })
  throw errors[0]
}

/**
 * Throws `ERR_BAD_OPTIONS` when `given` is no text; `what` says which. For names: what they mean is looked at
 * afterwards.
 */
export function checkText(what: string, given: unknown): void {
  const problems = textProblems(what, given)
  if (problems.length > 0) throw new ClusterError('ERR_BAD_OPTIONS', problems.join('; '), { problems })
}

/** The same as a list, empty for a text. */
export function textProblems(what: string, given: unknown): string[] {
  return typeof given === 'string' ? [] : [`${what} must be a text, not ${given === null ? 'null' : typeof given}`]
}

/** Throws `ERR_BAD_OPTIONS` when `given` is no function; `what` says which. */
export function checkFunction(what: string, given: unknown): void {
  if (typeof given === 'function') return
  const problem = `${what} must be a function`
  throw new ClusterError('ERR_BAD_OPTIONS', problem, { problems: [problem] })
}

/**
 * Everything that is wrong with the options, as sentences; of what is no object, that alone. What is `undefined` counts
 * as left out.
 */
export function problemsOf(
  options: object,
  checks: Readonly<Record<string, OptionCheck>>,
  needed: readonly string[] = [],
): string[] {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    return ['the options must be an object']
  const problems: string[] = []
  const given = options as Readonly<Record<string, unknown>>
  // Every write and read passes here: no lists but that of the names.
  for (const name of Object.keys(options)) {
    const value = given[name]
    if (!Object.hasOwn(checks, name)) problems.push(unknown(name, Object.keys(checks)))
    else if (value !== undefined) {
      const problem = checks[name]!(value)
      if (problem !== undefined) problems.push(`${name} ${problem}`)
    }
  }
  for (const name of needed) if (given[name] === undefined) problems.push(`${name} is missing`)
  return problems
}

function unknown(name: string, known: readonly string[]): string {
  const meant = closestWord(name, known)
  return `unknown option '${name.slice(0, 64)}'${meant === undefined ? '' : `, did you mean '${meant}'?`}`
}
