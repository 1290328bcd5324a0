// Values as JSON, wherever users' values are sent or kept. `JSON.stringify` alone turns what it cannot say into `null`,
// `{}` or nothing, so that something else arrives than was sent: that is refused here.

import { ClusterError } from './errors.ts'

/** As {@link sayable}, for what a caller gives: throws `ERR_BAD_OPTIONS`; `what` names the value. */
export function jsonText(value: unknown, what: string): string {
  try {
    return sayable(value)
  } catch (cause) {
    const problem = `${what} is no JSON value: ${reasonOf(cause)}`
    throw new ClusterError('ERR_BAD_OPTIONS', problem, { problems: [problem] }, { cause })
  }
}

/**
 * The JSON text of a value; a field that is `undefined` counts as left out. Throws a TypeError for what JSON cannot
 * say, at any depth: NaN, infinities, `undefined` in a list, BigInt, functions, symbols, maps, sets, bytes, cycles.
 */
export function sayable(value: unknown): string {
  // First, for it ends at cycles, and at what is too deep for either.
  const text = JSON.stringify(value)
  const problem = unsayable(value)
  if (problem !== undefined) throw new TypeError(`it${problem}`)
  return text
}

/**
 * What is wrong, after the place where it is; undefined: nothing. `mayTell`: what it says of itself (`toJSON`) counts
 * in its place, which JSON asks once.
 */
function unsayable(value: unknown, mayTell = true): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'number':
      return Number.isFinite(value) ? undefined : ` is ${value}`
    case 'object':
      return value === null ? undefined : unsayableInside(value, mayTell)
    default:
      return ` is of type ${typeof value}`
  }
}

function unsayableInside(value: object, mayTell: boolean): string | undefined {
  if (mayTell && 'toJSON' in value && typeof value.toJSON === 'function') return unsayable(value.toJSON(''), false)
  if (Array.isArray(value)) {
    // By index: a list with holes is no list of values.
    for (let index = 0; index < value.length; index++) {
      const problem = unsayable(value[index])
      if (problem !== undefined) return `[${index}]${problem}`
    }
    return undefined
  }
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return ' is bytes'
  if (value instanceof Map || value instanceof Set) return ` is a ${value instanceof Map ? 'Map' : 'Set'}`
  for (const name of Object.keys(value)) {
    const field = (value as Record<string, unknown>)[name]
    const problem = field === undefined ? undefined : unsayable(field)
    if (problem !== undefined) return `.${name.slice(0, 64)}${problem}`
  }
  return undefined
}

/** A value may throw anything when it is asked. */
function reasonOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message.split('\n', 1)[0]!.slice(0, 200) : String(thrown).slice(0, 200)
  } catch {
    return 'it cannot be said why'
  }
}
