// The context of OpenTelemetry over Node's AsyncLocalStorage, as the SDK's distributions bring it: the packages under
// test are only the API and the two SDKs.

import { AsyncLocalStorage } from 'node:async_hooks'
import { type Context, type ContextManager, ROOT_CONTEXT } from '@opentelemetry/api'

export class AsyncContext implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>()

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT
  }

  with<Arguments extends unknown[], Work extends (...args: Arguments) => ReturnType<Work>>(
    context: Context,
    work: Work,
    thisArgument?: ThisParameterType<Work>,
    ...args: Arguments
  ): ReturnType<Work> {
    return this.#storage.run(context, () => work.apply(thisArgument, args))
  }

  bind<Target>(_context: Context, target: Target): Target {
    return target
  }

  enable(): this {
    return this
  }

  disable(): this {
    this.#storage.disable()
    return this
  }
}
