// Which fields the query of a call may have: those that its description names. What is mistyped must not count as left
// out.

import { closestWord } from '../closest-word.ts'
import { ClusterError } from '../errors.ts'
import type { CallRequest } from './http-call.ts'
import { operations } from './openapi-paths.ts'
import type { Method } from './resource.ts'

/** Problems that are told at once. */
const MAX_TOLD = 16

/** As the description writes a path of the router: `/v1/config/{key}`. */
export function describedPath(path: string): string {
  return path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, '{$1}')
}

/**
 * Refuses all other fields with `ERR_BAD_REQUEST`, at once. Not where programs of others ask, which add fields of their
 * own: Consul's calls, and what is outside of `/v1`: the page, probes and scrapes.
 */
export function knownQuery(path: string, method: Method) {
  const operation = operations[describedPath(path)]?.[method]
  const isOurs = operation !== undefined && operation.tag !== 'consul' && path.startsWith('/v1/')
  const known = Object.keys(operation?.query ?? {})
  return (req: CallRequest): void => {
    const stray =
      isOurs && req.url.includes('?') ? Object.keys(req.query()).filter((name) => !known.includes(name)) : []
    if (stray.length === 0) return
    const problem = stray
      .slice(0, MAX_TOLD)
      .map((name) => {
        const meant = closestWord(name, known)
        return `unknown query field '${name.slice(0, 64)}'${meant === undefined ? '' : `, did you mean '${meant}'?`}`
      })
      .join('; ')
    throw new ClusterError('ERR_BAD_REQUEST', problem, { problem })
  }
}
