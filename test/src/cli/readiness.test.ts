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

  describe('when fewer voters run than a majority', () => {
    const leaderless = (voters: readonly string[]) => () => ({ consensus: { leader: null, voters } })
    const missingOf = (count: number, voters: readonly string[]): readonly string[] => {
      const found = readiness(reports(count, leaderless(voters)), count)
      return found.ready ? [] : found.missing
    }

    it('says how many there are, how many are needed, and what starts them', () => {
      const voters = ['node-1', 'node-2', 'node-3', 'node-4', 'node-5']
      assert.deepEqual(missingOf(2, voters), [
        "the cluster has 5 voters, of which 3 must run to elect a leader, and 2 do: --nodes 3 starts enough; if they are lost, 'trellis recover' founds a new one",
        'node-1 knows no leader',
        'node-2 knows no leader',
      ])
      assert.match(missingOf(1, ['node-1', 'node-4', 'node-6'])[0] ?? '', /has 3 voters, .* 1 does: --nodes 4 starts/)
    })

    it('names those that nothing of it starts', () => {
      const [said] = missingOf(2, ['node-1', 'alpha', 'beta'])
      assert.match(said ?? '', /1 does: start alpha, beta with 'trellis node'; if they are lost/)
    })

    it('says nothing while enough of them run, or it is not known who they are', () => {
      for (const voters of [['node-1', 'node-2', 'node-3'], [], ['12D3KooWa', '12D3KooWb', '12D3KooWc', 'node-1']])
        assert.deepEqual(missingOf(2, voters), ['node-1 knows no leader', 'node-2 knows no leader'])
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
