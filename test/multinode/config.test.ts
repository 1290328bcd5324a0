import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClusterProcess } from '../../src/testing/process-member.ts'
import { type ProcessCluster, startProcesses } from '../../src/testing/processes.ts'
import { ask, type JsonObject } from '../src/admin/client.ts'
import { assertLinearizable, type Operation } from './linearizable.ts'

interface Told {
  readonly status: number
  readonly json: JsonObject
}

async function tell(node: ClusterProcess, method: string, path: string, body?: unknown, headers = {}): Promise<Told> {
  const all = { 'content-type': 'application/json', ...headers }
  return ask(`${node.admin}/v1/${path}`, {
    method,
    headers: all,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

/** A call that is made again, on any running node, until it is answered with 200. */
function granted(cluster: ProcessCluster, method: string, path: string, body?: unknown): Promise<JsonObject> {
  return cluster.until(`${method} ${path}`, async () => {
    for (const node of cluster.running) {
      const { status, json } = await tell(node, method, path, body)
      if (status === 200) return json
    }
    return undefined
  })
}

describe('config in processes', () => {
  it('survives a full stop; a lock goes on with a larger token, and a stale one releases nothing', async () => {
    await using cluster = await startProcesses(3)
    const lock = { leaseMs: 1_000, owner: 'a', waitMs: 10_000 }
    const first = await granted(cluster, 'POST', 'locks/ledger', lock)
    const kept = await granted(cluster, 'PUT', 'config/kept', { value: ['x'] })
    const { leader } = await cluster.ready()
    await leader.kill()
    const second = await granted(cluster, 'POST', 'locks/ledger', { ...lock, owner: 'b' })
    assert.ok((second.token as number) > (first.token as number))
    const stale = await tell(cluster.running[0]!, 'DELETE', `locks/ledger?token=${first.token}`)
    assert.deepEqual([stale.status, stale.json.code], [409, 'ERR_STALE_TOKEN'])
    await Promise.all(cluster.running.map((node) => node.kill()))
    await Promise.all(cluster.nodes.map((node) => node.restart()))
    assert.deepEqual(await granted(cluster, 'GET', 'config/kept'), kept)
    const third = await granted(cluster, 'POST', 'locks/ledger', { ...lock, owner: 'c' })
    assert.ok((third.token as number) > (second.token as number))
  })

  it('is refused in a minority, reads and writes, with ERR_NO_QUORUM; stale reads are answered with their age', async () => {
    await using cluster = await startProcesses(3)
    await granted(cluster, 'PUT', 'config/limit', { value: 7 })
    const [alone, ...others] = cluster.nodes as [ClusterProcess, ClusterProcess, ClusterProcess]
    await cluster.until(
      'its own copy has it',
      async () => (await tell(alone, 'GET', 'config/limit?consistency=stale')).status === 200,
    )
    await Promise.all(others.map((node) => node.kill()))
    for (const [method, path, body] of [
      ['PUT', 'config/limit', { value: 8 }],
      ['GET', 'config/limit', undefined],
      ['POST', 'locks/x', { leaseMs: 1_000, owner: 'a' }],
    ] as const) {
      const { status, json } = await tell(alone, method, path, body)
      assert.deepEqual([status, json.code], [503, 'ERR_NO_QUORUM'])
    }
    const { status, json } = await tell(alone, 'GET', 'config/limit?consistency=stale')
    assert.deepEqual([status, json.value, Number.isInteger(json.ageMs)], [200, 7, true])
    await others[0].restart()
    assert.equal((await granted(cluster, 'GET', 'config/limit')).value, 7)
  })
})

describe('the check of histories', () => {
  const write = (began: number, ended: number, revision: number): Operation => ({
    type: 'write',
    began,
    ended,
    revision,
    value: revision,
  })
  const read = (began: number, ended: number, revision: number, value = revision): Operation => ({
    type: 'read',
    began,
    ended,
    revision,
    value,
  })

  it('takes what may be, and refuses a stale read, a lost write, a split truth', () => {
    assertLinearizable([write(0, 5, 1), read(1, 2, 1), write(3, 6, 3), write(4, 7, 2), read(8, 9, 3)])
    for (const wrong of [
      [write(0, 1, 1), write(2, 3, 2), read(4, 5, 1)],
      [write(0, 1, 2), write(2, 3, 1)],
      [read(0, 1, 1), read(0, 1, 1, 9)],
      [write(0, 1, 1), write(0, 1, 1)],
      [read(0, 1, 2), read(2, 3, 1)],
    ])
      assert.throws(() => assertLinearizable(wrong))
  })
})
