import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../src/index.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { createTestCluster } from '../../../src/testing/index.ts'
import { ask } from '../admin/client.ts'
import { runInProcess } from '../cli/run-in-process.ts'
import { agreed, form, start, stateOf } from '../local-nodes.ts'

describe('why', () => {
  it('tells who accused a member that was cut off, and that it came back', async () => {
    const nodes = await form(['a', 'b', 'c'], () => ({ allowFaults: true, admin: '127.0.0.1:0' }))
    const [a, b, c] = nodes
    assert.ok(a && b && c)
    a.faults.set({ block: ['b', 'c'] })
    await waitUntil(() => [b, c].every((node) => stateOf(node, 'a') === 'down'))
    const cut = await b.why('a')
    assert.equal(cut.member.state, 'down')
    assert.deepEqual(
      cut.beliefs.map(({ name, state }) => [name, state]),
      [
        ['b', 'down'],
        ['c', 'down'],
      ],
    )
    const verdicts = cut.evidence.filter((entry) => entry.type === 'verdict')
    const [suspected] = verdicts.filter(({ state }) => state === 'suspect')
    assert.ok(suspected?.accusers.some(({ by, kind }) => by === suspected.observer && kind === 'silent'))
    const states = verdicts.filter(({ observer }) => observer === 'b').map(({ state }) => state)
    assert.deepEqual(states.slice(-2), ['suspect', 'down'])

    a.faults.clear()
    await agreed(nodes)
    const healed = await c.why('a')
    assert.deepEqual(healed.unanswered, [])
    const own = healed.evidence.findIndex(
      (entry) => entry.observer === 'a' && entry.type === 'verdict' && entry.reason === 'refuted',
    )
    const believed = healed.evidence.findIndex(
      (entry) => entry.observer === 'b' && entry.type === 'verdict' && entry.reason === 'refuted',
    )
    assert.ok(own >= 0 && believed > own, JSON.stringify(healed.evidence))

    const answer = await ask(`${b.admin}/v1/members/a/why`)
    assert.equal(answer.status, 200)
    assert.deepEqual(Object.keys(answer.json).sort(), ['beliefs', 'evidence', 'member', 'notAsked', 'unanswered'])
    const { code, out } = await runInProcess(['why', 'a', '--admin', b.admin ?? ''])
    assert.equal(code, 0)
    assert.match(out, /^a is alive, ok\n\nMEMBER +BELIEVES/)
    assert.match(out, /down: suspect, ok -> down, ok \((b|c): silent \d+ ms ago/)
  })

  it('names who does not answer', async () => {
    await using cluster = await createTestCluster(2)
    const [a, b] = cluster.nodes
    assert.ok(a && b)
    b.faults.set({ block: ['node-1'], direction: 'in' })
    const { unanswered, beliefs } = await a.why('node-2', { timeoutMs: 50 })
    assert.deepEqual(unanswered, [{ name: 'node-2', problem: 'ERR_TIMEOUT' }])
    assert.deepEqual(
      beliefs.map(({ name }) => name),
      ['node-1'],
    )
  })

  it('is refused for a member that nobody knows', async () => {
    const node = await start({ admin: '127.0.0.1:0' })
    await assert.rejects(node.why('nobody'), (error) => isClusterError(error, 'ERR_UNKNOWN_MEMBER'))
    const answer = await ask(`${node.admin}/v1/members/nobody/why`)
    assert.deepEqual([answer.status, answer.json.code], [404, 'ERR_UNKNOWN_MEMBER'])
  })
})
