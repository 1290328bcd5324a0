import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { ClusterProcess } from '../../src/testing/process-member.ts'
import { startProcesses } from '../../src/testing/processes.ts'

const program = fileURLToPath(new URL('fixtures/stream.ts', import.meta.url))
/** `TRELLIS_STREAM_BYTES=1000000000 node --test test/multinode/stream.test.ts` streams a gigabyte. */
const bytes = Number(process.env.TRELLIS_STREAM_BYTES ?? 50_000_000)
const streamTimeoutMs = 60_000 + bytes / 10_000
/**
 * What a member may take at most, however much passes through it: a bare one, and buffers that wait to be collected.
 */
const maxRssMb = 400

interface Line {
  readonly type: string
  readonly [field: string]: unknown
}

function lines(node: ClusterProcess, type: string): Line[] {
  return node.output.map((line) => JSON.parse(line) as Line).filter((line) => line.type === type)
}

describe(`a stream of ${bytes / 1_000_000} MB in one call`, () => {
  it('comes whole and in order while the leader is killed and another one elected, in bounded memory', async () => {
    await using cluster = await startProcesses(3, { program })
    const { leader } = await cluster.ready()
    const [sender, receiver] = cluster.nodes.filter((node) => node !== leader) as [ClusterProcess, ClusterProcess]
    const body = { channel: 'events', to: sender.name, payload: { to: receiver.name, bytes } }
    await sender.ask('/v1/messages', { method: 'POST', body })
    await cluster.until('a third has come', () =>
      lines(receiver, 'progress').some(({ received }) => Number(received) > bytes / 3),
    )
    await leader.kill()
    await cluster.until('all has come', () => lines(receiver, 'received').length > 0, { timeoutMs: streamTimeoutMs })

    const [sent] = lines(sender, 'sent') as [Line]
    const [received] = lines(receiver, 'received') as [Line]
    assert.deepEqual(lines(receiver, 'wrong'), [])
    assert.ok(Number(sent.bytes) >= bytes)
    assert.deepEqual([received.received, received.messages], [sent.bytes, sent.acked])
    assert.equal(received.sha256, sent.sha256)
    const elected = lines(receiver, 'leader').findLast((line) => line.leader !== null)
    assert.notEqual(elected?.leader, leader.name)
    assert.ok(Number(elected?.received) < Number(received.received), 'the election was over before the stream')
    for (const line of [sent, received])
      assert.ok(Number(line.maxRss) < maxRssMb, `${line.type} took ${line.maxRss} MiB`)
  })
})
