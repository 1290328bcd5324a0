// Who shall vote (design rules 1 and 16): each rule alone, then all of them together, step by step until nothing is
// left to do.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  type Configuration,
  decideVoters,
  defaultVoterPolicy,
  type FollowerView,
  type MemberFacts,
  type RaftView,
  type VoterDecision,
  type VoterFacts,
  voterPolicyProblems,
} from '../../consensus/index.ts'
import { stores } from './voter-under-test.ts'

const now = 100_000

type Change = Partial<Omit<MemberFacts, 'id'>>

function member(id: string, change: Change = {}): MemberFacts {
  return { id, storeId: id, state: 'alive', isDraining: false, mayVote: true, mayHost: true, level: 1, ...change }
}

function follower(id: string, change: Partial<FollowerView> = {}): FollowerView {
  const usual = { storeId: id, matchIndex: 9, isCaughtUp: true, silentSince: now, snapshotOffset: undefined }
  return { id, ...usual, ...change }
}

function view(configuration: Configuration, change: Partial<RaftView> = {}): RaftView {
  return {
    role: 'leader',
    term: 3,
    leader: 'a',
    commitIndex: 9,
    lastIndex: 9,
    leaderSince: 0,
    quorumAt: now,
    configuration,
    configurationIndex: 0,
    configurationSettled: true,
    settled: true,
    transferringTo: undefined,
    snapshotIndex: 0,
    ...change,
  }
}

interface Setup {
  readonly voters: string
  readonly learners?: string
  /** Members that are more or other than the voters and learners, all alive. */
  readonly members?: readonly MemberFacts[]
  readonly followers?: readonly FollowerView[]
  readonly view?: Partial<RaftView>
  readonly target?: number
  /** What was agreed on. */
  readonly level?: number
}

/** `a` leads; everybody in the configuration is alive and has caught up, but for what is said. */
function decide(setup: Setup): VoterDecision | undefined {
  const { voters, learners = '', members = [], followers = [] } = setup
  const inside = [...voters, ...learners]
  const configuration = { voters: stores([...voters]), outgoing: [], learners: stores([...learners]) }
  const facts: VoterFacts = {
    self: 'a',
    view: view(configuration, setup.view),
    followers: [
      ...inside.filter((id) => id !== 'a' && !followers.some((each) => each.id === id)).map((id) => follower(id)),
      ...followers,
    ],
    members: [...inside.filter((id) => !members.some((each) => each.id === id)).map((id) => member(id)), ...members],
    level: setup.level ?? 1,
    now,
  }
  return decideVoters(facts, { ...defaultVoterPolicy, target: setup.target ?? 5 })
}

/** Voters, then learners, as one word. */
function text(decision: VoterDecision | undefined): string {
  if (decision === undefined) return 'nothing'
  if (decision.type === 'transfer') return `to ${decision.to}`
  const ids = (list: readonly { id: string }[]): string => list.map(({ id }) => id).join('')
  return `${ids(decision.change.voters)}|${ids(decision.change.learners)}`
}

