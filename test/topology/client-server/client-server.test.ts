import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testOverlay } from '../../../src/testing/compliance/overlay.ts'
import { ClientServer, clientServer, InvariantError, type MemberRecord } from '../../../topology/index.ts'
import { recordOf } from '../swim/records.ts'

testOverlay('client-server, four servers', {
  create: (self) => new ClientServer(self),
  record: (index) => ({ roles: [index < 4 ? 'server' : 'client'] }),
})
testOverlay('client-server, one server', {
  create: (self) => new ClientServer(self),
  record: (index) => ({ roles: index === 0 ? ['server'] : [] }),
})
testOverlay('client-server, no roles, the voters serve', { create: (self) => new ClientServer(self), voters: 3 })

const servers = ['s1', 's2', 's3', 's4', 's5']
const clients = Array.from({ length: 100 }, (_, index) => `c${index}`)

function membersWith(changes: Readonly<Record<string, Partial<MemberRecord>>> = {}, without: readonly string[] = []) {
  const ids = [...servers, ...clients].filter((id) => !without.includes(id))
  return ids.map((id) => recordOf(id, { roles: [id.startsWith('s') ? 'server' : 'client'], ...changes[id] }))
}

function overlayOf(self: string, members: readonly MemberRecord[], voters: readonly string[] = []): ClientServer {
  const overlay = new ClientServer(self)
  overlay.step({ type: 'voters', voters }, 0)
  overlay.step({ type: 'members', members }, 0)
  return overlay
}

function linkAll(overlay: ClientServer): ClientServer {
  for (const peer of overlay.neighbors()) overlay.step({ type: 'connected', peer }, 1)
  return overlay
}

describe('a client', () => {
  it('links two servers, and each server knows of its clients without being told', () => {
    const members = membersWith()
    const load = new Map(servers.map((id) => [id, overlayOf(id, members).neighbors()]))
    for (const client of clients) {
      const own = overlayOf(client, members).neighbors()
      assert.equal(own.length, 2)
      for (const server of servers)
        assert.equal(load.get(server)?.includes(client), own.includes(server), `${client} ${server}`)
    }
    for (const neighbors of load.values())
      assert.ok(neighbors.length > 4 + 20 && neighbors.length < 4 + 60, 'spread evenly')
  })

  it('goes on with its other server when a link breaks, before any verdict', () => {
    const client = linkAll(overlayOf('c1', membersWith()))
    const [first = '', second] = client.neighbors()
    client.step({ type: 'disconnected', peer: first, announced: false }, 2)
    assert.equal(client.nextHop('c2'), second)
    assert.deepEqual(client.connectivity(), { target: 2, linked: 1, isIsolated: false })
  })

  it('replaces a server that is down, and moves back when it returns', () => {
    const client = linkAll(overlayOf('c1', membersWith()))
    const [first = '', second = ''] = client.neighbors()
    const down = membersWith({ [first]: { state: 'down' } })
    const effects = client.step({ type: 'members', members: down }, 2)
    const third = client.neighbors().find((id) => id !== first && id !== second) ?? ''
    assert.deepEqual(effects, [
      { type: 'unlink', peer: first },
      { type: 'link', peer: third, after: 0 },
    ])
    client.step({ type: 'disconnected', peer: first, announced: false }, 3)
    client.step({ type: 'connected', peer: third }, 3)
    client.step({ type: 'members', members: membersWith() }, 4)
    assert.deepEqual(client.step({ type: 'connected', peer: first }, 5), [{ type: 'unlink', peer: third }])
    assert.deepEqual([...client.neighbors()].sort(), [first, second].sort())
  })

  it('keeps a server that is no longer its own until the new one is linked', () => {
    const [, second = ''] = overlayOf('c1', membersWith()).neighbors()
    const client = linkAll(overlayOf('c1', membersWith({}, [second])))
    const former = client.neighbors().filter((id) => !overlayOf('c1', membersWith()).neighbors().includes(id))
    assert.deepEqual(client.step({ type: 'members', members: membersWith() }, 2), [
      { type: 'link', peer: second, after: 0 },
    ])
    assert.equal(client.neighbors().length, 3)
    assert.deepEqual(client.step({ type: 'connected', peer: second }, 3), [{ type: 'unlink', peer: former[0] }])
  })

  it('of a server that went moves, and no other', () => {
    const before = new Map(clients.map((id) => [id, overlayOf(id, membersWith()).neighbors()]))
    for (const client of clients) {
      const after = overlayOf(client, membersWith({}, ['s3'])).neighbors()
      const own = before.get(client) ?? []
      if (own.includes('s3')) assert.equal(after.filter((id) => own.includes(id)).length, 1)
      else assert.deepEqual(after, own)
    }
  })

  it('uses the voters while no server lives, and calls every server until one answers', () => {
    const gone = Object.fromEntries(servers.map((id) => [id, { state: 'down' as const }]))
    assert.deepEqual([...overlayOf('c9', membersWith(gone), ['c1', 'c2']).neighbors()].sort(), ['c1', 'c2'])
    const alone = membersWith({ ...gone, ...Object.fromEntries(clients.map((id) => [id, { state: 'down' as const }])) })
    assert.deepEqual([...overlayOf('c9', alone, ['c1']).neighbors()].sort(), ['c1', ...servers])
  })

  it('gives no work to a server that drains', () => {
    for (const client of clients)
      assert.ok(
        !overlayOf(client, membersWith({ s2: { condition: 'draining' } }))
          .neighbors()
          .includes('s2'),
      )
  })
})

