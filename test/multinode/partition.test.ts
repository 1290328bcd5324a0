// A cluster that falls apart and heals: the minority knows that it is one, the majority goes on, and afterwards all are one again.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startProcesses } from '../../src/testing/processes.ts'

describe('five processes', { timeout: 120_000 }, () => {
  it('partition 3-2 (leader in the minority): the majority hosts S5 anew with a greater token, then all are one', async () => {
    await using cluster = await startProcesses(5)
    const { leader, fencingToken } = await cluster.ready()
    const followers = cluster.nodes.filter((node) => node !== leader)
    const minority = [leader, followers[0]!]
    const majority = followers.slice(1)
    await cluster.partition(minority, majority)
    const token = await cluster.until('the majority hosts S5', async () => {
      const statuses = await Promise.all(majority.map((node) => node.status()))
      const [first] = statuses
      const isOne = statuses.every(({ s5 }) => s5.phase === 'active' && s5.host === first?.s5.host)
      return isOne && majority.some(({ name }) => name === first?.s5.host) && first?.s5.fencingToken
    })
    assert.ok(token > fencingToken)
    await cluster.until('the minority knows that it is one', async () => {
      const statuses = await Promise.all(minority.map((node) => node.status()))
      return statuses.every(({ consensus, s5 }) => !consensus.quorum && consensus.leader === null && s5.host === null)
    })
    await cluster.heal()
    const after = await cluster.ready()
    assert.ok(after.fencingToken >= token)
  })
})
