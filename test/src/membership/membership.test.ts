import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { Links } from '../../../src/links/links.ts'
import { Membership } from '../../../src/membership/membership.ts'
import { Routes } from '../../../src/membership/routes.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { Counters } from '../../../src/runtime/counters.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { MemoryNetwork, type MemoryTransport } from '../../../src/transport/memory.ts'
import { Keyring } from '../../../src/wire/secrets.ts'
import { type MemberRecord, swimPresets } from '../../../topology/index.ts'
import { helloOf } from '../links/lab.ts'

const open: MeshNode[] = []
after(async () => {
  for (const node of open.splice(0)) await node.close()
})

/** A member that consists of its links and its membership. */
class MeshNode {
  readonly id: string
  readonly links: Links
  readonly transport: MemoryTransport
  readonly told: string[] = []
  readonly dials: string[] = []
  /** How often the overlays were told who there is. */
  followed = 0
  #membership: Membership | undefined
  readonly #routes: Routes
  readonly #generation: number

  constructor(network: MemoryNetwork, id: string, generation = 1) {
    this.id = id
    this.#generation = generation
    this.transport = network.transport(id)
    const { dial } = this.transport
    this.transport.dial = (address, signal) => {
      this.dials.push(address)
      return dial.call(this.transport, address, signal)
    }
    this.links = new Links({
      transport: this.transport,
      keyring: new Keyring(['the secret of the cluster']),
      hello: () => helloOf(id, { generation, instance: new Uint8Array(8).fill(generation) }),
      admit: () => undefined,
      clock: systemClock,
      random: Math.random,
      turn: { enter: (work) => work() },
      onUp: ({ peer }) => this.#membership?.connected(peer.id),
      onDown: ({ peer }, end) => {
        this.#routes.holds.down(peer.id)
        this.#membership?.disconnected(peer.id, end.announced)
      },
      onMessage: ({ peer }, message) => {
        if (message.type === 'swim') this.#membership?.receive(peer.id, message.message)
        if (message.type === 'hold') this.#routes.holds.hear(peer.id, message.kind)
      },
      onRefused: () => {},
      onUnexpected: () => {},
      count: () => {},
    })
    this.#routes = new Routes({
      self: id,
      links: this.links,
      toolbox: {
        clock: systemClock,
        random: Math.random,
        turn: { enter: (work) => work() },
        counters: new Counters(),
        logger: silentLogger,
      },
      ownOverlays: [],
      overlayOptions: {},
      member: (other) => this.#membership?.member(other),
      onOverlays: () => this.#membership?.overlaysChanged(),
      deliver: () => {},
      undeliverable: () => {},
      onGathered: () => {},
      onGivenUp: () => {},
    })
    const { overlays } = this.#routes
    const setMembers = overlays.setMembers.bind(overlays)
    overlays.setMembers = (members) => {
      this.followed += 1
      setMembers(members)
    }
    overlays.open(0, 0, 'full-mesh')
    overlays.use(0)
    open.push(this)
  }

  get membership(): Membership {
    assert.ok(this.#membership)
    return this.#membership
  }

  async start(address = '127.0.0.1:0'): Promise<this> {
    const bound = await this.transport.listen(address, (connection) => void this.links.accept(connection))
    const self: MemberRecord = {
      id: this.id,
      name: this.id,
      address: bound,
      roles: [],
      zone: '',
      livenessPort: 0,
      incarnation: { generation: this.#generation, refutation: 0 },
      state: 'alive',
      condition: 'ok',
    }
    this.#membership = new Membership({
      self,
      swim: swimPresets.local,
      overlays: this.#routes.overlays,
      holds: this.#routes.holds,
      relay: this.#routes.relay,
      links: this.links,
      clock: systemClock,
      random: Math.random,
      turn: { enter: (work) => work() },
      pinned: [],
      onEvent: (event) => event.type === 'member' && this.told.push(`${event.after.id} ${event.reason}`),
      count: () => {},
    })
    this.#membership.start([])
    return this
  }

  get address(): string {
    return this.membership.member(this.id)?.address ?? ''
  }

  state(id: string): string | undefined {
    return this.membership.member(id)?.state
  }

  async close(): Promise<void> {
    this.#membership?.close()
    this.#routes.close()
    await this.links.close('stopping')
  }
}

