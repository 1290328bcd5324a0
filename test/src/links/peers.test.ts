import assert from 'node:assert/strict'
import { after, beforeEach, describe, it } from 'node:test'
import { Peers } from '../../../src/links/peers.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { Counters } from '../../../src/runtime/counters.ts'
import { turns, waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { MemoryNetwork } from '../../../src/transport/memory.ts'
import type { Link } from '../../../src/wire/link.ts'
import type { WireMessage } from '../../../src/wire/message.ts'
import type { ClusterRecord } from '../../../src/wire/record.ts'
import { Keyring } from '../../../src/wire/secrets.ts'
import { helloOf } from './lab.ts'

const open: Peers[] = []
after(async () => {
  for (const peers of open.splice(0)) await peers.close('stopping')
})

class Node {
  readonly counters = new Counters()
  readonly log: string[] = []
  readonly peers: Peers
  clusterId: string
  isInCluster = false
  address = ''
  readonly #listen: () => Promise<string>

  constructor(network: MemoryNetwork, id: string, clusterId: string, changes: Parameters<typeof helloOf>[1] = {}) {
    this.clusterId = clusterId
    const transport = network.transport(id)
    const turn = { enter: (work: () => void) => work() }
    this.peers = new Peers({
      transport,
      keyring: new Keyring(['the secret of the cluster']),
      toolbox: { clock: systemClock, random: Math.random, turn, counters: this.counters, logger: silentLogger },
      hello: () => helloOf(id, { clusterId: this.clusterId, address: this.address, ...changes }),
      clusterId: () => this.clusterId,
      isInCluster: () => this.isInCluster,
      isStopping: () => false,
      member: () => undefined,
      onUp: ({ peer }) => this.log.push(`up ${peer.id}`),
      onDown: ({ peer }) => this.log.push(`down ${peer.id}`),
      onRefusedPort: (peer, generation) => this.log.push(`refused port ${peer} ${generation}`),
      onCluster: ({ peer }, cluster) => this.log.push(`cluster ${peer.id} ${cluster}`),
      onMessage: (_link, message) => this.log.push(`message ${message.type}`),
      onRefused: (error) => this.log.push(`refused ${error.code}`),
      laterLife: () => undefined,
      onMoved: (member) => this.log.push(`moved ${member}`),
    })
    this.#listen = () => transport.listen('127.0.0.1:0', (connection) => void this.peers.links.accept(connection))
    open.push(this.peers)
  }

  async listen(): Promise<this> {
    this.address = await this.#listen()
    return this
  }

  link(id: string): Link {
    const link = this.peers.links.get(id)
    assert.ok(link)
    return link
  }
}

const gossip: WireMessage = { type: 'swim', message: { type: 'gossip', updates: [] } }
const vote: WireMessage = { type: 'raft', message: { type: 'vote-reply', term: 1, round: 1, granted: true } }

function record(clusterId: string, leader = ''): WireMessage {
  const s5 = { host: '', token: 0, active: false }
  const about: ClusterRecord = {
    clusterId,
    index: 1,
    term: 1,
    leader,
    voters: [],
    learners: [],
    topology: { name: 'full-mesh', epoch: 0 },
    s5,
    beat: 1,
  }
  return { type: 'record', record: about }
}

async function linked(ofA: string, ofB: string): Promise<[Node, Node]> {
  const network = new MemoryNetwork()
  const [a, b] = [await new Node(network, 'a', ofA).listen(), await new Node(network, 'b', ofB).listen()]
  a.peers.links.callMember('b', b.address, 'eager')
  await waitUntil(() => a.log.length >= 2 && b.log.length >= 2)
  return [a, b]
}

describe('peers of one cluster', () => {
  let a: Node
  let b: Node
  beforeEach(async () => {
    ;[a, b] = await linked('one', 'one')
    a.log.length = 0
  })

  it('speak of membership and log', async () => {
    for (const message of [gossip, vote, record('one')]) b.peers.links.send('a', message)
    await waitUntil(() => a.log.length === 3)
    assert.deepEqual(a.log, ['message swim', 'message raft', 'message record'])
  })

  it('are companions', () => {
    assert.deepEqual(
      a.peers.companions().map(({ peer }) => peer.id),
      ['b'],
    )
    assert.equal(a.peers.clusterOf('b'), 'one')
  })

  it('are told of a refusing port, with the life whose link was lost', async () => {
    await b.peers.links.close('stopping')
    await waitUntil(() => a.log.includes('down b'))
    await turns(20)
    // It said goodbye: evidence of nothing.
    assert.deepEqual(a.log, ['down b'])
  })

  it('are accused when they vanish without a goodbye', async () => {
    // The port is gone, the connection breaks, nothing is said: what a killed process leaves.
    const link = b.link('a')
    link.goodbye = async () => link.destroy()
    await b.peers.links.close('stopping')
    await waitUntil(() => a.log.some((line) => line.startsWith('refused port')))
    assert.deepEqual(a.log, ['down b', 'refused port b 3'])
  })
})

describe('a peer without a cluster', () => {
  it('can join a cluster only once it has heard of its leader', async () => {
    const [a, b] = await linked('one', '')
    a.peers.links.send('b', record('one'))
    await turns(20)
    assert.deepEqual(b.peers.clusters(), [])
    b.log.length = 0
    a.peers.links.send('b', record('one', 'a'))
    await waitUntil(() => b.log.length > 0)
    assert.deepEqual([b.log, b.peers.clusters()], [['cluster a one'], ['one']])
  })

  it('is told apart, is not spoken to of membership, and is a companion once it has joined', async () => {
    const [a, b] = await linked('one', '')
    assert.deepEqual([a.peers.clusterOf('b'), a.peers.companions()], ['', []])
    assert.deepEqual(a.peers.strangers(), ['b'])
    a.log.length = 0
    for (const message of [gossip, vote]) b.peers.links.send('a', message)
    await waitUntil(() => Object.keys(a.counters.snapshot()).length === 2)
    assert.deepEqual(a.counters.snapshot(), { 'swim-foreign': 1, 'raft-foreign': 1 })
    b.clusterId = 'one'
    b.peers.links.send('a', record('one'))
    await waitUntil(() => a.log.length === 2)
    assert.deepEqual(a.log, ['cluster b one', 'message record'])
    assert.equal(a.peers.companions().length, 1)
  })

  it('takes nothing of membership itself before it has joined', async () => {
    const [a, b] = await linked('one', '')
    b.log.length = 0
    for (const message of [gossip, vote, record('one')]) a.peers.links.send('b', message)
    await waitUntil(() => Object.keys(b.counters.snapshot()).length === 3)
    assert.deepEqual(b.log, [])
  })
})

describe('a peer that turns out to be in a foreign cluster', () => {
  it('is told apart, and what it says of membership is dropped', async () => {
    const [a, b] = await linked('one', '')
    a.log.length = 0
    b.clusterId = 'two'
    for (const message of [record('two'), gossip, vote]) b.peers.links.send('a', message)
    await waitUntil(() => Object.keys(a.counters.snapshot()).length === 3)
    assert.deepEqual(a.log, ['cluster b two'])
    assert.deepEqual(a.counters.snapshot(), { 'record-foreign': 1, 'swim-foreign': 1, 'raft-foreign': 1 })
  })

  it('is refused with the handshake when both ids are known by then', async () => {
    const network = new MemoryNetwork()
    const [a, b] = [await new Node(network, 'a', 'one').listen(), await new Node(network, 'b', 'two').listen()]
    a.peers.links.callSeed(b.address, 'eager')
    await waitUntil(() => a.log.length > 0)
    assert.deepEqual(a.log[0], 'refused ERR_FOREIGN_CLUSTER')
    assert.deepEqual(b.log, [])
    assert.ok((b.counters.snapshot()['handshake-acceptor-ERR_FOREIGN_CLUSTER'] ?? 0) > 0)
  })
})
