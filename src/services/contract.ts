// Services with types: one contract for those who offer and those who call, checked at both ends by any Standard
// Schema. What a caller sends is checked before it leaves and again where it arrives, for the two ends may be of
// different releases.

import type { JsonValue } from '../channels/payload.ts'
import { type Checked, checkValue } from '../coordination/schema-check.ts'
import type { StandardSchema } from '../coordination/standard-schema.ts'
import { endable } from '../iteration.ts'
import { checkContract, checkedObject } from './query-checks.ts'
import type { ServiceCallContext, ServiceCallOptions, ServiceHandler, Services } from './service-interface.ts'

/** What a method takes and gives. A side without a schema takes whatever JSON can say. */
export interface ServiceMethod {
  readonly input?: StandardSchema
  /** Of a stream: of each item. */
  readonly output?: StandardSchema
  /** It answers with a stream: any iterable at its owner, an async iterable at its caller. Default false. */
  readonly stream?: boolean
  /** A call that may have happened may happen again; see {@link ServiceCallOptions.idempotent}. Default false. */
  readonly idempotent?: boolean
}

/** Methods by name. */
export type ServiceMethods = Readonly<Record<string, ServiceMethod>>

/** A service and its methods, made by {@link service}. */
export interface ServiceContract<Methods extends ServiceMethods = ServiceMethods> {
  readonly name: string
  readonly methods: Methods
}

type ValueOf<Schema> = Schema extends StandardSchema<infer Value> ? Value : JsonValue

type Given<Method extends ServiceMethod> = Method extends { readonly stream: true }
  ? Iterable<ValueOf<Method['output']>> | AsyncIterable<ValueOf<Method['output']>>
  : ValueOf<Method['output']>

type Taken<Method extends ServiceMethod> = Method extends { readonly stream: true }
  ? AsyncIterable<ValueOf<Method['output']>>
  : Promise<ValueOf<Method['output']>>

/** What implements a contract: one function for each of its methods. */
export type ContractHandlers<Methods extends ServiceMethods> = {
  readonly [Method in keyof Methods]: (
    input: ValueOf<Methods[Method]['input']>,
    context: ServiceCallContext,
  ) => Given<Methods[Method]> | Promise<Given<Methods[Method]>>
}

/**
 * What calls a contract: one function for each of its methods, each as {@link Services.call} or
 * {@link Services.stream}.
 */
export type ContractClient<Methods extends ServiceMethods> = {
  readonly [Method in keyof Methods]: (
    input: ValueOf<Methods[Method]['input']>,
    options?: ServiceCallOptions,
  ) => Taken<Methods[Method]>
}

/** A contract, to be registered and called by. Throws `ERR_BAD_OPTIONS`. */
export function service<const Methods extends ServiceMethods>(
  name: string,
  methods: Methods,
): ServiceContract<Methods> {
  checkContract(name, methods)
  return Object.freeze({ name, methods: Object.freeze({ ...methods }) })
}

/** Handlers that keep to the contract: an input or output that does not fails with `ERR_INVALID_VALUE`. */
export function implementing<Methods extends ServiceMethods>(
  { name, methods }: ServiceContract<Methods>,
  handlers: ContractHandlers<Methods>,
): Readonly<Record<string, ServiceHandler>> {
  const checked = Object.entries(methods).map(([method, { input, output, stream }]): [string, ServiceHandler] => {
    const handler = handlers[method] as ServiceHandler
    const given = { what: `${name}.${method} output`, mayHaveHappened: true }
    const handle: ServiceHandler = async (argument, context) => {
      const taken = await checkValue({ what: `${name}.${method} input` }, argument, input)
      const answer = await handler(taken as JsonValue, context)
      return stream ? checkedItems(given, answer, output) : checkValue(given, answer, output)
    }
    return [method, handle]
  })
  return Object.fromEntries(checked)
}

/** Functions that call the contract's methods wherever they run. */
export function calling<Methods extends ServiceMethods>(
  services: Pick<Services, 'call' | 'stream'>,
  { name, methods }: ServiceContract<Methods>,
  defaults: ServiceCallOptions,
): ContractClient<Methods> {
  const functions = Object.entries(methods).map(([method, { input, output, stream, idempotent }]) => {
    const resolved = (options: ServiceCallOptions): ServiceCallOptions => {
      const own = checkedObject(options)
      return idempotent === undefined ? { ...defaults, ...own } : { ...defaults, idempotent, ...own }
    }
    const taken = { what: `${name}.${method} input` }
    const given = { what: `${name}.${method} output`, mayHaveHappened: true }
    const call = async (argument: unknown, options: ServiceCallOptions = {}): Promise<unknown> => {
      const sent = await checkValue(taken, argument, input)
      return checkValue(given, await services.call(name, method, sent, resolved(options)), output)
    }
    const read = (argument: unknown, options: ServiceCallOptions = {}): AsyncIterable<unknown> =>
      endable((left) => items(argument, options, left))
    const items = async function* (argument: unknown, options: ServiceCallOptions, left: AbortSignal) {
      const sent = await checkValue(taken, argument, input)
      if (left.aborted) return
      const stream = services.stream(name, method, sent, resolved(options))[Symbol.asyncIterator]()
      left.addEventListener('abort', () => void stream.return?.(), { once: true })
      yield* checkedItems(given, { [Symbol.asyncIterator]: () => stream }, output)
    }
    return [method, stream ? read : call]
  })
  return Object.fromEntries(functions) as ContractClient<Methods>
}

/** Each item is checked as it comes; the first that is refused ends the stream. */
async function* checkedItems(
  given: Checked,
  items: unknown,
  schema: StandardSchema | undefined,
): AsyncGenerator<unknown, void, undefined> {
  for await (const item of items as AsyncIterable<unknown>) yield await checkValue(given, item, schema)
}
