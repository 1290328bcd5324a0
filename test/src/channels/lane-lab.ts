// Ends of lanes: a transport, links and lanes, and nothing else of a node, with everything they tell written down.

import type { CongestionCause, IncomingLane, SendOutcome } from '../../../src/channels/lane.ts'
import { SocketLanes } from '../../../src/channels/socket-lanes.ts'
import { Links } from '../../../src/links/links.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { Counters } from '../../../src/runtime/counters.ts'
import { createIdentity } from '../../../src/transport/identity.ts'
import { TcpTransport } from '../../../src/transport/tcp.ts'
import type { Transport } from '../../../src/transport/transport.ts'
import type { Envelope } from '../../../src/wire/envelope.ts'
import type { LaneEnvelope } from '../../../src/wire/lane-envelope.ts'
import { Keyring } from '../../../src/wire/secrets.ts'
import { helloOf } from '../links/lab.ts'

export interface EndSettings {
  readonly transport?: Transport
  readonly idleMs?: number
  readonly onBusy?: (peer: string) => void
  /** Looks at lanes only when {@link LaneEnd.look} is called. */
  readonly looksWhenTold?: boolean
  /** Takes what arrives; by default it is kept and released at once. */
  readonly arrived?: (lane: IncomingLane, envelopes: readonly LaneEnvelope[]) => void
}

export class LaneEnd {
  readonly id: string
  readonly links: Links
  readonly lanes: SocketLanes
  readonly counters = new Counters()
  readonly arrived: LaneEnvelope[] = []
  readonly rooms: string[] = []
  readonly taken: string[] = []
  readonly congestion: string[] = []
  readonly lost: string[] = []
  onRoom: () => void = () => {}
  /** Looks through the lanes once, as it is done every second. */
  look: () => void = () => {}
  address = ''
  #sequence = 0

  constructor({ transport, idleMs, onBusy, looksWhenTold = false, arrived }: EndSettings) {
    const used = transport ?? new TcpTransport({ identity: createIdentity() })
    this.id = used.id
    const turn = { enter: (work: () => void): void => work() }
    this.links = new Links({
      transport: used,
      keyring: new Keyring(['the secret of the cluster']),
      hello: () => helloOf(this.id, { address: this.address, generation: 1 }),
      admit: () => undefined,
      clock: systemClock,
      random: Math.random,
      turn,
      onUp: (link) => this.lanes.linkUp(link),
      onDown: (link, { reason }) => this.lanes.linkDown(link, reason === 'idle'),
      onMessage: (link, message) => {
        if (message.type === 'lane') this.lanes.receive(link, message.kind, message.body)
      },
      onRefused: (error, side) => this.counters.add(`refused ${side} ${error.code}`),
      onUnexpected: () => {},
      count: (reason) => this.counters.add(reason),
    })
    this.lanes = new SocketLanes({
      self: { id: this.id, generation: 1 },
      links: () => this.links,
      toolbox: {
        clock: looksWhenTold ? this.#clockThatIsTold() : systemClock,
        random: Math.random,
        turn,
        counters: this.counters,
        logger: silentLogger,
      },
      ...(idleMs === undefined ? {} : { idleMs }),
      ...(onBusy === undefined ? {} : { onBusy }),
    })
    this.lanes.attach({
      arrived: (lane, envelopes) => {
        if (arrived) return arrived(lane, envelopes)
        for (const envelope of envelopes) this.arrived.push(envelope)
        lane.release(envelopes.reduce((sum, { laneBytes }) => sum + laneBytes, 0))
      },
      room: (peer, channel) => {
        this.rooms.push(`${peer} ${channel}`)
        this.onRoom()
      },
      taken: (_peer, envelope, outcome) => this.taken.push(`${envelope.id} ${outcome}`),
      lost: (peer) => this.lost.push(peer),
      congestion: (_peer, channel, state, cause: CongestionCause) =>
        this.congestion.push(`${channel} ${state} ${cause}`),
    })
    this.lanes.start()
    this.#listening = used.listen('127.0.0.1:0', (connection) => void this.links.accept(connection))
  }

  readonly #listening: Promise<string>

  #clockThatIsTold(): typeof systemClock {
    return {
      ...systemClock,
      setInterval: (work) => {
        this.look = work
        return { unref: () => undefined, [Symbol.dispose]: () => undefined }
      },
    }
  }

  async open(): Promise<this> {
    this.address = await this.#listening
    return this
  }

  async close(): Promise<void> {
    this.lanes.close()
    await this.links.close('stopping')
  }

  send(to: string, channel: Envelope['channel'], payload: Uint8Array, changes: Partial<Envelope> = {}): SendOutcome {
    const lane = this.lanes.to(to, channel)
    return lane?.send(this.envelope(to, channel, payload, changes), channel === 'gossip') ?? 'no-route'
  }

  envelope(to: string, channel: Envelope['channel'], payload: Uint8Array, changes: Partial<Envelope> = {}): Envelope {
    this.#sequence += 1
    return {
      kind: 'message',
      id: this.#sequence,
      source: this.id,
      sourceGeneration: 1,
      destination: to,
      destinationGeneration: 1,
      channel,
      sequence: this.#sequence,
      floor: 1,
      key: undefined,
      epoch: 0,
      hops: 0,
      trace: undefined,
      deadlineMs: undefined,
      subject: undefined,
      topic: undefined,
      encoding: 'bytes',
      payload,
      ...changes,
    }
  }
}

export function openEnd(settings: EndSettings = {}): Promise<LaneEnd> {
  return new LaneEnd(settings).open()
}
