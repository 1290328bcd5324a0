// A member that has the secret and is broken: its handshake is right, and whatever it sends after that is not. It keeps
// what honest members send it, to send it again later, and dials again when it is thrown out.

import { Buffer } from 'node:buffer'
import type { Channel } from '../../../src/channels/channel.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { createIdentity } from '../../../src/transport/identity.ts'
import { TcpTransport } from '../../../src/transport/tcp.ts'
import { FRAME_HEADER_BYTES } from '../../../src/wire/frame.ts'
import type { LocalHello } from '../../../src/wire/handshake.ts'
import { writeHead } from '../../../src/wire/lane-envelope.ts'
import { MAX_LANE_HEAD_BYTES } from '../../../src/wire/limits.ts'
import type { Link } from '../../../src/wire/link.ts'
import { establishLink } from '../../../src/wire/link-handshake.ts'
import { encodeFrame, type WireMessage } from '../../../src/wire/message.ts'
import { frameNumbers } from '../../../src/wire/message-numbers.ts'
import { Keyring, laneTicket } from '../../../src/wire/secrets.ts'
import type { MemberRecord } from '../../../topology/index.ts'

type ChannelName = Channel['name']

/** A member of the cluster that is attacked, as everybody may see it. */
export interface Victim {
  readonly id: string
  readonly name: string
  readonly address: string
  readonly generation: number
}

const dialTimeoutMs = 5_000
const keptFrames = 200

export class BrokenMember implements AsyncDisposable {
  readonly identity = createIdentity()
  readonly name: string
  readonly #transport = new TcpTransport({ identity: this.identity })
  readonly #keyring: Keyring
  readonly #clusterId: string
  readonly #links = new Map<string, Link>()
  /** What honest members have sent, as frames. */
  readonly heard: Uint8Array[] = []
  /** Of the members that it was told of, the last of each. */
  readonly records = new Map<string, MemberRecord>()
  /** How often it was thrown out. */
  ends = 0

  constructor(name: string, clusterId: string, secret: string) {
    this.name = name
    this.#clusterId = clusterId
    this.#keyring = new Keyring([secret])
  }

  get id(): string {
    return this.identity.id
  }

  /** The link to `victim`, which may be a new one. */
  async link(victim: Victim): Promise<Link> {
    const known = this.#links.get(victim.id)
    if (known) return known
    const connection = await this.#transport.dial(victim.address, AbortSignal.timeout(dialTimeoutMs))
    const link = await establishLink(connection, { clock: systemClock, keyring: this.#keyring, self: this.#hello() })
    this.#links.set(victim.id, link)
    link.start({
      message: (message) => this.#keep(message),
      drain: () => {},
      close: () => {
        this.ends += 1
        if (this.#links.get(victim.id) === link) this.#links.delete(victim.id)
      },
    })
    return link
  }

  /** One message, well formed as far as it can be written. */
  async send(victim: Victim, message: WireMessage): Promise<void> {
    await this.sendBytes(victim, encodeFrame(message))
  }

  async sendBytes(victim: Victim, bytes: Uint8Array): Promise<void> {
    ;(await this.link(victim)).connection.write(bytes)
  }

  /** One envelope over the lane of coordination, which shares the link. */
  async sendEnvelope(victim: Victim, envelope: Parameters<typeof writeHead>[2]): Promise<void> {
    const { id: peer, generation: peerGeneration } = victim
    const head = Buffer.alloc(MAX_LANE_HEAD_BYTES)
    const ends = { channel: 'coordination', self: this.id, selfGeneration: 1, peer, peerGeneration } as const
    const end = writeHead(head, 0, envelope, ends)
    const body = Buffer.concat([head.subarray(0, end), envelope.payload])
    const link = await this.link(victim)
    link.send({ type: 'lane', kind: frameNumbers['lane-message'], body })
  }

  /** A connection of a further channel, with a true ticket, for bytes of any kind; then it is closed. */
  async sendOnLane(victim: Victim, channel: ChannelName, bytes: Uint8Array): Promise<void> {
    const link = await this.link(victim)
    const connection = await this.#transport.dial(victim.address, AbortSignal.timeout(dialTimeoutMs))
    const ticket = laneTicket(link.connection.binding, connection.binding, channel)
    const self = { ...this.#hello(), channel, ticket }
    const lane = await establishLink(connection, { clock: systemClock, keyring: this.#keyring, self })
    lane.takeOver({ data: () => {}, close: () => {} })
    lane.connection.write(bytes)
    await lane.connection.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport.close()
  }

  #hello(): LocalHello {
    return {
      clusterName: 'trellis',
      clusterId: this.#clusterId,
      id: this.id,
      name: this.name,
      generation: 1,
      instance: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      address: '127.0.0.1:1',
      storeId: '',
      fresh: false,
      expect: 0,
      roles: [],
      zone: '',
      channel: 'coordination',
      ticket: undefined,
    }
  }

  #keep(message: WireMessage): void {
    if (message.type === 'swim' && message.message.type === 'push-pull')
      for (const record of message.message.records) this.records.set(record.id, record)
    if (message.type === 'lane' && message.body.length + FRAME_HEADER_BYTES > 4_096) return
    this.heard.push(encodeFrame(message))
    if (this.heard.length > keptFrames) this.heard.shift()
  }
}
