// What a broken member says of others in an overlay where few are linked, and honest ones pass on.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type MemberRecord, resolveSwimOptions, Swim, type SwimInput } from '../../../topology/index.ts'
import { generator } from '../generator.ts'
import { recordOf } from './records.ts'

const ids = Array.from({ length: 12 }, (_, at) => `m${at}`)

/** Members in a ring, each linked to two; what they send arrives in order and at once, and no timer fires. */
class Ring {
  readonly #members = new Map<string, Swim>()
  readonly #underWay: { readonly to: string; readonly input: SwimInput }[] = []
  readonly states = new Set<string>()

  constructor() {
    const known = ids.map((id) => recordOf(id))
    for (const [at, id] of ids.entries()) {
      const self = recordOf(id)
      this.#members.set(id, new Swim({ self, known, options: resolveSwimOptions(), random: generator(at + 1) }))
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

  #deliver(): void {
    for (let next = this.#underWay.shift(); next; next = this.#underWay.shift())
      for (const effect of this.#members.get(next.to)!.step(next.input, 0)) {
        if (effect.type === 'send')
          this.#underWay.push({ to: effect.to, input: { type: 'message', from: next.to, message: effect.message } })
        if (effect.type === 'emit' && effect.event.type === 'member') this.states.add(effect.event.after.state)
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
