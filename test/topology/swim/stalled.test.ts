import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { swimRules } from '../../../topology/index.ts'
import { StalledMembers } from '../../../topology/swim/stalled-members.ts'

const stall = { ageMs: 250, probeTimeoutMs: 250, stalledForMs: 0, keepStalledMs: 1_000 }

describe("a liveness worker's answer", () => {
  it('explains the silence of a main thread that has not turned while the probe waited', () => {
    assert.equal(swimRules.excusesSilence(stall), true)
    assert.equal(swimRules.excusesSilence({ ...stall, ageMs: 100 }), false, 'that one turns, and does not answer')
  })

  it('explains it for a bounded time only', () => {
    assert.equal(swimRules.excusesSilence({ ...stall, stalledForMs: 999 }), true)
    assert.equal(swimRules.excusesSilence({ ...stall, stalledForMs: 1_000 }), false)
    assert.equal(swimRules.excusesSilence({ ...stall, keepStalledMs: 0 }), false)
  })
})

describe('stalled members', () => {
  it('are stalled since the first word of an incarnation', () => {
    const stalled = new StalledMembers()
    const first = { generation: 1, refutation: 1 }
    assert.equal(stalled.forMs('a', 50), 0)
    assert.ok(stalled.keptUntil('a', 1_000) < 0)
    stalled.note('a', first, 10)
    stalled.note('a', first, 40)
    assert.equal(stalled.forMs('a', 50), 40)
    assert.equal(stalled.keptUntil('a', 1_000), 1_010)
    stalled.note('a', { generation: 1, refutation: 2 }, 45)
    assert.equal(stalled.forMs('a', 50), 5)
    stalled.clear('a')
    assert.equal(stalled.forMs('a', 50), 0)
  })
})
