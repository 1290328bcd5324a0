import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type AdminServer, startAdmin } from '../../../src/admin/server.ts'
import { ClusterError } from '../../../src/errors.ts'
import { linkViews } from '../../../src/node-views.ts'
import { ask } from './client.ts'
import { type FakeNode, fakeNode } from './fake-node.ts'

let node: FakeNode
let admin: AdminServer
before(async () => {
  node = fakeNode()
  admin = await startAdmin(node, { address: '127.0.0.1:0' })
})
after(() => admin.close())

function put(body: unknown): ReturnType<typeof ask> {
  const headers = { 'content-type': 'application/json' }
  return ask(`${admin.url}/v1/topology`, { method: 'PUT', headers, body: JSON.stringify(body) })
}

describe('/v1/topology', () => {
  it('GET answers the overlay and the links of this node, and nothing else is allowed there', async () => {
    node.setLinks([{ peer: 'node-2', kind: 'overlay', channels: ['coordination'], pinned: false }])
    const { status, json } = await ask(`${admin.url}/v1/topology`)
    assert.equal(status, 200)
    assert.deepEqual(json, { name: 'full-mesh', epoch: 0, phase: 'stable', links: node.links(), history: [] })
    assert.equal((await ask(`${admin.url}/v1/topology`, { method: 'DELETE' })).status, 405)
  })

  it('PUT orders a switch and answers its report', async () => {
    const { status, json } = await put({ name: 'hyparview', expectFrom: 'full-mesh', timeoutMs: 9_000, dryRun: false })
    assert.equal(status, 200)
    assert.deepEqual(json, {
      epoch: 1,
      from: 'full-mesh',
      to: 'hyparview',
      outcome: 'committed',
      durationMs: 42,
      nodes: [{ name: 'node-1', progress: 'verified', afterMs: 7, adopted: true }],
      reason: null,
    })
    const { signal, ...options } = node.orders.at(-1)?.options ?? {}
    assert.deepEqual(options, { expectFrom: 'full-mesh', timeoutMs: 9_000, dryRun: false })
    assert.ok(signal)
  })

  it('PUT refuses a body that is no order', async () => {
    for (const body of [[], null, 'hyparview', { name: 'hyparview', force: true }]) {
      const { status, json } = await put(body)
      assert.deepEqual([status, (json as { code: string }).code], [400, 'ERR_BAD_REQUEST'])
    }
  })

  it('PUT tells everything that is wrong with an order at once', async () => {
    const { json } = await put({ expectFrom: 7, timeoutMs: 0, dryRun: 'yes', force: true, signal: {} })
    assert.deepEqual((json as { details: { problem: string } }).details.problem.split('; '), [
      'name must be the name of a topology',
      'expectFrom must be the name of a topology',
      'timeoutMs must be a whole number from 1 to 600000',
      'dryRun must be true or false',
      "unknown option 'force'",
      "unknown option 'signal'",
    ])
  })

  it('PUT refuses with the status of each code', async () => {
    const refusals: [ClusterError, number][] = [
      [new ClusterError('ERR_UNKNOWN_TOPOLOGY', 'x', { name: 'ring', known: ['full-mesh'] }), 400],
      [new ClusterError('ERR_SWITCH_IN_PROGRESS', 'x', { to: 'hyparview' }), 409],
      [new ClusterError('ERR_TOPOLOGY_MISMATCH', 'x', { expected: 'a', current: 'b' }), 409],
      [new ClusterError('ERR_NO_SERVER_NODES', 'x', { topology: 'client-server' }), 409],
      [new ClusterError('ERR_NO_QUORUM', 'x', { voters: ['a'] }, { mayHaveHappened: true }), 503],
    ]
    for (const [refusal, expected] of refusals) {
      node.setSwitch(refusal)
      const { status, json } = await put({ name: 'ring' })
      assert.deepEqual([status, json], [expected, JSON.parse(JSON.stringify(refusal))])
    }
  })
})

it('a link is shown with the reason for which it is held, and pinned between voters', () => {
  const kinds = { b: 'overlay', c: 'overlay', v: 'pinned', x: 'on-demand' } as const
  const views = linkViews({
    self: 'a',
    peers: ['x', 'c', 'b', 'v'],
    voters: ['a', 'b', 'v'],
    kindOf: (id) => kinds[id as keyof typeof kinds],
    nameOf: (id) => id,
  })
  assert.deepEqual(
    views.map(({ peer, kind, pinned }) => [peer, kind, pinned]),
    [
      ['b', 'overlay', true],
      ['c', 'overlay', false],
      ['v', 'pinned', true],
      ['x', 'on-demand', false],
    ],
  )
})
