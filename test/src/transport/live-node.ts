// A live end to attack: a transport that runs the handshake with whoever comes, counts what it turns away, and keeps
// an established link to a friend, which no attack may disturb.

import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { ClusterError } from '../../../src/errors.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { createCertificate } from '../../../src/transport/certificate.ts'
import type { RefusedReason } from '../../../src/transport/half-open.ts'
import { createIdentity, exportIdentity, type Identity } from '../../../src/transport/identity.ts'
import { TcpTransport } from '../../../src/transport/tcp.ts'
import type { Transport } from '../../../src/transport/transport.ts'
import type { LocalHello } from '../../../src/wire/handshake.ts'
import type { Link } from '../../../src/wire/link.ts'
import { establishLink, type LinkHandshakeOptions } from '../../../src/wire/link-handshake.ts'
import { FrameDecoder, type WireMessage } from '../../../src/wire/message.ts'
import { Keyring } from '../../../src/wire/secrets.ts'
import { sampleHello } from '../wire/sample-messages.ts'

export const secret = 'the secret of the cluster'
export const handshakeTimeoutMs = 2_000

export function helloOf(id: string): LocalHello {
  const { magic: _, versionMin: _min, versionMax: _max, features: _features, proof: _proof, ...hello } = sampleHello
  return { ...hello, id, name: id }
}

/** Of tcp; other transports take the same. */
type Limits = ConstructorParameters<typeof TcpTransport>[0]

/** A node that knows the secret. */
export class LiveNode<Kind extends Transport = TcpTransport> {
  readonly identity = createIdentity()
  readonly refused: RefusedReason[] = []
  readonly transport: Kind
  /** Codes and reasons of handshakes that failed. */
  readonly failures: string[] = []
  readonly links: Link[] = []
  readonly messages: WireMessage[] = []
  address = ''

  constructor(create = (limits: Limits) => new TcpTransport(limits) as Transport as Kind) {
    this.transport = create({
      identity: this.identity,
      handshakeTimeoutMs,
      maxHalfOpenPerAddress: 8,
      onRefused: (reason) => this.refused.push(reason),
    })
  }

  async start(): Promise<void> {
    this.address = await this.transport.listen('127.0.0.1:0', (connection) => {
      establishLink(connection, this.options()).then(
        (link) => this.keep(link),
        (error: unknown) => this.failures.push(describeFailure(error)),
      )
    })
  }

  options(): LinkHandshakeOptions {
    return {
      clock: systemClock,
      keyring: new Keyring([secret]),
      self: helloOf(this.identity.id),
      timeoutMs: handshakeTimeoutMs,
    }
  }

  async dial(address: string, changes: Partial<LinkHandshakeOptions> = {}): Promise<Link> {
    const connection = await this.transport.dial(address, AbortSignal.timeout(30_000))
    const link = await establishLink(connection, { ...this.options(), ...changes })
    this.keep(link)
    return link
  }

  keep(link: Link): void {
    this.links.push(link)
    link.start({
      message: (message) => this.messages.push(message),
      drain: () => undefined,
      close: () => this.links.splice(this.links.indexOf(link), 1),
    })
  }

  stop(): Promise<void> {
    return this.transport.close()
  }
}

/** The code of the error, with the reason where it has one. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof ClusterError)) throw error
  const { reason } = error.details as { readonly reason?: string }
  return reason === undefined ? error.code : `${error.code} ${reason}`
}

/** A TCP connection to the node, raw or under an attacker's own TLS identity. Remembers what came. */
export class Attacker {
  readonly socket: Socket
  readonly received: WireMessage[] = []
  bytes = 0
  isClosed = false

  constructor(socket: Socket) {
    this.socket = socket
    const decoder = new FrameDecoder()
    socket.on('data', (chunk: Uint8Array) => {
      this.bytes += chunk.length
      if ('getCipher' in socket) this.received.push(...decoder.push(chunk))
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.isClosed = true
    })
  }

  static plain(address: string): Attacker {
    return new Attacker(connectPlain({ host: '127.0.0.1', port: portOf(address) }))
  }

  static async tls(address: string, identity: Identity = createIdentity()): Promise<Attacker & { socket: TLSSocket }> {
    const socket = connectTls({
      host: '127.0.0.1',
      port: portOf(address),
      key: exportIdentity(identity),
      cert: createCertificate(identity),
      ALPNProtocols: ['trellis/1'],
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
    })
    let isSecure = false
    socket.once('secureConnect', () => {
      isSecure = true
    })
    const attacker = new Attacker(socket)
    await waitUntil(() => isSecure)
    return attacker as Attacker & { socket: TLSSocket }
  }

  closed(): Promise<void> {
    return waitUntil(() => this.isClosed)
  }
}

export function portOf(address: string): number {
  return Number(address.split(':').at(-1))
}
