import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ClusterEvent, createNode, type JsonValue, type MemberChange } from '../../src/index.ts'
import { waitUntil } from '../../src/testing/compliance/wait-until.ts'
import { agreed, failureOf, form, start, stateOf } from './local-nodes.ts'

describe('a node without join', () => {
  it('is a cluster of one: ready, leading, hosting S5', async () => {
    const node = await start({ name: 'solo', roles: ['server'], zone: 'z' })
    await node.ready()
    await waitUntil(() => node.status().s5.phase === 'active')
    const { cluster, consensus, s5, topology, node: self } = node.status()
    assert.deepEqual(self, { id: node.id, name: 'solo', address: node.address, roles: ['server'], condition: 'ok' })
    assert.match(cluster.id ?? '', /^[0-9a-f]{32}$/)
    assert.deepEqual([cluster.name, cluster.size, cluster.alive], ['trellis', 1, 1])
    assert.deepEqual(
      [consensus.role, consensus.leader, consensus.quorum, consensus.voters],
      ['leader', 'solo', true, ['solo']],
    )
    assert.deepEqual([s5.host, s5.phase], ['solo', 'active'])
    assert.ok((s5.fencingToken ?? 0) > 0)
    assert.deepEqual(topology, { name: 'full-mesh', epoch: 0, phase: 'stable' })
    const [member] = node.members()
    assert.deepEqual(
      [member?.id, member?.name, member?.state, member?.condition, member?.zone],
      [node.id, 'solo', 'alive', 'ok', 'z'],
    )
    assert.equal(node.admin, undefined)
    assert.match(node.address, /^127\.0\.0\.1:[1-9]\d*$/)
  })

  it('listens on the loopback of IPv6 as well', async () => {
    const one = await start({ name: 'six', listen: '[::1]:0' })
    assert.match(one.address, /^\[::1\]:\d+$/)
    const two = await start({ name: 'seven', listen: '[::1]:0', join: [one.address] })
    await agreed([one, two])
  })

  it('is called after host and port when it has no name', async () => {
    const node = await start()
    assert.match(node.name, new RegExp(`${node.address.split(':')[1]}$`))
  })
})

describe('a node that joins', () => {
  it('resolves as a member that knows the leader, and is seen by the others', async () => {
    const a = await start({ name: 'a' })
    const b = await start({ name: 'b', join: [a.address] })
    assert.equal(stateOf(b, 'b'), 'alive')
    assert.equal(b.status().consensus.leader, 'a')
    assert.equal(b.status().consensus.role, 'none')
    assert.equal(b.status().cluster.id, a.status().cluster.id)
    await agreed([a, b])
  })

  it('finds its cluster through any member, and past an address where nobody is', async () => {
    const a = await start({ name: 'a' })
    const b = await start({ name: 'b', join: a.address })
    const c = await start({ name: 'c', join: ['127.0.0.1:1', b.address] })
    await agreed([a, b, c])
  })

  it('waits for a seed that only starts later', async () => {
    const reserved = await start({ name: 'reserved' })
    const { address } = reserved
    await reserved.stop()
    const joining = start({ name: 'b', join: [address] })
    const a = await start({ name: 'a', listen: address })
    await agreed([a, await joining])
  })
})

describe('nodes that expect three', () => {
  it('form exactly one cluster with three voters and one S5', async () => {
    const nodes = await form(['a', 'b', 'c'])
    const ids = new Set(nodes.map((node) => node.status().cluster.id))
    assert.equal(ids.size, 1)
    for (const node of nodes) {
      const { consensus, s5 } = node.status()
      assert.deepEqual([...consensus.voters].sort(), ['a', 'b', 'c'])
      assert.equal(s5.host, consensus.leader)
    }
    assert.equal(nodes.filter((node) => node.status().consensus.role === 'leader').length, 1)
  })

  it('know each other when they are ready', async () => {
    for (let round = 0; round < 8; round++) {
      const first = await start({ name: 'a', expect: 3, timeoutMs: 1 })
      const joining = ['b', 'c'].map((name) => start({ name, expect: 3, join: [first.address] }))
      const nodes = [first, ...(await Promise.all(joining))]
      await Promise.all(nodes.map((node) => node.ready()))
      for (const node of nodes) {
        const names = node.members().map(({ name }) => name)
        assert.deepEqual([node.name, names.toSorted()], [node.name, ['a', 'b', 'c']], `round ${round}`)
      }
      await Promise.all(nodes.map((node) => node.stop()))
    }
  })

  it('resolve before they are ready when the others come later, and ready() waits', async () => {
    const a = await start({ name: 'a', expect: 2, timeoutMs: 1 })
    assert.equal(a.status().cluster.id, null)
    assert.equal((await failureOf(a.ready({ timeoutMs: 20 }))).code, 'ERR_TIMEOUT')
    const abort = new AbortController()
    const aborted = failureOf(a.ready({ signal: abort.signal }))
    abort.abort()
    assert.equal((await aborted).code, 'ERR_ABORTED')
    const ready = a.ready()
    const b = await start({ name: 'b', expect: 2, join: [a.address] })
    await Promise.all([ready, b.ready()])
  })
})

