// Addresses that do not change, as a provider: for tests, and for programs that keep a list of their own.

import { ClusterError } from '../errors.ts'
import { parseAddress } from '../network-address.ts'
import type { Discovery } from './discovery.ts'

/** A provider that yields `addresses` once. Throws `ERR_BAD_OPTIONS` for one that is not `HOST:PORT`. */
export function staticDiscovery(addresses: Iterable<string>): Discovery {
  const seeds = new Set(addresses)
  const problems = [...seeds].flatMap((address) => {
    const parsed = parseAddress(address)
    return typeof parsed === 'string' ? [`'${address}' ${parsed}`] : []
  })
  if (problems.length > 0) throw new ClusterError('ERR_BAD_OPTIONS', problems.join('; '), { problems })
  return {
    name: `${seeds.size} addresses`,
    async *watch(signal) {
      if (signal.aborted) return
      yield seeds
      if (signal.aborted) return
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    },
  }
}
