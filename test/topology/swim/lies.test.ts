// What a broken member says of others in an overlay where few are linked, and honest ones pass on.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type MemberRecord,
  resolveSwimOptions,
  type Signatures,
  Swim,
  type SwimInput,
} from '../../../topology/index.ts'
import { MAX_GENERATION, MAX_REFUTATION } from '../../../topology/swim/belief.ts'
import { generator } from '../generator.ts'
import { MemberUnderTest } from './member-under-test.ts'
import { modelSigning, recordOf, signedRecordOf } from './records.ts'

const ids = Array.from({ length: 12 }, (_, at) => `m${at}`)

/** Members in a ring, each linked to two; what they send arrives in order and at once, and no timer fires. */
class Ring {
  readonly #members = new Map<string, Swim>()
  readonly #underWay: { readonly to: string; readonly input: SwimInput }[] = []
  readonly states = new Set<string>()
  /** Members that heard of a later life of their own. */
  readonly superseded: string[] = []

  constructor(signing?: Signatures) {
    const known = ids.map((id) => (signing ? signedRecordOf(id) : recordOf(id)))
    for (const [at, id] of ids.entries()) {
      const setup = { self: recordOf(id), known, options: resolveSwimOptions(), random: generator(at + 1) }
      this.#members.set(id, new Swim(signing ? { ...setup, signing } : setup))
      this.#members.get(id)!.start(0)
      for (const step of [1, ids.length - 1])
        this.#underWay.push({ to: id, input: { type: 'connected', peer: ids[(at + step) % ids.length]! } })
    }
    this.#deliver()
  }

  /** `to` hears this from `from`, and all that follows from it happens. */
  tells(from: string, to: string, record: MemberRecord): void {
    const message = { type: 'gossip', updates: [{ type: 'record', record }] } as const
    this.happens(to, { type: 'message', from, message })
  }

  happens(to: string, input: SwimInput): void {
    this.#underWay.push({ to, input })
    this.#deliver()
  }

  believedOf(id: string): Set<string> {
    return new Set([...this.#members.values()].map((member) => member.member(id)!.state))
  }

  /** What all believe of it, as text. */
  recordsOf(id: string): string[] {
    const records = [...this.#members.values()].map((member) => {
      const { address, state, incarnation } = member.member(id)!
      return `${address} ${state} ${incarnation.generation}.${incarnation.refutation}`
    })
    return [...new Set(records)]
  }

  #deliver(): void {
    for (let next = this.#underWay.shift(); next; next = this.#underWay.shift())
      for (const effect of this.#members.get(next.to)!.step(next.input, 0)) {
        if (effect.type === 'send')
          this.#underWay.push({ to: effect.to, input: { type: 'message', from: next.to, message: effect.message } })
        if (effect.type === 'emit' && effect.event.type === 'member') this.states.add(effect.event.after.state)
        if (effect.type === 'emit' && effect.event.type === 'superseded') this.superseded.push(next.to)
      }
  }
}

describe('that a member left, told by another and passed on by honest ones', () => {
  it('is refuted by it, and believed by nobody in the end', () => {
    const ring = new Ring()
    ring.states.clear()
    ring.tells('m5', 'm6', recordOf('m0', { state: 'left' }))
    assert.ok(ring.states.has('left'))
    assert.deepEqual(ring.believedOf('m0'), new Set(['alive']))
  })

  it('is refuted however high the refutation is that comes with it', () => {
    const ring = new Ring()
    ring.tells('m5', 'm6', recordOf('m0', { state: 'left', refutation: 1_000_000 }))
    assert.deepEqual(ring.believedOf('m0'), new Set(['alive']))
  })

  it('is believed by all of one that does leave', () => {
    const ring = new Ring()
    ring.happens('m0', { type: 'leave' })
    assert.deepEqual(ring.believedOf('m0'), new Set(['left']))
  })
})

describe('where members sign what they say of themselves, what only a member may say of itself', () => {
  const own = signedRecordOf('m0').signature!
  const lies: readonly (readonly [string, MemberRecord])[] = [
    ['that it lives another life', recordOf('m0', { generation: 2 })],
    ['that it lives the last life there can be', recordOf('m0', { generation: MAX_GENERATION - 1 })],
    ['that it lived another life, and left', recordOf('m0', { generation: 9, state: 'left' })],
    ['that it left', recordOf('m0', { state: 'left' })],
    [
      'that it left and has refuted as often as it could',
      recordOf('m0', { refutation: MAX_REFUTATION - 1, state: 'left' }),
    ],
    ['that it refuted', recordOf('m0', { refutation: 1 })],
    ['that it lives elsewhere', recordOf('m0', { address: 'zzz:1' })],
    ['that it lives elsewhere in another life', recordOf('m0', { address: 'zzz:1', generation: 2 })],
  ]
  for (const [what, lie] of lies)
    it(`is believed of nobody who has not said it: ${what}`, () => {
      for (const signature of [undefined, 'none', own, signedRecordOf('m5', { generation: 9 }).signature]) {
        const ring = new Ring(modelSigning)
        const told = signature === undefined ? lie : { ...lie, signature }
        for (const to of ['m6', 'm0', 'm1', 'm9']) ring.tells('m5', to, told)
        assert.deepEqual(ring.recordsOf('m0'), ['m0:7400 alive 1.0'])
        assert.deepEqual(ring.superseded, [])
      }
    })

  it('is believed of who has: another life, a refutation, that it left', () => {
    const ring = new Ring(modelSigning)
    ring.tells('m5', 'm6', signedRecordOf('m1', { generation: 2, address: 'b:1' }))
    assert.deepEqual(ring.superseded, ['m1'])
    ring.tells('m5', 'm6', recordOf('m0', { state: 'suspect' }))
    assert.deepEqual(ring.recordsOf('m0'), ['m0:7400 alive 1.1'])
    ring.happens('m0', { type: 'leave' })
    assert.deepEqual(ring.recordsOf('m0'), ['m0:7400 left 1.2'])
  })

  it('is not tested again in one message once a signature did not hold', () => {
    let tests = 0
    const counting: Signatures = { ...modelSigning, holds: (record) => ++tests > 0 && modelSigning.holds(record) }
    const member = new MemberUnderTest([], {}, [], counting)
    const forged = ['c', 'd', 'e'].map((id) => ({ ...recordOf(id), signature: 'none' }))
    member.hearRecords('b', signedRecordOf('f'), ...forged)
    member.give({ type: 'message', from: 'b', message: { type: 'push-pull', reply: true, records: forged } })
    assert.deepEqual([tests, member.swim.members().length], [3, 2])
  })

  it('is believed unsigned of one that signs nothing, until it does', () => {
    const member = new MemberUnderTest([], {}, [], modelSigning)
    member.hearRecords('b', recordOf('c', { generation: 9, address: 'old:1' }))
    assert.equal(member.swim.member('c')?.incarnation.generation, 9)
    member.hearRecords('b', signedRecordOf('c', { generation: 3 })).hearRecords('b', recordOf('c', { generation: 10 }))
    assert.deepEqual(member.swim.member('c'), signedRecordOf('c', { generation: 3 }))
    assert.deepEqual(member.drops, ['not-signed'])
    // One that reads no signatures passes on what is believed of it.
    member.hearRecords('b', recordOf('c', { generation: 3, state: 'suspect' }))
    assert.deepEqual(member.swim.member('c'), { ...signedRecordOf('c', { generation: 3 }), state: 'suspect' })
  })
})
