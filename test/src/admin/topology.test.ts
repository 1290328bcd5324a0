import assert from 'node:assert/strict'
import { it } from 'node:test'
import { startAdmin } from '../../../src/admin/server.ts'
import { linkViews } from '../../../src/node-views.ts'
import type { MemberRecord } from '../../../topology/index.ts'
import { ask } from './client.ts'
import { fakeNode } from './fake-node.ts'

it('GET /v1/topology answers the overlay and the links of this node, and nothing else is allowed there', async () => {
  const node = fakeNode()
  node.setLinks([{ peer: 'node-2', kind: 'overlay', channels: ['coordination'], pinned: false }])
  const admin = await startAdmin(node, { address: '127.0.0.1:0' })
  const { status, json } = await ask(`${admin.url}/v1/topology`)
  assert.equal(status, 200)
  assert.deepEqual(json, { name: 'full-mesh', epoch: 0, phase: 'stable', links: node.links(), history: [] })
  assert.equal((await ask(`${admin.url}/v1/topology`, { method: 'DELETE' })).status, 405)
  await admin.close()
})

it('a link is pinned between voters, of the overlay to a member, and on demand to a stranger', () => {
  const members = ['a', 'b', 'c'].map((id) => ({ id }) as MemberRecord)
  const views = linkViews({
    self: 'a',
    peers: ['x', 'c', 'b', 'v'],
    voters: ['a', 'b', 'v'],
    members,
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
