// The schemas of this node for keys of config: what it writes has to pass those of its key, one after the other, each
// with what the one before made of it.

import { checkValue, checkValueNow } from './schema-check.ts'
import type { StandardSchema } from './standard-schema.ts'

export class ConfigSchemas {
  readonly #schemas = new Map<object, { readonly prefix: string; readonly schema: StandardSchema }>()

  /** Until it is disposed. */
  add(prefix: string, schema: StandardSchema): Disposable {
    const own = {}
    this.#schemas.set(own, { prefix, schema })
    return { [Symbol.dispose]: () => void this.#schemas.delete(own) }
  }

  get size(): number {
    return this.#schemas.size
  }

  isFor(key: string): boolean {
    return this.#of(key).length > 0
  }

  /** The value as the schemas of its key leave it, and then that of the call. Rejects with `ERR_INVALID_VALUE`. */
  async passed(key: string, value: unknown, ofCall?: StandardSchema): Promise<unknown> {
    let checked = value
    for (const schema of this.#of(key)) checked = await checkValue({ what: key }, checked, schema)
    return checkValue({ what: key }, checked, ofCall)
  }

  /** The same for a caller who cannot wait; a schema that answers later refuses. Throws `ERR_INVALID_VALUE`. */
  passedNow(key: string, value: unknown): unknown {
    return this.#of(key).reduce((checked, schema) => checkValueNow({ what: key }, checked, schema), value)
  }

  #of(key: string): StandardSchema[] {
    const found = [...this.#schemas.values()].filter(({ prefix }) => key.startsWith(prefix))
    return found.map(({ schema }) => schema)
  }
}
