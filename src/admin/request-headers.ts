// The header lines of a request, as `fetch` has them, for those who judge a request before anything else is made of it.

import type { IncomingMessage } from 'node:http'

/** Header lines by name; a repeated one is joined as HTTP says. */
export interface RequestHeaders {
  get(name: string): string | null
  has(name: string): boolean
}

/** Header lines of a request, those of the same name in one. */
export function headersOf({ headersDistinct }: Pick<IncomingMessage, 'headersDistinct'>): RequestHeaders {
  const linesOf = (name: string): readonly string[] | undefined => {
    const key = name.toLowerCase()
    return Object.hasOwn(headersDistinct, key) ? headersDistinct[key] : undefined
  }
  return {
    get: (name) => linesOf(name)?.join(name.toLowerCase() === 'cookie' ? '; ' : ', ') ?? null,
    has: (name) => linesOf(name) !== undefined,
  }
}
