// What users ask of services, checked before anything is done: all problems at once, as `ERR_BAD_OPTIONS`.

import validRange from 'semver/ranges/valid.js'
import {
  aboveZero,
  anything,
  checkedOptions,
  checkText,
  type OptionChecks,
  oneOf,
  text,
  trueOrFalse,
  waitChecks,
} from '../call-options.ts'
import type { Recipient } from '../channels/channel.ts'
import { ClusterError } from '../errors.ts'
import type { ServiceContract } from './contract.ts'
import type { Asked } from './service-call.ts'
import type { BalanceStrategy, ServiceCallOptions, ServiceQuery } from './service-interface.ts'

const queryChecks: OptionChecks<ServiceQuery> = {
  name: text,
  namespace: text,
  capabilities: (value) => (Array.isArray(value) ? undefined : 'must be a list'),
  // A range is looked at below.
  version: anything,
  zone: text,
  health: oneOf('passing', 'degraded', 'critical'),
  cluster: text,
}

const strategies: readonly BalanceStrategy[] = [
  'local-first',
  'round-robin',
  'weighted',
  'least-loaded',
  'consistent-hash',
]

const { name: _, ...whichChecks } = queryChecks

const callChecks: OptionChecks<ServiceCallOptions> = {
  ...whichChecks,
  // It travels: as JSON, which knows no infinity.
  deadlineMs: (value) => (value === Number.POSITIVE_INFINITY ? '(Infinity) must be finite' : aboveZero(value)),
  timeoutMs: aboveZero,
  signal: waitChecks.signal,
  strategy: oneOf(...strategies),
  key: text,
  idempotent: trueOrFalse,
  hedgeMs: (value) => (typeof value === 'number' && value >= 1 ? undefined : `(${String(value)}) must be at least 1`),
}

const targetChecks: OptionChecks<Exclude<Recipient, string>> = {
  service: text,
  key: text,
  namespace: text,
  version: anything,
}

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