/** Members that all know and link each other, though only the first was called by the others. */
async function mesh(network: MemoryNetwork, ...ids: readonly string[]): Promise<MeshNode[]> {
  const nodes: MeshNode[] = []
  for (const id of ids) nodes.push(await new MeshNode(network, id).start())
  for (const node of nodes.slice(1)) node.links.callSeed(nodes[0]?.address ?? '', 'eager')
  await whole(nodes)
  return nodes
}

async function whole(nodes: readonly MeshNode[]): Promise<void> {
  await waitUntil(() =>
    nodes.every(
      (node) =>
        node.links.all().length === nodes.length - 1 && nodes.every((other) => node.state(other.id) === 'alive'),
    ),
  )
}

describe('members', () => {
  it('link to everybody they hear of', async () => {
    const nodes = await mesh(new MemoryNetwork(), 'a', 'b', 'c', 'd')
    for (const node of nodes) assert.equal(node.membership.members().length, 4)
  })

  it('call again when a link is lost', async () => {
    const [a, b] = await mesh(new MemoryNetwork(), 'a', 'b')
    assert.ok(a && b)
    const lost = a.links.get('b')
    lost?.destroy()
    await waitUntil(() => a.links.get('b') !== undefined && a.links.get('b') !== lost)
    await whole([a, b])
    assert.equal([...a.told, ...b.told].filter((line) => line.endsWith(' down')).length, 0)
  })

  it('close their links to one that leaves, and do not call it again', async () => {
    const [a, b, c] = await mesh(new MemoryNetwork(), 'a', 'b', 'c')
    assert.ok(a && b && c)
    c.membership.put({ type: 'leave' })
    await waitUntil(() => [a, b].every((node) => node.state('c') === 'left' && node.links.get('c') === undefined))
    const dials = a.dials.length + b.dials.length
    const began = performance.now()
    await waitUntil(() => performance.now() - began > 300)
    assert.equal(a.dials.length + b.dials.length, dials)
  })

  it('call one that is down again and again, so that it is found when it is back', async () => {
    const network = new MemoryNetwork()
    const [a, b, c] = await mesh(network, 'a', 'b', 'c')
    assert.ok(a && b && c)
    const { address } = c
    await c.close()
    for (const node of [a, b]) node.membership.put({ type: 'evidence', peer: 'c', generation: 1 })
    await waitUntil(() => [a, b].every((node) => node.state('c') === 'down'))
    const again = await new MeshNode(network, 'c', 2).start(address)
    const began = performance.now()
    await whole([a, b, again])
    assert.ok(performance.now() - began < 8_000)
    assert.ok([...a.told, ...b.told].includes('c restarted'))
  })

  it('close the link to one that they call down: a new one tells whether it lives', async () => {
    const [a, b, c] = await mesh(new MemoryNetwork(), 'a', 'b', 'c')
    assert.ok(a && b && c)
    const before = a.links.get('c')
    for (const node of [a, b]) node.membership.put({ type: 'evidence', peer: 'c', generation: 1 })
    await waitUntil(() => a.told.includes('c down'))
    await waitUntil(() => a.links.get('c') !== before)
    await whole([a, b, c])
    assert.ok(a.told.includes('c refuted'), String(a.told))
  })

  it('tell the overlays once of all that a table brings', async () => {
    const node = await new MeshNode(new MemoryNetwork(), 'a').start()
    const [self] = node.membership.members()
    assert.ok(self)
    const records = Array.from({ length: 20 }, (_, at) => ({
      ...self,
      id: `b${at}`,
      name: `b${at}`,
      address: `b${at}:1`,
    }))
    node.followed = 0
    node.membership.receive('b0', { type: 'push-pull', reply: true, records })
    assert.deepEqual([node.membership.members().length, node.followed], [21, 1])
  })

  it('do nothing any more once closed', async () => {
    const [a, b] = await mesh(new MemoryNetwork(), 'a', 'b')
    assert.ok(a && b)
    a.membership.close()
    const told = a.told.length
    a.membership.put({ type: 'leave' })
    a.membership.disconnected('b', false)
    assert.deepEqual([a.told.length, a.state('a')], [told, 'alive'])
  })
})
