// Who may host, and until when: thesis section 6.4.1 for the lease, design for the rest. The stories of whole clusters
// stand in `test/scenarios/consensus/hosting-*.txt`.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type HostEffect,
  type HostInput,
  type RaftView,
  resolveRaftOptions,
  SingletonHost,
  type SingletonRecord,
  votersOnly,
} from '../../consensus/index.ts'

const options = resolveRaftOptions()

const rest = {
  configuration: votersOnly([]),
  configurationIndex: 0,
  configurationSettled: true,
  settled: true,
  transferringTo: undefined,
  snapshotIndex: 0,
}

function leading(term: number, quorumAt: number | undefined, leaderSince = 0): RaftView {
  return { role: 'leader', term, leader: 'a', commitIndex: 9, lastIndex: 9, leaderSince, quorumAt, ...rest }
}

function following(term: number): RaftView {
  return {
    role: 'follower',
    term,
    leader: 'b',
    commitIndex: 9,
    lastIndex: 9,
    leaderSince: undefined,
    quorumAt: undefined,
    ...rest,
  }
}

function activated(host: string, token: number, term: number, released = false): SingletonRecord {
  return { singleton: 's5', host, token, term, released, decision: undefined }
}

/** A host `a`, and what it did, without timers. */
class HostUnderTest {
  readonly host: SingletonHost
  effects: HostEffect[] = []

  constructor(mayHost = true) {
    this.host = new SingletonHost({ self: 'a', singleton: 's5', options, mayHost: () => mayHost })
  }

  step(input: HostInput, now: number): HostEffect[] {
    this.effects = [...this.host.step(input, now)]
    return this.effects.filter(({ type }) => type !== 'set-timer' && type !== 'clear-timer')
  }

  observe(view: RaftView, record: SingletonRecord | undefined, appliedTerm: number, now: number): HostEffect[] {
    return this.step({ type: 'observe', view, record, applied: { index: 9, term: appliedTerm } }, now)
  }

  /** Hosting with token 5, activated in term 1, on a lease from time 0. */
  hosting(): this {
    assert.deepEqual(this.observe(leading(1, 0), activated('a', 5, 1), 1, 0), [{ type: 'start', token: 5 }])
    return this
  }

  get timers(): [string, number][] {
    return this.effects.flatMap((each) => (each.type === 'set-timer' ? [[each.timer, each.at]] : []))
  }
}

const activate = (term: number): HostEffect => ({
  type: 'propose',
  command: { type: 'activate', singleton: 's5', host: 'a', term },
})

