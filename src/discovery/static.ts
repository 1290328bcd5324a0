// Addresses that do not change, as a provider: for tests, and for programs that keep a list of their own.

import { isWildcard, parseAddress } from '../network-address.ts'
import { show } from '../option-checks.ts'
import type { Discovery } from './discovery.ts'
import { refuse } from './provider-options.ts'

/**
 * A provider that yields `addresses` once. Throws `ERR_BAD_OPTIONS` for what is no list, and for each that is not
 * `HOST:PORT` or cannot be dialed.
 */
export function staticDiscovery(addresses: Iterable<string>): Discovery {
  const isList = typeof addresses === 'object' && addresses !== null && Symbol.iterator in addresses
  if (!isList) refuse('staticDiscovery', [`the addresses (${show(addresses)}) must be a list of HOST:PORT`])
  const seeds = new Set(addresses)
  refuse('staticDiscovery', [...seeds].flatMap(problemOf))
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

function problemOf(address: unknown): string[] {
  const parsed = typeof address === 'string' ? parseAddress(address) : 'must be HOST:PORT'
  if (typeof parsed === 'string') return [`${show(address)} ${parsed}`]
  if (parsed.port === 0) return [`${show(address)} cannot have port 0`]
  return isWildcard(parsed.host) ? [`${show(address)} cannot be dialed`] : []
}
