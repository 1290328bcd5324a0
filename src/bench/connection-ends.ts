// A process that opens TLS connections to itself, bare ones of Node or lanes, and tells how much memory each end of one
// takes: what is resident after a collection, over what was before. Speaks with its parent by IPC and ends with it.
//
//   node --expose-gc connection-ends.ts bare | lanes

import { once } from 'node:events'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { SocketLanes } from '../channels/socket-lanes.ts'
import { Links } from '../links/links.ts'
import { silentLogger } from '../observability/logger.ts'
import { systemClock } from '../runtime/clock.ts'
import { Counters } from '../runtime/counters.ts'
import { createCertificate } from '../transport/certificate.ts'
import { createIdentity, exportIdentity } from '../transport/identity.ts'
import { TcpTransport } from '../transport/tcp.ts'
import { waitFor } from '../wait.ts'
import type { Envelope } from '../wire/envelope.ts'
import { Keyring } from '../wire/secrets.ts'

/** Members that are linked to one, each with a connection for each channel. */
const members = 50
const channels = ['coordination', 'events', 'gossip', 'data'] as const
const ends = 2 * members * channels.length
const openTimeoutMs = 60_000

/** Opens connections of one member to the one that all are linked to. */
type Open = () => Promise<void>

function settings() {
  const identity = createIdentity()
  const own = { key: exportIdentity(identity), cert: createCertificate(identity), minVersion: 'TLSv1.3' as const }
  return { ...own, requestCert: true, rejectUnauthorized: false, checkServerIdentity: () => undefined }
}

async function bare(): Promise<Open> {
  const sockets: TLSSocket[] = []
  const server = createServer(settings(), (socket) => {
    sockets.push(socket)
    socket.on('data', (bytes) => socket.write(bytes))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as { readonly port: number }
  return async () => {
    const own = settings()
    for (const _ of channels) {
      const socket = connect({ ...own, host: '127.0.0.1', port })
      await once(socket, 'secureConnect')
      sockets.push(socket)
      socket.write('.')
      await once(socket, 'data')
    }
  }
}

async function lanes(): Promise<Open> {
  const hub = new End()
  await hub.listen()
  return async () => {
    const end = new End()
    await end.listen()
    end.links.callSeed(hub.address, 'eager')
    await until(() => end.links.all().length === 1 && hub.links.get(end.id) !== undefined)
    for (const channel of channels) end.send(hub.id, channel)
    await until(() => hub.arrived.get(end.id) === channels.length)
  }
}

const until = (condition: () => boolean): Promise<void> =>
  waitFor('a link', condition, { clock: systemClock, timeoutMs: openTimeoutMs })

/** Links and lanes, without a node. */
class End {
  readonly id: string
  readonly links: Links
  readonly #lanes: SocketLanes
  readonly #transport = new TcpTransport({ identity: createIdentity() })
  /** Messages that came, by sender. */
  readonly arrived = new Map<string, number>()
  address = ''

  constructor() {
    const { id } = this.#transport
    this.id = id
    const turn = { enter: (work: () => void): void => work() }
    const counters = new Counters()
    this.links = new Links({
      transport: this.#transport,
      keyring: new Keyring(['the secret of the benchmark']),
      hello: () => ({
        clusterName: 'bench',
        clusterId: '',
        id,
        name: id,
        generation: 1,
        instance: new Uint8Array(8),
        address: this.address,
        storeId: '',
        fresh: false,
        expect: 0,
        roles: [],
        zone: '',
        channel: 'coordination',
        ticket: undefined,
      }),
      admit: () => undefined,
      clock: systemClock,
      random: Math.random,
      turn,
      onUp: (link) => this.#lanes.linkUp(link),
      onDown: (link) => this.#lanes.linkDown(link),
      onMessage: (link, message) => {
        if (message.type === 'lane') this.#lanes.receive(link, message.kind, message.body)
      },
      onRefused: () => {},
      onUnexpected: () => {},
      count: () => {},
    })
    this.#lanes = new SocketLanes({
      self: { id, generation: 1 },
      links: () => this.links,
      toolbox: { clock: systemClock, random: Math.random, turn, counters, logger: silentLogger },
      idleMs: openTimeoutMs,
    })
    this.#lanes.attach({
      arrived: (lane, envelopes) => {
        this.arrived.set(lane.peer, (this.arrived.get(lane.peer) ?? 0) + envelopes.length)
        lane.release(envelopes.reduce((sum, { laneBytes }) => sum + laneBytes, 0))
      },
      room: () => {},
      taken: () => {},
      lost: () => {},
      congestion: () => {},
    })
    this.#lanes.start()
  }

  async listen(): Promise<void> {
    this.address = await this.#transport.listen('127.0.0.1:0', (connection) => void this.links.accept(connection))
  }

  send(to: string, channel: Envelope['channel']): void {
    const ends = { source: this.id, sourceGeneration: 1, destination: to, destinationGeneration: 1, channel }
    const none = { key: undefined, trace: undefined, deadlineMs: undefined, subject: undefined, topic: undefined }
    const numbers = { id: 1, sequence: 0, floor: 0, epoch: 0, hops: 0 }
    this.#lanes.to(to, channel)?.send({
      ...{ ...ends, ...none, ...numbers },
      kind: 'message',
      encoding: 'bytes',
      payload: Uint8Array.of(1),
    })
  }
}

function residentBytes(): number {
  for (let pass = 0; pass < 3; pass++) globalThis.gc?.()
  return process.memoryUsage.rss()
}

process.on('disconnect', () => process.exit())
const open = await (process.argv[2] === 'bare' ? bare() : lanes())
// The first ones load code and fill caches.
for (let member = 0; member < 5; member++) await open()
const before = residentBytes()
for (let member = 0; member < members; member++) await open()
process.send!((residentBytes() - before) / ends)
