// `dns://peers.example:7400` and `dns+srv://_trellis._tcp.peers.example`: names that stand for the members of a
// cluster. With `?resolver=127.0.0.1:5353` a name server of one's own is asked, otherwise the machine's.

import { formatAddress, parseAddress } from '../network-address.ts'

export interface DnsAddress {
  /** `host`: A and AAAA records, all with the same port. `srv`: SRV records (RFC 2782), each with its own. */
  readonly kind: 'host' | 'srv'
  readonly name: string
  /** Of `host` only. */
  readonly port: number
  /** `HOST:PORT` of the name server to ask; undefined: the machine's. */
  readonly resolver: string | undefined
}

const scheme = /^(dns|dns\+srv):\/\/([^/?#]*)(?:\?([^#]*))?$/
const labels = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*\.?$/i

export function isDnsAddress(text: string): boolean {
  return /^dns(\+srv)?:/.test(text)
}

/** Reads such an address; a text that is not one gives the reason instead, to be put after it. */
export function parseDnsAddress(text: string): DnsAddress | string {
  const match = scheme.exec(text)
  if (!match) return 'must be dns://NAME:PORT or dns+srv://NAME'
  const resolver = parseResolver(match[3])
  if (typeof resolver === 'string') return resolver
  const authority = match[2]!
  if (match[1] === 'dns+srv') {
    if (!labels.test(authority)) return 'must be dns+srv://NAME, without a port: SRV records carry it'
    return { kind: 'srv', name: authority, port: 0, resolver: resolver?.text }
  }
  const parsed = parseAddress(authority)
  if (typeof parsed === 'string' || !labels.test(parsed.host)) return 'must be dns://NAME:PORT'
  if (parsed.port === 0) return 'cannot have port 0'
  return { kind: 'host', name: parsed.host, port: parsed.port, resolver: resolver?.text }
}

function parseResolver(query: string | undefined): { readonly text: string } | undefined | string {
  if (query === undefined || query === '') return undefined
  const pairs = [...new URLSearchParams(query)]
  const unknown = pairs.find(([key]) => key !== 'resolver')
  if (unknown) return `knows no parameter '${unknown[0]}', only 'resolver'`
  const parsed = parseAddress(pairs[0]?.[1] ?? '')
  if (typeof parsed === 'string' || pairs.length > 1) return "has a 'resolver' that is not one HOST:PORT"
  return { text: formatAddress(parsed) }
}