describe('a node that stops', () => {
  it('is left, not down, for the others', async () => {
    const nodes = await form(['a', 'b', 'c'])
    const [a, b, c] = nodes
    assert.ok(a && b && c)
    const states = new Set<string | undefined>()
    b.events.subscribe(() => states.add(stateOf(b, 'c')))
    await c.leave()
    await waitUntil(() => [a, b].every((node) => stateOf(node, 'c') === 'left'))
    assert.equal(states.has('down'), false)
    assert.deepEqual([a.status().cluster.size, a.status().cluster.alive], [2, 2])
  })

  it('stops once, however often and by whatever name it is asked', async () => {
    const node = await start()
    const stops = [node.stop(), node.stop(), node.leave(), node[Symbol.asyncDispose]()]
    await Promise.all(stops)
    await node.stop()
    const late = [node.ready(), node.vsm.call('s5', 1), node.singletons.call('x', 1)]
    for (const call of late) assert.equal((await failureOf(call)).code, 'ERR_SHUTTING_DOWN')
    // What it was can still be asked.
    assert.equal(node.status().node.id, node.id)
    assert.equal(node.members().length, 1)
    await node.drain()
  })

  it('is not fatal', async () => {
    const node = await start()
    let isFatal = false
    void node.fatal.then(() => {
      isFatal = true
    })
    await node.stop()
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(isFatal, false)
  })

  it('says when it took too long or need not be waited for, and stops all the same', async () => {
    const node = await start()
    const released = Promise.withResolvers<void>()
    let isHosting = false
    node.vsm.host('s5', () => {
      isHosting = true
      return { [Symbol.asyncDispose]: () => released.promise }
    })
    await waitUntil(() => isHosting)
    const codes = await Promise.all([
      failureOf(node.stop({ timeoutMs: 1 })),
      failureOf(node.stop({ signal: AbortSignal.abort() })),
    ])
    assert.deepEqual(
      codes.map(({ code }) => code),
      ['ERR_TIMEOUT', 'ERR_ABORTED'],
    )
    released.resolve()
    await node.stop()
  })

  it('hands S5 over without a gap that a lease would leave', async () => {
    const nodes = await form(['a', 'b', 'c'])
    const leader = nodes.find((node) => node.status().consensus.role === 'leader')
    assert.ok(leader)
    const others = nodes.filter((node) => node !== leader)
    const token = leader.status().s5.fencingToken ?? 0
    await leader.stop()
    await waitUntil(() => others.every((node) => node.status().s5.phase === 'active'))
    for (const node of others) {
      assert.notEqual(node.status().s5.host, leader.name)
      assert.ok((node.status().s5.fencingToken ?? 0) > token)
    }
  })
})

describe('a node that drains', () => {
  it('says so to everybody, and stays a member', async () => {
    const [a, b] = await form(['a', 'b'])
    assert.ok(a && b)
    assert.equal((await failureOf(b.drain({ timeoutMs: Number.NaN }))).code, 'ERR_BAD_OPTIONS')
    assert.equal(b.status().node.condition, 'ok')
    await b.drain()
    await b.drain()
    await waitUntil(() => a.members().find(({ name }) => name === 'b')?.condition === 'draining')
    assert.equal(stateOf(a, 'b'), 'alive')
    assert.equal(b.status().node.condition, 'draining')
  })
})

