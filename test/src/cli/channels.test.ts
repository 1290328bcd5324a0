// `trellis channels`: what the table says, once and with rates.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startAdmin } from '../../../src/admin/server.ts'
import type { ChannelStats } from '../../../src/channels/channel.ts'
import { describeChannels, describeLanes } from '../../../src/cli/commands/channels.ts'
import { fakeNode } from '../admin/fake-node.ts'
import { runInProcess } from './run-in-process.ts'

const quiet = fakeNode().channel('data').stats()
const busy: ChannelStats = {
  ...quiet,
  queue: { messages: 1_234, bytes: 5_600_000, oldestMs: 12.4 },
  credit: 262_144,
  unacknowledged: 7,
  sent: { messages: 2_500_000, bytes: 1 },
  received: { messages: 999, bytes: 1 },
  handlers: { running: 64, waiting: 20_000 },
  dropped: { 'no-handler': 3, stale: 0 },
  latency: { count: 9, p50Ms: 0.44, p99Ms: 120.6, maxMs: 200 },
}

describe('trellis channels', () => {
  it('shows one row for each channel, in figures that fit', () => {
    const [heads, row] = describeChannels([busy]).split('\n')
    assert.match(heads!, /^CHANNEL +SENT +RECEIVED +QUEUE +AGE +CREDIT +UNACKED +HANDLERS +P50\/P99 +DROPPED$/)
    assert.match(row!, /^data +2\.5M +999 +1\.2k \(5\.6MB\) +12ms +262kB +7 +64\+20k +0\.4ms\/121ms +no-handler 3$/)
  })

  it('shows one row for each channel and neighbor with --lanes', () => {
    const lane = {
      ...{ peer: 'b', connections: 2, credit: 262_144, latencyMs: 0.26 },
      ...{ queue: { messages: 12, bytes: 3_000, oldestMs: 7 }, dropped: { oldest: 2 } },
      ...{ sent: { messages: 50_000, bytes: 1 }, received: { messages: 4, bytes: 1 } },
    }
    const before = [{ ...busy, lanes: [{ ...lane, sent: { messages: 40_000, bytes: 0 } }] }]
    const now = [{ ...busy, lanes: [lane, { ...lane, peer: 'c', latencyMs: undefined }] }]
    const [heads, b, c] = describeLanes(now, { before, seconds: 1 }).split('\n')
    assert.match(heads!, /^CHANNEL +TO +SENT +RECEIVED +QUEUE +AGE +CREDIT +SOCKETS +LATENCY +DROPPED$/)
    assert.match(b!, /^data +b +10k\/s +0\/s +12 \(3\.0kB\) +7ms +262kB +2 +0\.3ms +oldest 2$/)
    assert.match(c!, /^data +c +50k +4 .* - +oldest 2$/)
  })

  it('shows rates beside what was before', () => {
    const before = [{ ...busy, sent: { messages: 2_000_000, bytes: 0 }, received: { messages: 999, bytes: 0 } }]
    assert.match(describeChannels([busy], { before, seconds: 2 }), /^data +250k\/s +0\/s /m)
  })

  it('prints the table once where there is no terminal, and with --json the answer of the node', async () => {
    const admin = await startAdmin(fakeNode(), { address: '127.0.0.1:0' })
    try {
      const { out } = await runInProcess(['channels', '--admin', admin.url])
      assert.deepEqual(
        out
          .trimEnd()
          .split('\n')
          .map((line) => line.split(' ')[0]),
        ['CHANNEL', 'coordination', 'events', 'gossip', 'data'],
      )
      const answer = JSON.parse((await runInProcess(['channels', '--json', '--admin', admin.url])).out)
      assert.equal(answer.channels.length, 4)
    } finally {
      await admin.close()
    }
  })
})
