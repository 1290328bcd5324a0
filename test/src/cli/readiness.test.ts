import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fullVoters, type NodeReport, readiness } from '../../../src/cli/up/readiness.ts'
import type { NodeStatus } from '../../../src/node-interface.ts'

function reports(count: number, change: (status: NodeStatus, i: number) => unknown = () => ({})): NodeReport[] {
  const names = Array.from({ length: count }, (_, i) => `node-${i + 1}`)
  return names.map((name, i) => {
    const status: NodeStatus = {
      node: { id: name, name, address: '127.0.0.1:1', roles: [], condition: 'ok' },
      cluster: { id: 'c', name: 'trellis', size: count, alive: count },
      topology: { name: 'full-mesh', epoch: 0, phase: 'stable' },
      consensus: {
        role: 'follower',
        term: 1,
        leader: 'node-2',
        commitIndex: i,
        quorum: true,
        voters: names.slice(0, fullVoters(count)),
        learners: [],
      },
      s5: { host: 'node-2', phase: 'active', fencingToken: 4 },
    }
    const parts = Object.entries(change(status, i) as object)
    return {
      name,
      status: {
        ...status,
        ...Object.fromEntries(parts.map(([key, value]) => [key, { ...status[key as 'node'], ...value }])),
      },
    }
  })
}

describe('readiness', () => {
  it('is there when every node sees all alive, all voters, one leader and one active S5', () => {
    assert.deepEqual(readiness(reports(5), 5), { ready: true, leader: 'node-2', s5: 'node-2', fencingToken: 4 })
    assert.equal(
      readiness(
        reports(1, () => ({ consensus: { leader: 'node-1' } })),
        1,
      ).ready,
      true,
    )
  })

  const missing: readonly [title: string, change: (status: NodeStatus, i: number) => unknown, expected: string][] = [
    ['is in no cluster', (_, i) => (i === 2 ? { cluster: { id: null } } : {}), 'node-3 has not found its cluster yet'],
    ['sees fewer alive', (_, i) => (i === 2 ? { cluster: { alive: 4 } } : {}), 'node-3 sees 4 of 5 members alive'],
    ['knows no leader', (_, i) => (i === 0 ? { consensus: { leader: null } } : {}), 'node-1 knows no leader'],
    [
      'knows too few voters',
      (_, i) => (i === 0 ? { consensus: { voters: ['a', 'b', 'c'] } } : {}),
      'node-1 knows 3 of 5 voters',
    ],
    [
      'sees S5 begin',
      (_, i) => (i === 4 ? { s5: { phase: 'activating', host: null } } : {}),
      'node-5 sees S5 activating',
    ],
    [
      'knows another leader',
      (_, i) => (i === 4 ? { consensus: { leader: 'node-1' } } : {}),
      'the nodes do not agree yet on who leads and hosts S5',
    ],
    [
      'knows an older token',
      (_, i) => (i === 4 ? { s5: { fencingToken: 3 } } : {}),
      'the nodes do not agree yet on who leads and hosts S5',
    ],
  ]
  for (const [title, change, expected] of missing)
    it(`is not there while one node ${title}`, () => {
      assert.deepEqual(readiness(reports(5, change), 5), { ready: false, missing: [expected] })
    })

  it('names each node that does not answer', () => {
    const [first, ...others] = reports(3)
    assert.deepEqual(readiness([first!, ...others.map(({ name }) => ({ name, status: undefined }))], 3), {
      ready: false,
      missing: ['node-2 does not answer yet', 'node-3 does not answer yet'],
    })
  })

  it('asks for the voters of those who formed the cluster, not of those who run now', () => {
    const change = () => ({ consensus: { voters: ['a', 'b', 'c'] } })
    assert.equal(readiness(reports(5, change), 3).ready, true)
    assert.equal(readiness(reports(5, change), 5).ready, false)
  })
})

describe('the voters of a cluster', () => {
  it('are the largest odd number up to five', () => {
    assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 7, 50].map(fullVoters), [0, 1, 1, 3, 3, 5, 5, 5, 5])
  })
})
