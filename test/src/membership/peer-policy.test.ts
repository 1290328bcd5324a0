import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { PeerPolicy } from '../../../src/membership/peer-policy.ts'
import { createIdentity } from '../../../src/transport/identity.ts'
import type { Hello } from '../../../src/wire/hello.ts'
import { RecordSigner } from '../../../src/wire/signed-record.ts'
import type { MemberRecord } from '../../../topology/index.ts'
import { sampleHello } from '../wire/sample-messages.ts'

let isInCluster: boolean
let isStopping: boolean
let members: MemberRecord[]
let linked: Hello[]
let policy: PeerPolicy

beforeEach(() => {
  isInCluster = true
  isStopping = false
  members = []
  linked = []
  policy = new PeerPolicy({
    self: { id: 'id-m', name: () => 'm' },
    isInCluster: () => isInCluster,
    isStopping: () => isStopping,
    member: (id) => members.find((member) => member.id === id),
    linked: () => linked,
  })
})

function hello(id: string, changes: Partial<Hello> = {}): Hello {
  return { ...sampleHello, id, name: id, fresh: false, ...changes }
}

function member(id: string, state: MemberRecord['state'], generation = 1): MemberRecord {
  return {
    id,
    name: id,
    address: '127.0.0.1:1',
    roles: [],
    zone: '',
    livenessPort: 0,
    incarnation: { generation, refutation: 0 },
    state,
    condition: 'ok',
  }
}

const instance = (byte: number): Uint8Array => new Uint8Array(8).fill(byte)

describe('a peer', () => {
  it('that nobody knows is welcome', () => {
    assert.equal(policy.judge(hello('b')), undefined)
  })

  it('is refused by a node that is stopping', () => {
    isStopping = true
    assert.deepEqual(policy.judge(hello('b')), { code: 'going-down', detail: '' })
  })

  it('is welcome again in the same life and in a later one', () => {
    policy.remember(hello('b', { generation: 4, instance: instance(1) }))
    assert.equal(policy.judge(hello('b', { generation: 4, instance: instance(1) })), undefined)
    assert.equal(policy.judge(hello('b', { generation: 5, instance: instance(2) })), undefined)
  })

  it('of an earlier life than one that was linked is refused, and told which one was seen', () => {
    policy.remember(hello('b', { generation: 4 }))
    assert.deepEqual(policy.judge(hello('b', { generation: 3 })), { code: 'rolled-back', detail: '4' })
  })

  it('of an earlier life than it has signed in is refused, and shown its signature', () => {
    const identity = createIdentity()
    const { id } = identity
    const record = member(id, 'down', 9)
    members = [{ ...record, signature: new RecordSigner(identity, instance(9)).sign(record) }]
    const { code, detail, evidence } = policy.judge(hello(id, { generation: 8 }))!
    assert.deepEqual([code, detail], ['rolled-back', '9'])
    assert.equal(new RecordSigner(identity, instance(8)).laterLife(evidence!, 8), 9)
    assert.equal(policy.judge(hello(id, { generation: 9, instance: instance(9) })), undefined)
  })

  it('is not refused for a later life that others say it has; but one of a release that signs nothing is', () => {
    members = [member('b', 'down', 9)]
    assert.equal(policy.judge(hello('b', { generation: 8, versionMax: 2 })), undefined)
    assert.deepEqual(policy.judge(hello('b', { generation: 8, versionMax: 1 })), { code: 'rolled-back', detail: '9' })
    assert.equal(policy.judge(hello('b', { generation: 9, versionMax: 1 })), undefined)
  })

  it('that is a second copy of the same life is refused', () => {
    policy.remember(hello('b', { generation: 4, instance: instance(1) }))
    assert.deepEqual(policy.judge(hello('b', { generation: 4, instance: instance(2) })), {
      code: 'rolled-back',
      detail: '4',
    })
  })

  it('of an earlier life than one that was linked, or a second copy of it, is shown what that life brought in its hello', () => {
    const identity = createIdentity()
    const { id } = identity
    const own = new RecordSigner(identity, instance(1))
    const evidence = new RecordSigner(identity, instance(2)).evidenceOfLife(member(id, 'alive', 4))
    const shownTo = (generation: number) => {
      const peer = hello(id, { generation, instance: instance(1) })
      return own.laterLife(policy.judge(peer)?.evidence ?? Uint8Array.of(), generation)
    }
    policy.remember(hello(id, { generation: 4, instance: instance(2), evidence }))
    // All that is known of it beside is a record of the one that is refused: no proof to that one.
    const record = member(id, 'alive', 3)
    members = [{ ...record, signature: own.sign(record) }]
    assert.equal(shownTo(3), 4)
    const same = member(id, 'alive', 4)
    members = [{ ...same, signature: own.sign(same) }]
    assert.equal(shownTo(4), 4)
  })

  it('is remembered by its latest life', () => {
    for (const generation of [4, 5]) policy.remember(hello('b', { generation, instance: instance(generation) }))
    assert.equal(policy.judge(hello('b', { generation: 4, instance: instance(4) }))?.code, 'rolled-back')
  })

  it('is forgotten, oldest first, past a bound', () => {
    policy.remember(hello('first', { generation: 4 }))
    policy.remember(hello('second', { generation: 4 }))
    for (let id = 0; id < 16_383; id++) policy.remember(hello(`id-${id}`, { generation: 2 }))
    assert.equal(policy.judge(hello('first', { generation: 3 })), undefined)
    assert.equal(policy.judge(hello('second', { generation: 3 }))?.code, 'rolled-back')
  })
})

describe('a name', () => {
  it('is left to the log by whoever is in a cluster', () => {
    linked = [hello('id-b', { name: 'b' })]
    members = [member('id-b', 'alive')]
    for (const fresh of [true, false]) {
      assert.equal(policy.judge(hello('id-z', { name: 'm', fresh })), undefined)
      assert.equal(policy.judge(hello('id-c', { name: 'b', fresh })), undefined)
    }
  })

  it('that two fresh nodes claim stays with the lower id, so that exactly one gives up', () => {
    isInCluster = false
    assert.deepEqual(policy.judge(hello('id-z', { name: 'm', fresh: true })), { code: 'name-taken', detail: 'id-m' })
    assert.equal(policy.judge(hello('id-a', { name: 'm', fresh: true })), undefined)
  })

  it('that two fresh peers claim stays with the lower id', () => {
    isInCluster = false
    linked = [hello('id-d', { name: 'x', fresh: true })]
    assert.equal(policy.judge(hello('id-e', { name: 'x', fresh: true }))?.code, 'name-taken')
    assert.equal(policy.judge(hello('id-c', { name: 'x', fresh: true })), undefined)
  })

  it('of this node is left to the log while the peer has a cluster', () => {
    isInCluster = false
    assert.equal(policy.judge(hello('id-z', { name: 'm', fresh: false })), undefined)
  })
})