describe('a host, before it starts', () => {
  it('proposes nothing where it may not host', () => {
    const host = new HostUnderTest(false)
    assert.deepEqual(host.observe(leading(1, 0), undefined, 1, 0), [])
    assert.equal(host.host.phase(0), 'inactive')
    assert.deepEqual(host.observe(leading(1, 0), activated('b', 5, 1, true), 1, 10_000), [])
  })

  it('proposes nothing while it does not lead', () => {
    const host = new HostUnderTest()
    assert.deepEqual(host.observe(following(1), undefined, 1, 0), [])
    assert.equal(host.host.phase(0), 'inactive')
  })

  it('activates at once when there has never been a host', () => {
    const host = new HostUnderTest()
    assert.deepEqual(host.observe(leading(1, 0), undefined, 1, 0), [activate(1)])
    assert.equal(host.host.phase(0), 'activating')
  })

  it('activates at once when the predecessor has released', () => {
    assert.deepEqual(new HostUnderTest().observe(leading(2, 0), activated('b', 5, 1, true), 2, 0), [activate(2)])
  })

  it('waits a lease and the drift after winning when the predecessor may run', () => {
    const host = new HostUnderTest()
    const view = (now: number) => leading(2, now, 1_000)
    assert.deepEqual(host.observe(view(1_000), activated('b', 5, 1), 2, 1_000), [])
    assert.deepEqual(host.timers, [['activate', 1_525]])
    assert.deepEqual(host.observe(view(1_500), activated('b', 5, 1), 2, 1_524), [])
    assert.deepEqual(host.step({ type: 'timer', timer: 'activate' }, 1_525), [activate(2)])
  })

  it('6.4: believes no record before an entry of its own term is applied', () => {
    const host = new HostUnderTest()
    assert.deepEqual(host.observe(leading(2, 0), activated('b', 5, 1, true), 1, 0), [])
    assert.deepEqual(host.observe(leading(2, 0), activated('b', 5, 1, true), 2, 1), [activate(2)])
  })

  it('proposes nothing while no majority answers', () => {
    const host = new HostUnderTest()
    assert.deepEqual(host.observe(leading(1, undefined), undefined, 1, 0), [])
    assert.deepEqual(host.observe(leading(1, 0), undefined, 1, 500), [])
  })

  it('proposes once, and again when the proposal is lost, a heartbeat later', () => {
    const host = new HostUnderTest()
    host.observe(leading(1, 0), undefined, 1, 0)
    assert.deepEqual(host.observe(leading(1, 100), undefined, 1, 100), [])
    assert.deepEqual(host.step({ type: 'proposal-lost' }, 110), [])
    assert.deepEqual(host.timers, [['activate', 210]])
    assert.deepEqual(host.step({ type: 'timer', timer: 'activate' }, 210), [activate(1)])
  })

  it('starts nothing that was activated in another term, or for another', () => {
    const host = new HostUnderTest()
    assert.deepEqual(host.observe(leading(2, 0), activated('a', 5, 1), 1, 0), [])
    assert.deepEqual(host.observe(leading(2, 0), activated('b', 6, 2), 2, 0), [])
    assert.equal(host.host.token, undefined)
  })

  it('starts an applied activation only once a lease is held', () => {
    const host = new HostUnderTest()
    assert.deepEqual(host.observe(leading(1, 0), activated('a', 5, 1), 1, 500), [])
    assert.deepEqual(host.observe(leading(1, 450), activated('a', 5, 1), 1, 510), [{ type: 'start', token: 5 }])
  })
})

describe('a host, while it runs', () => {
  it('6.4.1: holds its token until the lease ends, and not an instant longer', () => {
    const { host } = new HostUnderTest().hosting()
    assert.deepEqual([host.holds(499.9), host.holds(500)], [true, false])
    assert.deepEqual([host.phase(499.9), host.phase(500)], ['active', 'activating'])
  })

  it('stops by its own timer when the lease ends', () => {
    const host = new HostUnderTest().hosting()
    assert.deepEqual(host.timers, [['lease', 500]])
    assert.deepEqual(host.step({ type: 'timer', timer: 'lease' }, 500), [
      { type: 'stop', token: 5, reason: 'lease-lapsed' },
    ])
  })

  it('runs on while rounds are answered, with one timer at a time', () => {
    const host = new HostUnderTest().hosting()
    host.observe(leading(1, 400), activated('a', 5, 1), 1, 420)
    assert.deepEqual(host.timers, [])
    assert.deepEqual(host.step({ type: 'timer', timer: 'lease' }, 500), [])
    assert.deepEqual(host.timers, [['lease', 900]])
    assert.equal(host.host.holds(899), true)
  })

  it('a lapsed lease does not come back with a late answer: the token is spent', () => {
    const host = new HostUnderTest().hosting()
    assert.deepEqual(host.observe(leading(1, 450), activated('a', 5, 1), 1, 510), [
      { type: 'stop', token: 5, reason: 'lease-lapsed' },
      activate(1),
    ])
    assert.deepEqual(host.observe(leading(1, 450), activated('a', 8, 1), 1, 520), [{ type: 'start', token: 8 }])
  })

  it('stops with its leadership, and waits for nobody when it was the last host itself', () => {
    const host = new HostUnderTest().hosting()
    assert.deepEqual(host.observe(following(2), activated('a', 5, 1), 1, 10), [
      { type: 'stop', token: 5, reason: 'leadership-lost' },
    ])
    assert.deepEqual(host.observe(leading(3, 20, 20), activated('a', 5, 1), 3, 20), [activate(3)])
  })

  it('stops when it leads again in another term, though it saw no other leader', () => {
    const host = new HostUnderTest().hosting()
    assert.deepEqual(host.observe(leading(2, 10, 10), activated('a', 5, 1), 1, 10), [
      { type: 'stop', token: 5, reason: 'leadership-lost' },
    ])
  })

  it('stops when the log has a later activation, and starts with that if it is its own', () => {
    const host = new HostUnderTest().hosting()
    assert.deepEqual(host.observe(leading(1, 10), activated('a', 6, 1), 1, 10), [
      { type: 'stop', token: 5, reason: 'superseded' },
      { type: 'start', token: 6 },
    ])
  })

  it('a time away ends the lease, whatever the clock says', () => {
    const host = new HostUnderTest().hosting()
    assert.deepEqual(host.step({ type: 'away' }, 5), [{ type: 'stop', token: 5, reason: 'away' }])
    assert.equal(host.host.holds(5), false)
    assert.deepEqual(host.observe(leading(1, 4), activated('a', 5, 1), 1, 6), [], 'a round from before proves nothing')
    assert.deepEqual(host.observe(leading(1, 5), activated('a', 5, 1), 1, 7), [activate(1)])
  })

  it('a token that was activated during a time away starts on a fresh round only', () => {
    const host = new HostUnderTest()
    host.observe(leading(1, 0), undefined, 1, 0)
    host.step({ type: 'away' }, 0)
    assert.deepEqual(host.observe(leading(1, undefined), activated('a', 5, 1), 1, 0), [])
    assert.deepEqual(host.observe(leading(1, 1), activated('a', 5, 1), 1, 2), [{ type: 'start', token: 5 }])
  })
})

