import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startAdmin } from '../../../src/admin/server.ts'
import { createNode } from '../../../src/index.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { readExposition } from '../observability/exposition.ts'
import { ask } from './client.ts'
import { fakeNode } from './fake-node.ts'

describe('GET /metrics', () => {
  it('asks for the role that the status asks for', async () => {
    const admin = await startAdmin(fakeNode(), { address: '127.0.0.1:0', tokens: { read: 'a-token-that-may-read' } })
    const headers = { authorization: 'Bearer a-token-that-may-read' }
    const answers = [await ask(`${admin.url}/metrics`), await ask(`${admin.url}/metrics`, { headers })]
    await admin.close()
    assert.deepEqual(
      answers.map(({ status }) => status),
      [401, 200],
    )
    assert.equal(answers[1]?.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  })

  it('shows a running node as it is: leader, log, S5, elections', async () => {
    const node = await createNode({ name: 'measured', listen: '127.0.0.1:0', admin: '127.0.0.1:0' })
    try {
      await waitUntil(() => node.status().s5.phase === 'active')
      // What is agreed on may grow while it is asked for: it is asked for until nothing did.
      let text: string
      let read: ReturnType<typeof readExposition>
      do {
        text = (await ask(`${node.admin}/metrics`)).text
        read = readExposition(text)
      } while (read.get('trellis_raft_applied_index')?.samples[0]?.value !== node.status().consensus.commitIndex)
      const value = (name: string) => read.get(name)?.samples[0]?.value
      const { consensus, s5 } = node.status()
      assert.equal(value('trellis_raft_term'), consensus.term)
      assert.equal(value('trellis_s5_fencing_token'), s5.fencingToken)
      assert.equal(value('trellis_s5_hosted'), 1)
      assert.equal(value('trellis_raft_has_leader'), 1)
      assert.equal(value('trellis_leader_changes_total'), 1)
      const won = read.get('trellis_raft_elections_total')?.samples.find(({ labels }) => labels.stage === 'leader')
      assert.equal(won?.value, 1)
      const committed = read.get('trellis_raft_proposals_total')?.samples.find(({ labels }) => labels.outcome)
      assert.ok(committed!.value >= 2, text)
      const flushes = read
        .get('trellis_log_flush_duration_seconds')
        ?.samples.find(({ name }) => name.endsWith('_count'))
      assert.ok(flushes!.value > 0)
    } finally {
      await node.stop()
    }
  })
})
