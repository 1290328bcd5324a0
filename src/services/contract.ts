// Services with types: one contract for those who offer and those who call, checked at both ends by any Standard Schema. What a
// caller sends is checked before it leaves and again where it arrives, for the two ends may be of different releases.

import type { JsonValue } from '../channels/payload.ts'
import { checkValue } from '../coordination/schema-check.ts'
import type { StandardSchema } from '../coordination/standard-schema.ts'
import type { ServiceCallContext, ServiceCallOptions, ServiceHandler, Services } from './service-interface.ts'

/** What a method takes and gives. A side without a schema takes whatever JSON can say. */
export interface ServiceMethod {
  readonly input?: StandardSchema
  readonly output?: StandardSchema
}

/** Methods by name. */
export type ServiceMethods = Readonly<Record<string, ServiceMethod>>

/** A service and its methods, made by {@link service}. */
export interface ServiceContract<Methods extends ServiceMethods = ServiceMethods> {
  readonly name: string
  readonly methods: Methods
}

type ValueOf<Schema> = Schema extends StandardSchema<infer Value> ? Value : JsonValue

/** What implements a contract: one function for each of its methods. */
export type ContractHandlers<Methods extends ServiceMethods> = {
  readonly [Method in keyof Methods]: (
    input: ValueOf<Methods[Method]['input']>,
    context: ServiceCallContext,
  ) => ValueOf<Methods[Method]['output']> | Promise<ValueOf<Methods[Method]['output']>>
}

/** What calls a contract: one function for each of its methods, each as {@link Services.call}. */
export type ContractClient<Methods extends ServiceMethods> = {
  readonly [Method in keyof Methods]: (
    input: ValueOf<Methods[Method]['input']>,
    options?: ServiceCallOptions,
  ) => Promise<ValueOf<Methods[Method]['output']>>
}

/** A contract, to be registered and called by. */
export function service<const Methods extends ServiceMethods>(
  name: string,
  methods: Methods,
): ServiceContract<Methods> {
  return Object.freeze({ name, methods: Object.freeze({ ...methods }) })
}

/** Handlers that keep to the contract: an input or output that does not fails with `ERR_INVALID_VALUE`. */
export function implementing<Methods extends ServiceMethods>(
  { name, methods }: ServiceContract<Methods>,
  handlers: ContractHandlers<Methods>,
): Readonly<Record<string, ServiceHandler>> {
  const checked = Object.entries(methods).map(([method, { input, output }]): [string, ServiceHandler] => {
    const handler = handlers[method] as ServiceHandler
    const handle: ServiceHandler = async (argument, context) => {
      const taken = await checkValue(`${name}.${method} input`, argument, input)
      return checkValue(`${name}.${method} output`, await handler(taken as JsonValue, context), output)
    }
    return [method, handle]
  })
  return Object.fromEntries(checked)
}

/** Functions that call the contract's methods wherever they run. */
export function calling<Methods extends ServiceMethods>(
  services: Pick<Services, 'call'>,
  { name, methods }: ServiceContract<Methods>,
  defaults: ServiceCallOptions,
): ContractClient<Methods> {
  const functions = Object.entries(methods).map(([method, { input, output }]) => {
    const call = async (argument: unknown, options: ServiceCallOptions = {}): Promise<unknown> => {
      const sent = await checkValue(`${name}.${method} input`, argument, input)
      const answer = await services.call(name, method, sent, { ...defaults, ...options })
      return checkValue(`${name}.${method} output`, answer, output)
    }
    return [method, call]
  })
  return Object.fromEntries(functions) as ContractClient<Methods>
}
