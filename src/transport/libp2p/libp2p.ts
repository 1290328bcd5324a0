// What `@viable-systems/trellis/libp2p` exports: links over libp2p, for open networks, for NAT, and for other stacks that speak it.
// The packages of libp2p are optional peers; without them this import fails with one line that names what to install.

import type { Libp2pOptions } from 'libp2p'
import { ClusterError } from '../../errors.ts'
import type { TransportProvider } from '../provider.ts'
import { asMultiaddr } from './addresses.ts'
import { Libp2pTransport } from './libp2p-transport.ts'
import { multiaddr } from './packages.ts'

export type { TransportContext, TransportProvider } from '../provider.ts'

/** Options of {@link libp2p}. */
export interface Libp2pSettings {
  /**
   * Multiaddrs to listen at, at most 8: `/ip4/127.0.0.1/tcp/0`, `/ip4/0.0.0.0/tcp/7400/ws`, `/dns4/relay.example/tcp/4001/p2p/<id>/p2p-circuit`
   * (with a relay's transport). Default: the node's option `listen`, as `/ip4/HOST/tcp/PORT`.
   */
  readonly listen?: readonly string[]
  /** Further transports of libp2p, such as `circuitRelayTransport()` of `@libp2p/circuit-relay-v2`. Default none. */
  readonly transports?: NonNullable<Libp2pOptions['transports']>
}

const MAX_LISTEN = 8

/**
 * A transport over libp2p, for the option `transport` of `createNode`: TCP and WebSocket, Noise, yamux; the node's key is its libp2p key.
 * Members announce multiaddrs and dial them; `host:port` in `join` and `listen` is understood. Throws `ERR_BAD_OPTIONS` with every
 * problem.
 */
export function libp2p(settings: Libp2pSettings = {}): TransportProvider {
  const problems = problemsOf(settings)
  if (problems.length > 0) throw new ClusterError('ERR_BAD_OPTIONS', problems.join('; '), { problems })
  const { listen, transports = [] } = settings
  return {
    name: 'libp2p',
    ...(listen === undefined ? {} : { listen: [...listen] }),
    claims: (address) => address.startsWith('/'),
    wordsFor: asMultiaddr,
    create: (context) => new Libp2pTransport({ ...context, transports }),
  }
}

function problemsOf({ listen, transports }: Libp2pSettings): string[] {
  const found: string[] = []
  if (listen !== undefined && (!Array.isArray(listen) || listen.length === 0 || listen.length > MAX_LISTEN))
    found.push(`libp2p.listen must be a list of 1 to ${MAX_LISTEN} multiaddrs`)
  else for (const one of listen ?? []) if (!isMultiaddr(one)) found.push(`libp2p.listen ('${one}') is no multiaddr`)
  if (transports !== undefined && !Array.isArray(transports)) found.push('libp2p.transports must be a list')
  return found
}

function isMultiaddr(text: unknown): boolean {
  try {
    return typeof text === 'string' && text.startsWith('/') && multiaddr(text) !== undefined
  } catch {
    // That it is none is the answer.
    return false
  }
}
