// Between `host:port`, as the options have it, and the multiaddrs that libp2p dials (multiformats "multiaddr"). Text
// only: what a multiaddr may hold beyond host and port is libp2p's to judge.

import { isIP } from 'node:net'
import { formatAddress, type NetworkAddress, parseAddress, streamAddress } from '../../network-address.ts'
import { usableAddress } from '../address-errors.ts'

/** `127.0.0.1:7400` as `/ip4/127.0.0.1/tcp/7400`; a multiaddr as it is. Throws `ERR_ADDRESS_UNUSABLE`. */
export function asMultiaddr(address: string): string {
  if (address.startsWith('/')) return address
  const { host, port } = usableAddress(address)
  return `/${familyOf(host)}/${host}/tcp/${port}`
}

/** Where a multiaddr leads over TCP; undefined when it does not, or only through a relay. */
export function tcpAddressOf(address: string): NetworkAddress | undefined {
  if (address.includes('/p2p-circuit')) return undefined
  return streamAddress(address)
}

/** As logs and limits show the other end: `host:port`, or the multiaddr when there is none. */
export function shownAddress(multiaddr: string): string {
  const tcp = streamAddress(multiaddr)
  return tcp === undefined ? multiaddr : formatAddress(tcp)
}

/** In the words of the question: a listener that was asked for `host:port` answers so. */
export function boundAddress(asked: string, multiaddr: string): string {
  return typeof parseAddress(asked) === 'string' ? multiaddr : shownAddress(multiaddr)
}

function familyOf(host: string): string {
  const version = isIP(host)
  return version === 0 ? 'dns' : `ip${version}`
}