describe('a server', () => {
  it('hands a message for a client of others to a later server of it, so none comes back', () => {
    const members = membersWith()
    const all = new Map(servers.map((id) => [id, linkAll(overlayOf(id, members))]))
    const [first = '', second = ''] = overlayOf('c1', members).neighbors()
    all.get(first)?.step({ type: 'disconnected', peer: 'c1', announced: false }, 2)
    all.get(second)?.step({ type: 'disconnected', peer: 'c1', announced: false }, 2)
    assert.equal(all.get(first)?.nextHop('c1'), second)
    assert.equal(all.get(second)?.nextHop('c1'), undefined)
  })

  it('lets its clients call, and calls them after a grace period', () => {
    const [own = ''] = overlayOf('c1', membersWith()).neighbors()
    const effects = new ClientServer(own).step({ type: 'members', members: membersWith() }, 0)
    assert.deepEqual(
      effects.find((effect) => effect.type === 'link' && effect.peer === 'c1'),
      { type: 'link', peer: 'c1', after: 500 },
    )
  })

  it('keeps a client that is no longer its own until that one closes the link', () => {
    const [, second = ''] = overlayOf('c1', membersWith()).neighbors()
    const [third = ''] = overlayOf('c1', membersWith({}, [second]))
      .neighbors()
      .filter((id) => id !== second)
    const without = membersWith({}, [second])
    const former =
      servers.find(
        (id) =>
          id !== second &&
          overlayOf(id, without).neighbors().includes('c1') &&
          !overlayOf(id, membersWith()).neighbors().includes('c1'),
      ) ?? third
    const server = linkAll(overlayOf(former, without))
    server.step({ type: 'members', members: membersWith() }, 2)
    assert.equal(server.nextHop('c1'), 'c1')
    const effects = server.step({ type: 'disconnected', peer: 'c1', announced: true }, 3)
    assert.deepEqual(effects, [{ type: 'unlink', peer: 'c1' }])
    assert.ok(!server.neighbors().includes('c1'))
  })
})

describe('the client-server definition', () => {
  it('refuses members of which some are clients and none serves', () => {
    const only = clients.map((id) => recordOf(id, { roles: ['client'] }))
    assert.equal(clientServer.refusal(only)?.code, 'ERR_NO_SERVER_NODES')
    assert.equal(clientServer.refusal(membersWith()), undefined)
    assert.equal(clientServer.refusal([recordOf('a'), recordOf('b')]), undefined)
    assert.equal(
      clientServer.refusal([...only, recordOf('s', { roles: ['server'], state: 'left' })])?.code,
      'ERR_NO_SERVER_NODES',
    )
  })

  it('estimates the links that its members then want', () => {
    const members = membersWith()
    const ends = members.map(({ id }) => overlayOf(id, members).neighbors().length)
    const { links, hops } = clientServer.estimate(members, {}, [])
    assert.equal(links, ends.reduce((sum, count) => sum + count, 0) / 2)
    assert.equal(hops, 3)
  })

  it('names every parameter that is wrong', () => {
    assert.deepEqual(clientServer.problems({ serversPerClient: 0, dialGraceMs: 'x', speed: 1 }), [
      'client-server.speed is not an option',
      'client-server.serversPerClient (0) must be from 1 to 16',
      'client-server.dialGraceMs (x) must be a number',
    ])
    assert.deepEqual(clientServer.problems({}), [])
    assert.throws(() => new ClientServer('a', { serversPerClient: 1.5 }), InvariantError)
  })
})
