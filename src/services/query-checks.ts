// What users ask of services, checked before anything is done: all problems at once, as `ERR_BAD_OPTIONS`.

import validRange from 'semver/ranges/valid.js'
import { checkedOptions, checkText } from '../call-options.ts'
import type { Recipient } from '../channels/channel.ts'
import { ClusterError } from '../errors.ts'
import type { ServiceContract } from './contract.ts'
import type { Asked } from './service-call.ts'
import { callChecks, queryChecks, targetChecks } from './service-checks.ts'
import type { ServiceQuery } from './service-interface.ts'

export function checkedQuery(query: string | ServiceQuery): ServiceQuery {
  const checked = checkedOptions(typeof query === 'string' ? { name: query } : query, queryChecks)
  refuse(rangeProblems(checked.version))
  return checked
}

export function checkedCall(asked: Asked): Asked {
  const { version, hedgeMs, idempotent } = checkedOptions(asked.options, callChecks)
  const problems = rangeProblems(version)
  if (hedgeMs !== undefined && idempotent !== true) problems.push('services: hedgeMs is for idempotent calls only')
  refuse(problems)
  return asked
}

/** Whom a message for a service is sent to. */
export function checkedTarget(to: Exclude<Recipient, string>): Exclude<Recipient, string> {
  refuse(rangeProblems(checkedOptions(to, targetChecks, ['service']).version))
  return to
}

/** Options whose names are checked with what they say. */
export function checkedObject<Options extends object>(options: Options): Options {
  if (typeof options !== 'object' || options === null) refuse(['services: the options must be an object'])
  return options
}

/** Throws `ERR_BAD_OPTIONS` for what is no name. */
export function checkCalled(name: unknown, method: unknown): void {
  checkText('the name of a service', name)
  checkText('the method', method)
}

/** Throws `ERR_BAD_OPTIONS` for what is neither a name nor a contract. */
export function checkedContract(contract: ServiceContract): ServiceContract {
  const { name, methods } = Object(contract) as Partial<ServiceContract>
  if (typeof name === 'string' && typeof methods === 'object' && methods !== null) return contract
  refuse(['services: a service is named by a text, or described by a contract'])
  return contract
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