describe('the policy of voters', () => {
  it('leaves a full set alone', () => {
    assert.equal(text(decide({ voters: 'abcde', members: [member('f')] })), 'nothing')
    assert.equal(text(decide({ voters: 'abc', members: [member('d')] })), 'nothing', 'four would survive no more')
  })

  it('lets those learn who are to be promoted, and promotes them when they have caught up, to an odd number', () => {
    const members = [member('d'), member('e'), member('f')]
    assert.equal(text(decide({ voters: 'abc', members })), 'abc|de')
    const behind = [follower('e', { isCaughtUp: false })]
    assert.equal(text(decide({ voters: 'abc', learners: 'de', members, followers: behind })), 'nothing')
    assert.equal(text(decide({ voters: 'abc', learners: 'de', members })), 'abcde|')
    const late = [follower('d', { isCaughtUp: false })]
    assert.equal(
      text(decide({ voters: 'a', learners: 'bcde', followers: late })),
      'abc|de',
      'nobody waits for one that lags',
    )
    assert.equal(text(decide({ voters: 'a', members: [member('b'), member('c')], target: 3 })), 'a|bc')
  })

  it('sends learners away who are not to be promoted any more', () => {
    assert.equal(text(decide({ voters: 'abcde', learners: 'f' })), 'abcde|')
  })

  it('takes nobody of an older release than the log has agreed on, and goes on with those it has', () => {
    const members = [member('d', { level: 2 }), member('e', { level: 1 }), member('f', { level: 2 })]
    assert.equal(text(decide({ voters: 'abc', members, level: 2 })), 'abc|df')
    assert.equal(text(decide({ voters: 'abc', members: [member('d'), member('e')], level: 2 })), 'nothing')
  })

  it('takes nobody who drains, is not alive, has no log, or may not vote', () => {
    const members = [
      member('d', { isDraining: true }),
      member('e', { state: 'suspect' }),
      member('f', { storeId: '' }),
      member('g', { mayVote: false }),
    ]
    assert.equal(text(decide({ voters: 'abc', members })), 'nothing')
  })

  it('replaces a voter that is down and was silent for long, by a learner that has caught up', () => {
    const lost = (silentMs: number, state: MemberFacts['state'] = 'down'): Setup => ({
      voters: 'abc',
      members: [member('c', { state }), member('d')],
      followers: [follower('c', { silentSince: now - silentMs, isCaughtUp: false })],
    })
    assert.equal(text(decide(lost(29_999))), 'nothing')
    assert.equal(text(decide(lost(30_000, 'suspect'))), 'nothing')
    assert.equal(text(decide(lost(30_000))), 'abc|d')
    assert.equal(text(decide({ ...lost(30_000), learners: 'd' })), 'abd|')
  })

  it('lets the next one learn, and the next, while a learner does not answer', () => {
    const turn = (learners: string, silent: string): string => {
      const followers = [...silent].map((id) => follower(id, { isCaughtUp: false, silentSince: now - 3_000 }))
      return text(decide({ voters: 'a', members: [...'bcde'].map((id) => member(id)), learners, followers, target: 3 }))
    }
    assert.equal(turn('bd', 'd'), 'a|be')
    assert.equal(turn('be', 'e'), 'a|bc')
    assert.equal(turn('cd', 'cd'), 'a|eb')
    assert.equal(turn('bd', ''), 'abd|')
  })

  it('leaves a silent learner in its place when nobody else could learn', () => {
    const followers = [follower('c', { isCaughtUp: false, silentSince: 0 })]
    assert.equal(text(decide({ voters: 'a', learners: 'bc', followers })), 'nothing')
  })

  it('never shrinks by failure', () => {
    const members = [member('b', { state: 'down' }), member('c', { state: 'down' })]
    const followers = ['b', 'c'].map((id) => follower(id, { silentSince: 0, isCaughtUp: false }))
    assert.equal(text(decide({ voters: 'abc', members, followers })), 'nothing')
  })

  it('lets a draining voter give up its vote first, to a learner when there is one', () => {
    const members = [member('c', { isDraining: true }), member('d')]
    assert.equal(text(decide({ voters: 'abc', members })), 'abc|d')
    assert.equal(text(decide({ voters: 'abc', learners: 'd', members })), 'abd|')
    assert.equal(text(decide({ voters: 'abc', members: members.slice(0, 1) })), 'ab|')
  })

  it('takes a voter out that left, one at a time', () => {
    const members = [member('d', { state: 'left' }), member('e', { state: 'left' })]
    assert.equal(text(decide({ voters: 'abcde', members })), 'abce|')
  })

  it('keeps a voter that leaves while without it no majority would answer', () => {
    const members = [member('c', { isDraining: true }), member('b', { state: 'down' })]
    const followers = [follower('b', { isCaughtUp: false })]
    assert.equal(text(decide({ voters: 'abc', members, followers })), 'nothing')
  })

  it('hands over before it gives up its own vote, and when it cannot host S5', () => {
    assert.equal(text(decide({ voters: 'abc', members: [member('a', { isDraining: true })] })), 'to b')
    const members = [member('a', { mayHost: false }), member('b', { mayHost: false })]
    assert.equal(text(decide({ voters: 'abc', members })), 'to c')
    assert.equal(text(decide({ voters: 'a', members: [member('a', { isDraining: true })] })), 'nothing')
  })

  it('gives its own vote to a learner when it must not go on and no other voter could lead', () => {
    for (const change of [{ isDraining: true }, { mayHost: false }]) {
      const own = member('a', change)
      assert.equal(text(decide({ voters: 'a', members: [own, member('b')] })), 'a|b')
      assert.equal(text(decide({ voters: 'a', learners: 'b', members: [own] })), 'b|')
      const others = [own, member('b', { mayHost: false }), member('c', { state: 'down' })]
      const more = [member('d', { mayHost: false }), member('e')]
      assert.equal(text(decide({ voters: 'abc', members: [...others, ...more], target: 3 })), 'abc|e')
      assert.equal(text(decide({ voters: 'abc', learners: 'e', members: others })), 'ebc|')
    }
    const members = [member('a', { mayHost: false }), member('b', { state: 'suspect' })]
    assert.equal(text(decide({ voters: 'ab', learners: 'c', members, target: 1 })), 'ab|', 'b may soon be heard again')
  })

  it('puts a member that lost its log in its own place once it has caught up', () => {
    const members = [member('c', { storeId: 'new' })]
    const renewed = [follower('c', { storeId: 'new' })]
    const decision = decide({ voters: 'abc', members, followers: renewed })
    assert.ok(decision?.type === 'reconfigure')
    assert.deepEqual(decision.change.voters[2], { id: 'c', storeId: 'new' })
    const behind = [follower('c', { storeId: 'new', isCaughtUp: false })]
    assert.equal(text(decide({ voters: 'abc', members, followers: behind })), 'nothing')
  })

  it('waits while it does not lead, is not settled, changes voters already, or hands over', () => {
    const members = [member('d'), member('e')]
    const waits: Partial<RaftView>[] = [
      { role: 'follower' },
      { settled: false },
      { configurationSettled: false },
      { transferringTo: 'b' },
    ]
    for (const change of waits) assert.equal(text(decide({ voters: 'abc', members, view: change })), 'nothing')
  })

  it('says every broken rule', () => {
    assert.deepEqual(voterPolicyProblems(defaultVoterPolicy), [])
    assert.equal(voterPolicyProblems({ target: 2, replaceAfterMs: 1 }).length, 2)
  })
})

