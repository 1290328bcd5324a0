// What users ask of services, checked before anything is done: all problems at once, as `ERR_BAD_OPTIONS`.

import validRange from 'semver/ranges/valid.js'
import { ClusterError } from '../errors.ts'
import type { Asked } from './service-call.ts'
import type { ServiceQuery } from './service-interface.ts'

export function checkedQuery(query: string | ServiceQuery): ServiceQuery {
  const checked = typeof query === 'string' ? { name: query } : query
  refuse(rangeProblems(checked.version))
  return checked
}

export function checkedCall(asked: Asked): Asked {
  const { version, deadlineMs = 1, timeoutMs = 1, hedgeMs, idempotent, signal } = asked.options
  const problems = rangeProblems(version)
  // It travels: as JSON, which knows no infinity.
  if (!(Number.isFinite(deadlineMs) && deadlineMs > 0))
    problems.push(`services: deadlineMs (${String(deadlineMs)}) must be a number of milliseconds above 0`)
  if (!(typeof timeoutMs === 'number' && timeoutMs > 0))
    problems.push(`services: timeoutMs (${String(timeoutMs)}) must be a number of milliseconds above 0`)
  if (signal !== undefined && !(signal instanceof AbortSignal)) problems.push('services: signal must be an AbortSignal')
  if (hedgeMs !== undefined && !(typeof hedgeMs === 'number' && hedgeMs >= 1))
    problems.push(`services: hedgeMs (${String(hedgeMs)}) must be at least 1`)
  if (hedgeMs !== undefined && idempotent !== true) problems.push('services: hedgeMs is for idempotent calls only')
  refuse(problems)
  return asked
}

export function checkHandlers(name: string, handlers: unknown): void {
  const areFunctions = (each: object): boolean => Object.values(each).every((handler) => typeof handler === 'function')
  if (typeof handlers === 'object' && handlers !== null && areFunctions(handlers)) return
  refuse([`services: the handlers of '${name}' must be functions by method`])
}

function rangeProblems(version: string | undefined): string[] {
  if (version === undefined || validRange(version) !== null) return []
  return [`services: version (${JSON.stringify(version)}) must be a range such as ^2.1.0`]
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new ClusterError('ERR_BAD_OPTIONS', problems.join('; '), { problems })
}
