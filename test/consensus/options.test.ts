import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type RaftOptions, raftPresets, raftProblems, resolveRaftOptions } from '../../consensus/index.ts'

describe('raft options', () => {
  for (const [name, preset] of Object.entries(raftPresets)) {
    it(`the preset ${name} breaks no rule`, () => assert.deepEqual(raftProblems(preset), []))
  }

  const broken: [Partial<RaftOptions>, RegExp][] = [
    [{ heartbeatIntervalMs: 0 }, /heartbeatIntervalMs \(0\) must be at least 1/],
    [
      { heartbeatIntervalMs: 201 },
      /electionTimeoutMinMs \(600\) must be at least 3 times raft.heartbeatIntervalMs \(201\)/,
    ],
    [
      { electionTimeoutMaxMs: 700 },
      /electionTimeoutMaxMs \(700\) must be at least 1.25 times raft.electionTimeoutMinMs \(600\)/,
    ],
    [{ evidenceDelayMaxMs: 601 }, /evidenceDelayMaxMs \(601\) must be from 0 to raft.electionTimeoutMinMs \(600\)/],
    [{ evidenceAttempts: 0 }, /evidenceAttempts \(0\) must be a whole number/],
    [{ leaseMs: 600 }, /leaseMs \(600\) must be below raft.electionTimeoutMinMs \(600\)/],
    [{ leaseMs: 200 }, /leaseMs \(200\) must exceed 2 times raft.heartbeatIntervalMs \(100\)/],
    [{ drift: 0.6 }, /drift \(0.6\) must be from 0 to 0.5/],
    [{ maxEntriesPerAppend: 65 }, /maxEntriesPerAppend \(65\) must be a whole number from 1 to 64/],
    [{ maxInflightAppends: 1.5 }, /maxInflightAppends \(1.5\) must be a whole number/],
    [{ spareDelayMs: 101 }, /spareDelayMs \(101\) must be from 0 to raft.heartbeatIntervalMs \(100\)/],
    [{ maxUncommittedEntries: 0 }, /maxUncommittedEntries \(0\) must be a whole number/],
    [{ maxPendingWrites: 4_096 }, /maxPendingWrites \(4096\) must exceed raft.maxUncommittedEntries \(4096\)/],
    [{ leaseMs: Number.NaN }, /leaseMs \(NaN\) must be a finite number/],
  ]
  for (const [change, text] of broken) {
    it(`a broken rule is told with its values: ${JSON.stringify(change)}`, () => {
      const problems = raftProblems({ ...raftPresets.lan, ...change })
      assert.ok(
        problems.some((problem) => text.test(problem)),
        problems.join('\n'),
      )
    })
  }

  it('all problems are thrown at once, unknown names among them', () => {
    const changes = { leaseMs: 900, drift: 2, electionTimeout: 5 } as Partial<RaftOptions>
    assert.throws(
      () => resolveRaftOptions(changes),
      (error: Error) => {
        assert.ok(error instanceof RangeError)
        for (const part of ['leaseMs (900)', 'drift (2)', 'raft.electionTimeout is not an option'])
          assert.ok(error.message.includes(part), part)
        return true
      },
    )
  })

  it('what is resolved is the preset with the changes, frozen', () => {
    const options = resolveRaftOptions({ maxInflightAppends: 3 }, 'wan')
    assert.deepEqual(options, { ...raftPresets.wan, maxInflightAppends: 3 })
    assert.ok(Object.isFrozen(options))
  })
})