describe('the policy of voters, step by step', () => {
  const states = fc.constantFrom(
    'alive' as const,
    'alive' as const,
    'suspect' as const,
    'down' as const,
    'left' as const,
  )
  const crowd = fc.array(fc.record({ state: states, isDraining: fc.boolean() }), { minLength: 1, maxLength: 9 })

  it('comes to an end, by changes of which each keeps a majority that answers, and never loses a vote by failure', () => {
    fc.assert(
      fc.property(crowd, fc.integer({ min: 1, max: 5 }), fc.constantFrom(1, 3, 5, 7), (others, size, target) => {
        const members = [member('a'), ...others.map((each, at) => member('bcdefghij'[at] as string, each))]
        const voters = stores(members.slice(0, size).map(({ id }) => id))
        let configuration: Configuration = { voters, outgoing: [], learners: [] }
        const isUp = (id: string): boolean => members.find((each) => each.id === id)?.state === 'alive'
        const followers = members.map(({ id }) =>
          follower(id, { isCaughtUp: isUp(id), silentSince: isUp(id) ? now : 0 }),
        )
        for (let step = 0; ; step++) {
          assert.ok(step < 30, `still at ${JSON.stringify(configuration)}`)
          const inside = [...configuration.voters, ...configuration.learners].map(({ id }) => id)
          const heard = followers.filter(({ id }) => inside.includes(id))
          const facts = { self: 'a', view: view(configuration), followers: heard, members, level: 1, now }
          const decision = decideVoters(facts, { ...defaultVoterPolicy, target })
          if (decision === undefined) break
          assert.ok(decision.type === 'reconfigure')
          const { change } = decision
          const leavers = configuration.voters.filter(({ id }) => {
            const found = members.find((each) => each.id === id)
            return found?.state === 'left' || found?.isDraining
          })
          assert.ok(change.voters.length >= configuration.voters.length - Math.min(1, leavers.length))
          const added = change.voters.filter(({ id }) => !configuration.voters.some((each) => each.id === id))
          assert.ok(added.every(({ id }) => configuration.learners.some((each) => each.id === id) && isUp(id)))
          configuration = { ...change, outgoing: [] }
        }
        assert.deepEqual(
          configuration.learners.filter(({ id }) => !isUp(id)),
          [],
        )
      }),
    )
  })
})
