// Keeps web pages out. A page elsewhere can make a browser send requests here, and by DNS rebinding even under a name
// of its own: so the `Host` must be one that this admin goes by, an `Origin` must be the same as the host, and where
// the browser says that the call comes from another site (`Sec-Fetch-Site`), only opening the page itself is allowed.

import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { ClusterError } from '../errors.ts'
import { isLoopback, isWildcard } from '../network-address.ts'
import type { RequestHeaders } from './request-headers.ts'

/** Decides whether a request may pass, also one of a page of `origins`; throws `ERR_FORBIDDEN_ORIGIN`. */
export type OriginGuard = (
  request: { readonly method: string; readonly headers: Pick<RequestHeaders, 'get'> },
  origins?: readonly string[],
) => void

export interface OriginGuardOptions {
  /** The host that the admin listens on. */
  readonly host: string
  /** Further names under which it is reached, such as the advertised host. */
  readonly names: readonly string[]
}

/** Looks up the configured host once: its addresses are names of this admin too. */
export async function createOriginGuard({ host, names }: OriginGuardOptions): Promise<OriginGuard> {
  const allowed = new Set([host, ...names].map((name) => name.toLowerCase()))
  // Listening everywhere, it is reached by any of the machine's addresses, also translated ones. A rebound name is
  // never an IP literal, so those are safe to accept.
  const anyAddress = isWildcard(host)
  if (anyAddress) allowed.add(hostname().toLowerCase())
  else if (isIP(host) === 0) for (const address of await addressesOf(host)) allowed.add(address)
  const isOurs = (name: string): boolean => isLoopback(name) || allowed.has(name) || (anyAddress && isIP(name) !== 0)

  return (request, origins = []) => {
    const header = request.headers.get('host') ?? ''
    const name = hostOfHeader(header)
    if (name === undefined || !isOurs(name)) throw refusal('Host', header)
    const origin = request.headers.get('origin')
    if (origin !== null && origins.includes(origin)) return
    // With either scheme: a proxy in front may speak TLS, and the name is what tells one site from another.
    const originHost = origin?.toLowerCase().replace(/^https?:\/\//, '')
    if (origin !== null && originHost !== header.toLowerCase()) throw refusal('Origin', origin)
    const site = request.headers.get('sec-fetch-site')
    const opensPage = request.headers.get('sec-fetch-mode') === 'navigate' && isRead(request.method)
    if (site !== null && site !== 'same-origin' && site !== 'none' && !opensPage) throw refusal('Sec-Fetch-Site', site)
  }
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** The name in a `Host` header, without port and brackets. */
function hostOfHeader(header: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]@/\s]+))(?::\d{1,5})?$/i.exec(header)
  return (match?.[1] ?? match?.[2])?.toLowerCase()
}

async function addressesOf(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch {
    // Listening on that name will say what is wrong with it; until then only the name itself is known.
    return []
  }
}

/** Longest piece of a foreign header that is repeated. */
const maxShown = 100

function refusal(header: string, value: string): ClusterError {
  const shown = value.slice(0, maxShown)
  return new ClusterError('ERR_FORBIDDEN_ORIGIN', `${header} '${shown}' is not this admin`, { header, value: shown })
}
