import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { defaultVoterPolicy, raftPresets } from '../../../consensus/index.ts'
import { Requests } from '../../../src/channels/requests.ts'
import { RECORD_FRESH_MS } from '../../../src/coordination/cluster-record.ts'
import { Coordination } from '../../../src/coordination/coordination.ts'
import type { ClusterError } from '../../../src/errors.ts'
import { Links } from '../../../src/links/links.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { Counters } from '../../../src/runtime/counters.ts'
import { MemoryLog } from '../../../src/storage/memory.ts'
import type { RecoveredLog } from '../../../src/storage/node-storage.ts'
import { turns, waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { MemoryNetwork } from '../../../src/transport/memory.ts'
import { Keyring } from '../../../src/wire/secrets.ts'
import { helloOf } from '../links/lab.ts'

const voters = ['a', 'b', 'c'].map((id) => ({ id, storeId: `store-${id}` }))
const open: Member[] = []
after(async () => {
  for (const member of open.splice(0)) await member.close()
})

/** A member that consists of its links and its part in the agreement. */
class Member {
  readonly id: string
  readonly counters = new Counters()
  readonly links: Links
  readonly requests: Requests
  coordination: Coordination | undefined
  address = ''
  readonly #listen: () => Promise<string>

  constructor(network: MemoryNetwork, id: string, storeId = `store-${id}`) {
    this.id = id
    const transport = network.transport(id)
    const count = (reason: string) => this.counters.add(reason)
    this.links = new Links({
      transport,
      keyring: new Keyring(['the secret of the cluster']),
      hello: () => helloOf(id, { storeId, clusterId: 'c', address: this.address }),
      admit: () => undefined,
      clock: systemClock,
      random: Math.random,
      turn: { enter: (work) => work() },
      onUp: ({ peer }) => {
        this.coordination?.greet(peer.id)
        this.coordination?.connected(peer.id)
      },
      onDown: ({ peer }) => this.coordination?.disconnected(peer.id, false),
      onMessage: (link, message) => {
        if (message.type === 'raft') this.coordination?.receiveRaft(link, message.message)
        if (message.type === 'record') this.coordination?.receiveRecord(message.record, link.peer.id)
        if (message.type === 'envelope') this.requests.receive(link.peer.id, message.envelope)
      },
      onRefused: (error) => assert.fail(error),
      onUnexpected: () => {},
      count,
    })
    this.requests = new Requests({
      clock: systemClock,
      self: id,
      generation: 1,
      send: (envelope) => this.links.send(envelope.destination, { type: 'envelope', envelope }),
      nameOf: (other) => other,
      count,
    })
    this.#listen = () => transport.listen('127.0.0.1:0', (connection) => void this.links.accept(connection))
    open.push(this)
  }

  async start(log: RecoveredLog | undefined): Promise<this> {
    this.address = await this.#listen()
    const { counters, links, requests } = this
    const turn = { enter: (work: () => void) => work() }
    this.coordination = await Coordination.open({
      self: this.id,
      clusterId: 'c',
      voters,
      log,
      learn: async () => new MemoryLog({ clusterId: 'c', nodeId: this.id, storeId: `store-${this.id}`, voters: [] }),
      policy: defaultVoterPolicy,
      memberFacts: () => [],
      raft: raftPresets.local,
      links,
      requests,
      toolbox: { clock: systemClock, random: Math.random, turn, counters, logger: silentLogger },
      strangers: () => [],
      isSparse: () => false,
      onHeard: () => {},
      stateOf: () => 'present',
      isMember: () => true,
      onChange: () => {},
      onApplied: () => {},
      onHost: () => {},
      onDiskFailure: (error) => assert.fail(error as Error),
    })
    return this
  }

  get leader(): string | undefined {
    return this.coordination?.knowledge().leader
  }

  async close(): Promise<void> {
    await this.coordination?.close()
    this.requests.close()
    await this.links.close('stopping')
  }
}

const logOf = (id: string, storeId = `store-${id}`): MemoryLog =>
  new MemoryLog({ clusterId: 'c', nodeId: id, storeId, voters })

function link(...members: readonly Member[]): void {
  for (const [at, one] of members.entries())
    for (const other of members.slice(at + 1)) one.links.callMember(other.id, other.address, 'eager')
}

describe('a voter with another log than it was elected with', () => {
  it('has no vote: its answers count for nothing', async () => {
    const network = new MemoryNetwork()
    const a = await new Member(network, 'a').start(logOf('a'))
    // The disk of `b` was lost; with the new log it still believes that it votes.
    const b = await new Member(network, 'b', 'store-new').start(logOf('b', 'store-new'))
    link(a, b)
    // `a` has asked whether it would be elected, and `b` has answered: that needs a third, with the right log.
    await waitUntil(() => (a.counters.snapshot()['election-pre-candidate'] ?? 0) > 0)
    await turns(1_000)
    assert.deepEqual([a.leader, a.coordination?.knowledge().role !== 'leader'], [undefined, true])
    const c = await new Member(network, 'c').start(logOf('c'))
    link(a, c)
    await waitUntil(() => a.leader !== undefined && a.leader === c.leader)
  })
})

describe('a member without a log', () => {
  it('learns of leader, voters and S5 by the record, and stops believing in them when it is stale', async () => {
    const network = new MemoryNetwork()
    const [a, b, c] = [
      await new Member(network, 'a').start(logOf('a')),
      await new Member(network, 'b').start(logOf('b')),
      await new Member(network, 'c').start(logOf('c')),
    ]
    const d = await new Member(network, 'd').start(undefined)
    assert.equal(d.coordination?.isVoter, false)
    link(a, b, c, d)
    await waitUntil(() => d.coordination?.knowledge().s5.phase === 'active')
    const known = d.coordination?.knowledge()
    assert.deepEqual([known?.leader, known?.voters, known?.role], [a.leader, ['a', 'b', 'c'], 'none'])
    assert.equal(known?.s5.token, a.coordination?.knowledge().s5.token)
    await assert.rejects(
      d.coordination?.propose({ type: 'release', singleton: 's5', token: 1 }, new AbortController().signal) ??
        Promise.resolve(),
      (error: ClusterError) => error.code === 'ERR_NOT_LEADER' && !error.mayHaveHappened,
    )
    // It asks for a name through the leader.
    assert.deepEqual(await d.coordination?.admit('d', 'name-d'), { outcome: 'admitted' })
    for (const voter of [a, b, c]) await voter.close()
    const began = performance.now()
    await waitUntil(() => d.leader === undefined)
    const waited = performance.now() - began
    assert.ok(waited > RECORD_FRESH_MS - 1_500 && waited < RECORD_FRESH_MS + 500, `${waited} ms`)
    assert.equal(d.coordination?.knowledge().s5.phase, 'inactive')
  })

  it('tells a peer at least which cluster it is in', async () => {
    const network = new MemoryNetwork()
    const [d, e] = [await new Member(network, 'd').start(undefined), await new Member(network, 'e').start(undefined)]
    link(d, e)
    await waitUntil(() => e.coordination?.record?.clusterId === 'c')
    assert.equal(e.leader, undefined)
  })
})

describe('a coordination that cannot open its log', () => {
  it('rejects and leaves nothing behind', async () => {
    const log = logOf('a')
    const failing: RecoveredLog = {
      header: log.header,
      append: () => log.append([]),
      snapshots: log.snapshots,
      compact: (index) => log.compact(index),
      close: () => log.close(),
      load: () => Promise.reject(new Error('damaged')),
    }
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
    const before = timers()
    await assert.rejects(new Member(new MemoryNetwork(), 'a').start(failing), /damaged/)
    assert.equal(timers(), before)
  })
})
