// What a service is registered with, checked before anybody hears of it: all problems at once, as `ERR_BAD_OPTIONS`.

import { checkAll } from '../call-options.ts'
import { type ContractHandlers, implementing, type ServiceContract, type ServiceMethods } from './contract.ts'
import { healthProblems } from './health.ts'
import { checkedContract, checkedObject, refuse } from './query-checks.ts'
import { concurrencyProblems, newFacts, type ServiceFacts, serviceFacts } from './service-facts.ts'
import type { ServiceHandler, ServiceOptions } from './service-interface.ts'

type Handlers = Readonly<Record<string, unknown>>

/** What is offered, and by which functions. */
export interface CheckedOffer {
  readonly facts: ServiceFacts
  handler(method: string): ServiceHandler | undefined
}

/** `zone`: where it is, unless its options say otherwise. */
export function checkedOffer(
  service: string | ServiceContract,
  handlers: Handlers,
  options: ServiceOptions,
  zone: string,
): CheckedOffer {
  const name = typeof service === 'string' ? service : checkedContract(service).name
  let facts = newFacts(name, zone)
  checkAll(
    () => checkHandlers(service, handlers),
    () => {
      facts = factsOf(facts, checkedObject(options))
    },
  )
  const functions: Handlers =
    typeof service === 'string' ? handlers : implementing(service, handlers as ContractHandlers<ServiceMethods>)
  const handler = (method: string): ServiceHandler | undefined =>
    Object.hasOwn(functions, method) ? (functions[method] as ServiceHandler) : undefined
  return { facts, handler }
}

function factsOf(base: ServiceFacts, { health, concurrency, ...facts }: ServiceOptions): ServiceFacts {
  const ofHealth = health === undefined ? [] : healthProblems(health)
  return serviceFacts(base, facts, [...ofHealth, ...concurrencyProblems(concurrency)])
}

/** A contract has a handler for each of its methods. */
function checkHandlers(service: string | ServiceContract, handlers: Handlers): void {
  const { name, methods } = typeof service === 'string' ? { name: service, methods: {} } : service
  const areFunctions = (each: object): boolean => Object.values(each).every((handler) => typeof handler === 'function')
  if (typeof handlers !== 'object' || handlers === null || Array.isArray(handlers) || !areFunctions(handlers))
    refuse([`services: the handlers of '${name}' must be functions by method`])
  const missing = Object.keys(methods).filter((method) => typeof handlers[method] !== 'function')
  refuse(missing.map((method) => `services: there is no handler of '${name}.${method}'`))
}
