import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Knowledge } from '../../src/coordination/knowledge.ts'
import { memberView, nodeStatus, type StatusFacts } from '../../src/node-views.ts'
import { recordOf, type Self } from '../../src/self.ts'

const self: Self = {
  id: 'id-a',
  name: 'a',
  cluster: 'trellis',
  generation: 2,
  instance: new Uint8Array(8),
  storeId: 'store-a',
  address: '127.0.0.1:7401',
  roles: [],
  zone: '',
}
const record = recordOf(self)

function status(changes: Partial<StatusFacts> = {}) {
  return nodeStatus({
    self,
    condition: 'ok',
    clusterId: 'c',
    members: [record],
    topology: { name: 'full-mesh', epoch: 0, phase: 'stable' },
    knowledge: undefined,
    nameOf: (id) => id.replace('id-', ''),
    ...changes,
  })
}

const knowledge: Knowledge = {
  role: 'follower',
  term: 3,
  leader: 'id-b',
  commitIndex: 9,
  quorum: true,
  voters: ['id-a', 'id-b', 'id-c'],
  learners: ['id-d'],
  s5: { host: 'id-b', phase: 'active', token: 7 },
}

describe('the status of a node', () => {
  it('names members; ids stand only in id', () => {
    const { node, consensus, s5 } = status({ knowledge })
    assert.equal(node.id, 'id-a')
    assert.deepEqual(consensus, {
      role: 'follower',
      term: 3,
      leader: 'b',
      commitIndex: 9,
      quorum: true,
      voters: ['a', 'b', 'c'],
      learners: ['d'],
    })
    assert.deepEqual(s5, { host: 'b', phase: 'active', fencingToken: 7 })
  })

  it('knows nobody before it knows its cluster', () => {
    const { cluster, consensus, s5 } = status({ clusterId: undefined })
    assert.equal(cluster.id, null)
    assert.deepEqual(consensus, {
      role: 'none',
      term: 0,
      leader: null,
      commitIndex: 0,
      quorum: false,
      voters: [],
      learners: [],
    })
    assert.deepEqual(s5, { host: null, phase: 'inactive', fencingToken: null })
  })

  it('counts as its size all that have not left, and as alive only those that are', () => {
    const states = ['alive', 'suspect', 'down', 'left'] as const
    const members = states.map((state) => ({ ...record, id: state, state }))
    const { cluster } = status({ members })
    assert.deepEqual([cluster.size, cluster.alive], [3, 1])
  })
})

describe('the view of a member', () => {
  it('has its incarnation as one number, and nothing that is no part of the interface', () => {
    const view = memberView({ ...record, incarnation: { generation: 2, refutation: 3 } })
    assert.deepEqual(view, {
      id: 'id-a',
      name: 'a',
      address: '127.0.0.1:7401',
      state: 'alive',
      condition: 'ok',
      incarnation: 2 * 2 ** 20 + 3,
      roles: [],
      zone: '',
    })
  })
})
