// The packages that libp2p is made of. They are optional peers, 100 packages in all, so only who asks for this
// transport loads them; without them the import fails with one line that says what to install.

import type * as Crypto from '@libp2p/crypto/keys'
import type * as Gossipsub from '@libp2p/gossipsub'
import type * as Identify from '@libp2p/identify'
import type * as Noise from '@libp2p/noise'
import type * as NoiseCrypto from '@libp2p/noise/crypto'
import type * as Tcp from '@libp2p/tcp'
import type * as Tls from '@libp2p/tls'
import type * as WebSockets from '@libp2p/websockets'
import type * as Yamux from '@libp2p/yamux'
import type * as Addresses from '@multiformats/multiaddr'
import type * as Libp2p from 'libp2p'
import { ClusterError } from '../../errors.ts'
import { optionalPeer, optionalPeers } from '../../optional-peer.ts'

const loaded = await optionalPeers<
  [
    typeof Libp2p,
    typeof Tcp,
    typeof WebSockets,
    typeof Noise,
    typeof NoiseCrypto,
    typeof Yamux,
    typeof Identify,
    typeof Crypto,
    typeof Addresses,
  ]
>([
  ['libp2p', () => import('libp2p')],
  ['@libp2p/tcp', () => import('@libp2p/tcp')],
  ['@libp2p/websockets', () => import('@libp2p/websockets')],
  ['@libp2p/noise', () => import('@libp2p/noise')],
  ['@libp2p/noise', () => import('@libp2p/noise/crypto')],
  ['@libp2p/yamux', () => import('@libp2p/yamux')],
  ['@libp2p/identify', () => import('@libp2p/identify')],
  ['@libp2p/crypto', () => import('@libp2p/crypto/keys')],
  ['@multiformats/multiaddr', () => import('@multiformats/multiaddr')],
])

export const { createLibp2p } = loaded[0]
export const { tcp } = loaded[1]
export const { webSockets } = loaded[2]
export const { noise } = loaded[3]
export const { defaultCrypto, nodeCrypto } = loaded[4]
export const { yamux } = loaded[5]
export const { identify } = loaded[6]
export const { privateKeyFromRaw } = loaded[7]
export const { multiaddr } = loaded[8]

/** Wanted by those who declare open topics only. Rejects with `ERR_BAD_OPTIONS`. */
export function gossipsubPackage(): Promise<typeof Gossipsub> {
  return chosen('libp2p.gossipsub', '@libp2p/gossipsub', () => import('@libp2p/gossipsub'))
}

/** Wanted by those who choose TLS as the encrypter only. Rejects with `ERR_BAD_OPTIONS`. */
export function tlsPackage(): Promise<typeof Tls> {
  return chosen("libp2p.encrypter ('tls')", '@libp2p/tls', () => import('@libp2p/tls'))
}

async function chosen<Module>(option: string, name: string, load: () => Promise<unknown>): Promise<Module> {
  try {
    return await optionalPeer<Module>(name, load)
  } catch (cause) {
    const problem = `${option} is not there: ${(cause as Error).message}`
    throw new ClusterError('ERR_BAD_OPTIONS', problem, { problems: [problem] }, { cause })
  }
}
