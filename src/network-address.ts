// `host:port` as people write it: `127.0.0.1:7400`, `node-1.example:7400`, `[::1]:7400`. Says what is wrong with one
// that is not, and whether it can be reached from this machine only. Knows no DNS and no socket.

import { isIP } from 'node:net'

export interface NetworkAddress {
  /** A host name or an IP address; IPv6 without its brackets. */
  readonly host: string
  /** 0 to 65,535; 0 asks the kernel for a free one. */
  readonly port: number
}

/** Longest host name (RFC 1035 section 2.3.4). */
const maxHostLength = 253
const hostName = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*\.?$/i

/** Reads `host:port`; a text that is not one gives the reason instead, to be put after the option's name. */
export function parseAddress(text: string): NetworkAddress | string {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text)
  if (!match)
    return /:.*:/.test(text) && !text.startsWith('[')
      ? 'must be HOST:PORT, an IPv6 host in [brackets]'
      : 'must be HOST:PORT'
  const host = match[1] ?? match[2] ?? ''
  const port = Number(match[3])
  if (port > 65_535) return 'has a port above 65535'
  if (match[1] !== undefined && isIP(host) !== 6) return 'has no IPv6 address in its brackets'
  if (match[1] === undefined && !isHost(host)) return 'must be HOST:PORT with a host name or an IP address'
  return { host, port }
}

/** The text that {@link parseAddress} reads. */
export function formatAddress({ host, port }: NetworkAddress): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * Host and port of the first TCP address in what a member announces: `host:port`, a multiaddr
 * (`/ip4/127.0.0.1/tcp/7400`), or several of these with commas between. Undefined when there is none.
 */
export function streamAddress(announced: string): NetworkAddress | undefined {
  for (const entry of announced.split(',')) {
    const [, host, port] = /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d{1,5})(?:\/|$)/.exec(entry) ?? []
    if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) }
    const parsed = parseAddress(entry)
    if (typeof parsed !== 'string') return parsed
  }
  return undefined
}

/** True for addresses that no other machine can reach. A name other than `localhost` is not trusted to be one. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase()
  if (name === 'localhost' || name === 'localhost.') return true
  if (isIP(name) === 4) return name.startsWith('127.')
  return name === '::1' || name === '0:0:0:0:0:0:0:1' || name.startsWith('::ffff:127.')
}

/** True for "every interface": it can be listened on and not be dialed. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '0:0:0:0:0:0:0:0'
}

function isHost(host: string): boolean {
  if (host.length > maxHostLength) return false
  // Digits and dots alone that are not an IPv4 address are a mistyped one, never a name.
  if (/^[\d.]+$/.test(host)) return isIP(host) === 4
  return hostName.test(host)
}
