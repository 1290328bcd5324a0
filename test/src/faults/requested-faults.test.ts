import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FaultRequest, TrellisNode } from '../../../src/index.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { ask } from '../admin/client.ts'
import { form, start, stateOf } from '../local-nodes.ts'

const nothing = { block: [], direction: 'both', stallMs: 0 }

async function three(): Promise<[TrellisNode, TrellisNode, TrellisNode]> {
  const nodes = await form(['a', 'b', 'c'], () => ({ allowFaults: true, admin: '127.0.0.1:0' }))
  return nodes as [TrellisNode, TrellisNode, TrellisNode]
}

const call = (node: TrellisNode, method: string, body?: string) =>
  ask(`${node.admin}/v1/faults`, {
    method,
    ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
  })

const codeOf = (work: () => unknown): unknown => {
  try {
    work()
  } catch (error) {
    return (error as { code?: unknown }).code
  }
  return undefined
}

describe('faults on request', () => {
  it('are refused by a node that was not started for them', async () => {
    const node = await start({ admin: '127.0.0.1:0' })
    assert.equal(
      codeOf(() => node.faults.set({})),
      'ERR_FAULTS_NOT_ALLOWED',
    )
    assert.equal(
      codeOf(() => node.faults.clear()),
      'ERR_FAULTS_NOT_ALLOWED',
    )
    assert.deepEqual(node.faults.current(), nothing)
    const answer = await call(node, 'POST', '{}')
    assert.deepEqual([answer.status, answer.json.code], [403, 'ERR_FAULTS_NOT_ALLOWED'])
  })

  it('cut a member off, which then knows that it is in a minority', async () => {
    const [a, b, c] = await three()
    const others = { block: ['b', 'c'] }
    const answer = await call(a, 'POST', JSON.stringify(others))
    assert.deepEqual([answer.status, answer.json], [200, { ...nothing, ...others }])
    await waitUntil(() => [b, c].every((node) => stateOf(node, 'a') === 'down' && node.status().s5.phase === 'active'))
    await waitUntil(() => a.status().consensus.leader === null && stateOf(a, 'b') === 'down')
    assert.deepEqual([a.status().s5.host, a.status().consensus.quorum], [null, false])
    const healed = await call(a, 'DELETE')
    assert.deepEqual([healed.status, healed.json], [200, nothing])
  })

  it('replace what was set before', async () => {
    const [a] = await three()
    a.faults.set({ block: ['b'], direction: 'in' })
    assert.deepEqual(a.faults.set({ block: ['c', 'c'], direction: 'out' }), {
      block: ['c'],
      direction: 'out',
      stallMs: 0,
    })
    assert.deepEqual(a.faults.set({}), nothing)
  })

  it('make the event loop stand still once, after the answer', async () => {
    const node = await start({ allowFaults: true, admin: '127.0.0.1:0' })
    const from = performance.now()
    const answer = await call(node, 'POST', '{"stallMs":300}')
    assert.deepEqual(answer.json, { ...nothing, stallMs: 300 })
    await waitUntil(() => node.faults.current().stallMs === 0)
    assert.ok(performance.now() - from >= 300)
    await waitUntil(() => (node.counters().away ?? 0) > 0)
  })

  it('are refused when they make no sense', async () => {
    const node = await start({ name: 'self', allowFaults: true })
    const mad: unknown[] = [
      null,
      [],
      'b',
      { blocks: [] },
      { block: 'b' },
      { block: [1] },
      { block: new Array(1_001).fill('b') },
      { direction: 'up' },
      { stallMs: -1 },
      { stallMs: 1.5 },
      { stallMs: 600_001 },
      { block: ['self'] },
    ]
    for (const request of mad)
      assert.equal(
        codeOf(() => node.faults.set(request as FaultRequest)),
        'ERR_BAD_REQUEST',
        JSON.stringify(request),
      )
    assert.equal(
      codeOf(() => node.faults.set({ block: ['nobody'] })),
      'ERR_UNKNOWN_MEMBER',
    )
    assert.deepEqual(node.faults.current(), nothing)
  })
})
