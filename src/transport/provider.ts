// What the option `transport` takes: a way to make a transport once the node's key is known, and the addresses it
// speaks of. An address is what a member announces and others dial: `host:port` for TLS over TCP, `/ip4/…` (a
// multiaddr) for libp2p; several of them with commas between for a member that listens on several transports.

import { ClusterError } from '../errors.ts'
import { formatAddress, streamAddress } from '../network-address.ts'
import type { RefusedReason } from './half-open.ts'
import type { Identity } from './identity.ts'
import { TcpTransport } from './tcp.ts'
import type { Transport } from './transport.ts'

/** What a transport is made with. */
export interface TransportContext {
  /** The node's key: the transport proves it to others. */
  readonly identity: Identity
  /** To be called for everybody who is turned away before its identity is proven. */
  readonly onRefused: (reason: RefusedReason, remoteAddress: string) => void
}

/** A transport that a node can be given. */
export interface TransportProvider {
  readonly name: string
  /** Where it listens; without it, at those of the option `listen` that it claims. */
  readonly listen?: readonly string[]
  /** True for an address in its own words. */
  claims(address: string): boolean
  /** `host:port` in its own words. */
  wordsFor(hostAndPort: string): string
  create(context: TransportContext): Transport
}

/** The names that the option takes instead of an object. */
export const transportNames = ['tcp', 'libp2p'] as const
/** A transport by its name: `tcp`, or `libp2p` when its packages are installed. */
export type TransportName = (typeof transportNames)[number]

/** TLS 1.3 over TCP, the default. */
export const tcpProvider: TransportProvider = {
  name: 'tcp',
  claims: (address) => !address.startsWith('/'),
  wordsFor: (address) => address,
  create: (context) => new TcpTransport(context),
}

/** What an option names. Rejects with `ERR_BAD_OPTIONS` when the packages of a transport are not installed. */
export async function providerOf(transport: TransportName | TransportProvider): Promise<TransportProvider> {
  if (transport === 'tcp') return tcpProvider
  if (transport !== 'libp2p') return transport
  try {
    const { libp2p } = await import('./libp2p/libp2p.ts')
    return libp2p()
  } catch (cause) {
    const problem = `transport ('libp2p') is not there: ${(cause as Error).message}`
    throw new ClusterError('ERR_BAD_OPTIONS', problem, { problems: [problem] }, { cause })
  }
}

/** The parts of an address that names several. */
export function splitAddress(address: string): string[] {
  return address.split(',').flatMap((part) => part.trim() || [])
}

/**
 * What two members announce has a way in common, by the look of it: both have a `host:port`, or both have a multiaddr.
 */
export function haveCommonWords(one: string, other: string): boolean {
  const looks = (address: string): boolean[] => splitAddress(address).map((part) => part.startsWith('/'))
  const ours = looks(one)
  return looks(other).some((look) => ours.includes(look))
}

/** An address in the words of one of `providers`: the first speaks for what none of them claims. */
export function inWords(providers: readonly TransportProvider[], address: string): string {
  const speak = (part: string): string =>
    providers.some((provider) => provider.claims(part)) || part.startsWith('/') ? part : providers[0]!.wordsFor(part)
  return splitAddress(address).map(speak).join(',')
}

/**
 * Where each of `providers` listens, given the option `listen`: one that nothing is said of takes a free port of the
 * same host.
 */
export function listenAddresses(providers: readonly TransportProvider[], listen: string): string[] {
  const given = splitAddress(inWords(providers, listen))
  const host = streamAddress(given[0] ?? '')?.host ?? '127.0.0.1'
  return providers.flatMap((provider) => {
    if (provider.listen !== undefined) return provider.listen
    const own = given.filter((part) => provider.claims(part))
    return own.length > 0 ? own : [provider.wordsFor(formatAddress({ host, port: 0 }))]
  })
}
