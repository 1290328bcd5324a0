// Six processes that formed two clusters: they refuse each other, and are one when an operator says so, also when the
// process that was told is killed in the middle of it.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MergeReport } from '../../src/merging/merge-interface.ts'
import { createNode } from '../../src/node.ts'
import { type Logger, silentLogger } from '../../src/observability/logger.ts'
import { type ProcessCluster, startProcesses } from '../../src/testing/processes.ts'
import { trellis } from '../src/cli/run-process.ts'

const secret = 'the secret of two clusters under test'

async function startTwo(): Promise<[ProcessCluster, ProcessCluster]> {
  return Promise.all([startProcesses(3, { namePrefix: 'a', secret }), startProcesses(3, { namePrefix: 'b', secret })])
}

const put = (cluster: ProcessCluster, key: string, value: unknown) =>
  cluster.nodes[0]!.ask(`/v1/config/${key}`, { method: 'PUT', body: { value } })
const valueAt = async (cluster: ProcessCluster, key: string) =>
  ((await cluster.nodes[2]!.ask(`/v1/config/${key}`)) as { value: unknown }).value

/** What `trellis` answers on stdout, when all is well. */
async function run(...argv: string[]): Promise<string> {
  using command = trellis(argv)
  const { code } = await command.exited
  assert.deepEqual([code, command.err], [0, ''])
  return command.out
}

/** Resolves to the id of the one cluster that all six are in, all alive. */
async function untilOne(a: ProcessCluster, b: ProcessCluster): Promise<string> {
  return a.until(
    'the six are one cluster',
    async () => {
      const reports = [...(await a.statuses()), ...(await b.statuses())]
      const ids = new Set(reports.map(({ status }) => status?.cluster.id))
      const [id] = ids
      const isWhole = reports.every(({ status }) => status?.cluster.alive === 6 && status.s5.phase === 'active')
      return ids.size === 1 && reports.length === 6 && isWhole && id
    },
    { timeoutMs: 60_000 },
  )
}

describe('two clusters of three processes under one name and secret', { timeout: 180_000 }, () => {
  it('refuse each other, and are one when they are told to', async () => {
    const [a, b] = await startTwo()
    await using _a = a
    await using _b = b
    const { clusterId } = await a.ready()
    await put(a, 'kept', 'of a')

    const [stopped] = a.nodes
    await stopped!.stop()
    const warnings: string[] = []
    const warn = (message: string, fields?: object): void => void warnings.push(`${message} ${JSON.stringify(fields)}`)
    const logger: Logger = { ...silentLogger, warn, child: () => logger }
    const { name, dataDir, address: listen } = stopped!
    const join = b.nodes.map(({ address }) => address)
    await using node = await createNode({ name, dataDir, secret, listen, join, logger, timeoutMs: 20_000 })
    assert.equal(node.status().cluster.id, clusterId, 'it is where it was')
    await a.until('it says why it is not there', () => warnings.some((line) => line.includes('ERR_FOREIGN_CLUSTER')))
    await node.stop()
    await stopped!.restart()
    await a.ready()

    const ask = ['merge', b.nodes[1]!.address, '--admin', a.nodes[1]!.admin]
    const planned = await run(...ask, '--dry-run')
    assert.match(planned, /^stays .*of the node asked.* 1 keys/)
    assert.match(planned, /\nrejoin {5}b1, b2, b3\nnothing was changed\n$/)
    const report = JSON.parse(await run(...ask, '--json')) as MergeReport
    assert.deepEqual([report.outcome, report.rejoined.toSorted()], ['merged', ['b1', 'b2', 'b3']])
    assert.equal(await untilOne(a, b), clusterId)
    assert.equal(await valueAt(b, 'kept'), 'of a')
  })

  it('are merged or not when the process that was told is killed, and are when it is told again', async () => {
    const [a, b] = await startTwo()
    await using _a = a
    await using _b = b
    await put(a, 'kept', 'of a')
    await put(b, 'dropped', 'of b')
    const order = { with: b.nodes[0]!.address }
    const merge = (by: number, body: object) => a.nodes[by]!.ask('/v1/merge', { method: 'POST', body }, 60_000)
    await assert.rejects(merge(0, order), /both clusters hold data of users/)

    const told = merge(0, { ...order, keep: 'ours' }).catch(() => undefined)
    await a.nodes[0]!.kill()
    await told
    await a.nodes[0]!.restart()
    await a.ready()
    const again = await a.until('it is merged, now or before', async () => {
      const address = b.nodes[2]!.address
      return (await merge(1, { with: address, keep: 'ours' })) as MergeReport
    })
    assert.ok(['merged', 'already-merged'].includes(again.outcome))
    await untilOne(a, b)
    assert.equal(await valueAt(b, 'kept'), 'of a')
    await assert.rejects(valueAt(a, 'dropped'), /dropped/)
  })
})