describe('a host that releases', () => {
  it('stops first, then proposes the release, and hosts no more in this term', () => {
    const host = new HostUnderTest().hosting()
    assert.deepEqual(host.step({ type: 'release' }, 10), [
      { type: 'stop', token: 5, reason: 'released' },
      { type: 'propose', command: { type: 'release', singleton: 's5', token: 5 } },
    ])
    assert.equal(host.host.phase(10), 'draining')
    assert.deepEqual(host.observe(leading(1, 100), activated('a', 5, 1, true), 1, 100), [])
  })

  it('gives back a token too that was still on its way', () => {
    const host = new HostUnderTest()
    host.observe(leading(1, 0), undefined, 1, 0)
    assert.deepEqual(host.step({ type: 'release' }, 1), [])
    assert.deepEqual(host.observe(leading(1, 0), activated('a', 5, 1), 1, 2), [
      { type: 'propose', command: { type: 'release', singleton: 's5', token: 5 } },
    ])
  })

  it('proposes the release again when it is lost', () => {
    const host = new HostUnderTest().hosting()
    host.step({ type: 'release' }, 10)
    assert.deepEqual(host.step({ type: 'proposal-lost' }, 20), [])
    assert.deepEqual(host.timers, [['activate', 120]])
    assert.equal(host.step({ type: 'timer', timer: 'activate' }, 120)[0]?.type, 'propose')
  })

  it('hosts again when it leads a later term', () => {
    const host = new HostUnderTest().hosting()
    host.step({ type: 'release' }, 10)
    host.observe(following(2), activated('a', 5, 1, true), 1, 20)
    assert.deepEqual(host.observe(leading(3, 30, 30), activated('a', 5, 1, true), 3, 30), [activate(3)])
  })

  it('hosts again in the same term, with a new token, when it is told that nobody took over', () => {
    const host = new HostUnderTest().hosting()
    host.step({ type: 'release' }, 10)
    host.observe(leading(1, 20), activated('a', 5, 1, true), 1, 20)
    assert.deepEqual(host.step({ type: 'resume' }, 30), [activate(1)])
    assert.deepEqual(host.observe(leading(1, 40), activated('a', 8, 1), 1, 40), [{ type: 'start', token: 8 }])
  })

  it('has nothing to do when it does not lead', () => {
    assert.deepEqual(new HostUnderTest().step({ type: 'release' }, 0), [])
  })
})
