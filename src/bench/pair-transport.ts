// How the two members of a pair are linked: by one of the names that nodes know, or by libp2p with the encrypter that
// is not its default.

import type { TransportName, TransportProvider } from '../transport/provider.ts'

export type PairTransport = TransportName | 'libp2p with tls'

/** What `createNode` takes for it. The packages of libp2p are loaded only where they are asked for. */
export async function pairTransport(wanted: PairTransport): Promise<TransportName | TransportProvider> {
  if (wanted !== 'libp2p with tls') return wanted
  const { libp2p } = await import('../transport/libp2p/libp2p.ts')
  return libp2p({ encrypter: 'tls' })
}