describe('observers of a node', () => {
  it('are told of members, links, leader and S5', async () => {
    const a = await start({ name: 'a' })
    const events: ClusterEvent[] = []
    const subscription = a.events.subscribe((event) => events.push(event))
    a.events.subscribe(() => {
      throw new Error('a listener that fails')
    })
    const b = await start({ name: 'b', join: [a.address] })
    await waitUntil(() => stateOf(a, 'b') === 'alive')
    await b.stop()
    await waitUntil(() => stateOf(a, 'b') === 'left')
    await waitUntil(() => events.some((event) => event.type === 'link' && event.state === 'down'))
    const told = events.map((event) => {
      if (event.type === 'member')
        return `${event.change.type} ${event.change.member.name} ${event.change.member.state}`
      return event.type === 'link' ? `link ${event.state} ${event.peer}` : event.type
    })
    const added = told.indexOf('added b alive')
    const left = told.indexOf('changed b left')
    assert.ok(told.includes('link up b') && told.includes('link down b'), String(told))
    assert.ok(added >= 0 && left > added, String(told))
    subscription[Symbol.dispose]()
    const before = events.length
    await start({ name: 'c', join: [a.address] })
    assert.equal(events.length, before)
  })

  it('can iterate over changes of members until they have enough or the node stops', async () => {
    const a = await start({ name: 'a' })
    const changes: MemberChange[] = []
    const abort = new AbortController()
    const watched = (async () => {
      for await (const change of a.watchMembers({ signal: abort.signal })) changes.push(change)
      return 'enough'
    })()
    const untilStopped = (async () => {
      for await (const { member } of a.watchMembers()) assert.ok(['a', 'b'].includes(member.name))
      return 'stopped'
    })()
    await start({ name: 'b', join: [a.address] })
    await waitUntil(() => changes.some(({ type, member }) => type === 'added' && member.name === 'b'))
    abort.abort()
    assert.equal(await watched, 'enough')
    await a.stop()
    assert.equal(await untilStopped, 'stopped')
    for await (const change of a.watchMembers()) assert.fail(`a change after the end: ${change.type}`)
  })
})

describe('two nodes in one process', () => {
  it('of two clusters know nothing of each other', async () => {
    const [a, b] = await Promise.all([start({ name: 'same' }), start({ name: 'same', cluster: 'other' })])
    assert.notEqual(a.status().cluster.id, b.status().cluster.id)
    assert.deepEqual([a.members().length, b.members().length], [1, 1])
  })
})

describe('S5', () => {
  it('runs where the leader is, commands every member, decides, and is called from anywhere', async () => {
    // A command under a lease that is over fails, so the lease outlasts a busy machine.
    const nodes = await form(['a', 'b', 'c'], () => ({ profile: 'wan' }))
    const hosts: string[] = []
    for (const node of nodes) {
      node.vsm.onCommand(({ from, token, payload }) => ({ by: node.name, from, token, payload: payload as string }))
      node.vsm.host('s5', (s5) => {
        hosts.push(node.name)
        return {
          onRequest: async (_payload, from) => {
            const answers = await Promise.all(nodes.map(({ name }) => s5.command(name, 'obey') as Promise<JsonValue>))
            const index = await s5.decide({ asked: from })
            return { answers, index }
          },
        }
      })
    }
    const leader = nodes[0]?.status().consensus.leader
    assert.deepEqual(hosts, [leader])
    for (const node of nodes) {
      const { answers, index } = (await node.vsm.call('s5', null)) as { answers: unknown[]; index: number }
      const token = node.status().s5.fencingToken
      assert.deepEqual(
        answers,
        ['a', 'b', 'c'].map((by) => ({ by, from: leader, token, payload: 'obey' })),
      )
      await waitUntil(() => nodes.every(({ vsm }) => vsm.decision?.index === index))
      for (const { vsm } of nodes) assert.deepEqual(vsm.decision?.payload, { asked: node.name })
    }
  })

  it('moves with the leader; a call waits meanwhile', async () => {
    const nodes = await form(['a', 'b', 'c'])
    for (const node of nodes) node.vsm.host('s5', () => ({ onRequest: () => node.name }))
    const leader = nodes.find((node) => node.status().consensus.role === 'leader')
    assert.ok(leader)
    const [one] = nodes.filter((node) => node !== leader)
    assert.equal(await one?.vsm.call('s5', null), leader.name)
    const stopped = leader.stop()
    await waitUntil(() => one?.status().s5.host !== leader.name)
    const answer = await one?.vsm.call('s5', null)
    assert.notEqual(answer, leader.name)
    await stopped
  })

  it('is gone with its node, whose clean-up is waited for', async () => {
    const node = await createNode({ listen: '127.0.0.1:0' })
    const log: string[] = []
    node.vsm.host('s5', (s5) => {
      s5.signal.addEventListener('abort', () => log.push('aborted'))
      return { [Symbol.asyncDispose]: async () => void log.push('disposed') }
    })
    await waitUntil(() => node.status().s5.phase === 'active')
    await node.stop()
    assert.deepEqual(log, ['aborted', 'disposed'])
    assert.equal((await failureOf(node.vsm.call('s5', null, { timeoutMs: 50 }))).mayHaveHappened, false)
  })
})
