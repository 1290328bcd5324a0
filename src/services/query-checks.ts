// What users ask of services, checked before anything is done: all problems at once, as `ERR_BAD_OPTIONS`.

import validRange from 'semver/ranges/valid.js'
import {
  checkedOptions,
  type OptionCheck,
  type OptionChecks,
  problemsOf,
  textProblems,
  trueOrFalse,
} from '../call-options.ts'
import type { Recipient } from '../channels/channel.ts'
import { isSchema } from '../coordination/schema-check.ts'
import { ClusterError } from '../errors.ts'
import type { ServiceContract, ServiceMethod, ServiceMethods } from './contract.ts'
import type { Asked } from './service-call.ts'
import * as shared from './service-checks.ts'
import { nameProblems } from './service-facts.ts'
import type { ServiceCallOptions, ServiceQuery } from './service-interface.ts'

const version: OptionCheck = (value) =>
  typeof value === 'string' && validRange(value) !== null
    ? undefined
    : `(${typeof value === 'string' ? JSON.stringify(value) : String(value)}) must be a range such as ^2.1.0`

const queryChecks = { ...shared.queryChecks, version }
const callChecks = { ...shared.callChecks, version }
const targetChecks = { ...shared.targetChecks, version }

export function checkedQuery(query: string | ServiceQuery): ServiceQuery {
  return checkedOptions(typeof query === 'string' ? { name: query } : query, queryChecks)
}

/** What is called, and how. */
export function checkedCall(asked: Asked): Asked {
  const { name, method, options } = asked
  const problems = problemsOf(options, callChecks)
  if (typeof name !== 'string' || typeof method !== 'string') problems.unshift(...calledProblems(name, method))
  if (options?.hedgeMs !== undefined && options.idempotent !== true)
    problems.push('services: hedgeMs is for idempotent calls only')
  refuse(problems)
  return asked
}

/** What calls of a contract's client are given that say nothing else; how options go together shows with each call. */
export function checkedDefaults(options: ServiceCallOptions): ServiceCallOptions {
  return checkedOptions(options, callChecks)
}

/** Whom a message for a service is sent to. */
export function checkedTarget(to: Exclude<Recipient, string>): Exclude<Recipient, string> {
  return checkedOptions(to, targetChecks, ['service'])
}

/** Options whose names are checked with what they say. */
export function checkedObject<Options extends object>(options: Options): Options {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    refuse(['services: the options must be an object'])
  return options
}

/** Throws `ERR_BAD_OPTIONS` for what is no name. */
export function checkCalled(name: unknown, method: unknown): void {
  if (typeof name !== 'string' || typeof method !== 'string') refuse(calledProblems(name, method))
}

function calledProblems(name: unknown, method: unknown): string[] {
  return [...textProblems('the name of a service', name), ...textProblems('the method', method)]
}

/** Throws `ERR_BAD_OPTIONS` for what is neither a name nor a contract. */
export function checkedContract<Methods extends ServiceMethods>(
  contract: ServiceContract<Methods>,
): ServiceContract<Methods> {
  const { name, methods } = Object(contract) as Partial<ServiceContract>
  if (typeof name === 'string' && typeof methods === 'object' && methods !== null) checkContract(name, methods)
  else refuse(['services: a service is named by a text, or described by a contract'])
  return contract
}

const methodChecks: OptionChecks<ServiceMethod> = {
  input: isSchema,
  output: isSchema,
  stream: trueOrFalse,
  idempotent: trueOrFalse,
}

/** Throws `ERR_BAD_OPTIONS` for what cannot be the name of a service, and for methods that are none. */
export function checkContract(name: unknown, methods: unknown): void {
  const problems = nameProblems(name)
  if (typeof methods !== 'object' || methods === null || Array.isArray(methods))
    problems.push('the methods must be an object with the description of each')
  else
    for (const [method, described] of Object.entries(methods))
      problems.push(...problemsOf(described, methodChecks).map((problem) => `method '${method}': ${problem}`))
  refuse(problems.map((problem) => `services: ${problem}`))
}

/** Throws `ERR_BAD_OPTIONS` if there are any. */
export function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new ClusterError('ERR_BAD_OPTIONS', problems.join('; '), { problems })
}
