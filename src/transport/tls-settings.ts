// What both ends of a link demand of TLS, and what they read out of it when its handshake is done.

import { Buffer } from 'node:buffer'
import { constants } from 'node:crypto'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import { peerIdOfCertificate } from './certificate.ts'

/** Named in the handshake, so that a TLS server of another kind is told from a member. */
export const ALPN = 'trellis/1'
/** RFC 8446 section 7.5; the label is ours alone. */
const EXPORTER_LABEL = 'EXPORTER-trellis-link'
const BINDING_BYTES = 32

export const secureOptions: SecureContextOptions = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  sigalgs: 'ed25519',
  secureOptions: constants.SSL_OP_NO_TICKET,
  // Nobody vouches for a member's key but its owner. Without this, the 140 roots of the web are read at the first link.
  ca: [],
}

/** The id that the other end proved, or undefined when it proved none that we accept. */
export function provenPeer(socket: TLSSocket): string | undefined {
  // A resumed session has no certificate of its own; we never offer one and never take one.
  if (socket.isSessionReused() || socket.alpnProtocol !== ALPN || socket.getProtocol() !== 'TLSv1.3') return undefined
  const certificate = socket.getPeerX509Certificate()
  return certificate === undefined ? undefined : peerIdOfCertificate(certificate)
}

/** The same bytes at both ends of this connection and at no other. */
export function bindingOf(socket: TLSSocket): Uint8Array {
  return socket.exportKeyingMaterial(BINDING_BYTES, EXPORTER_LABEL, Buffer.alloc(0))
}
