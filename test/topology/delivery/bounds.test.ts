// What a source can make its destination keep, and a destination its source, rule by rule.

import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import { Delivery, deliveryPresets, deliveryProblems } from '../../../topology/index.ts'
import { type Arrived, DeliveryWorld, type Sent } from './delivery-world.ts'

const end = { peer: 'a', generation: 1, channel: 'data' } as const

function receiver(options = {}) {
  const core = new Delivery<Sent, Arrived, string>({ ...deliveryPresets.lan, ...options })
  const receive = (messages: readonly Partial<Arrived>[]) =>
    core.step(
      {
        type: 'receive',
        ...end,
        messages: messages.map((message) => ({
          id: 0,
          sequence: 1,
          floor: 1,
          key: undefined,
          isMonotonic: false,
          ...message,
        })),
      },
      0,
    )
  const reasons = (messages: readonly Partial<Arrived>[]) =>
    receive(messages).flatMap((effect) => (effect.type === 'dropped' ? [effect.reason] : []))
  return { core, receive, reasons }
}

describe('a destination', () => {
  it('refuses what is beyond its window', () => {
    const { reasons } = receiver({ windowMessages: 64 })
    assert.deepEqual(reasons([{ sequence: 65, floor: 1 }]), ['beyond-window'])
    assert.deepEqual(reasons([{ sequence: 65, floor: 2 }]), [])
  })

  it('refuses what no source sends: a floor of nothing above its sequence', () => {
    const { reasons } = receiver()
    assert.deepEqual(reasons([{ sequence: 1, floor: 2 }]), ['malformed'])
  })

  it('follows a floor however far it jumps, and forgets all below it', () => {
    const { reasons } = receiver()
    const far = Number.MAX_SAFE_INTEGER - 1
    assert.deepEqual(reasons([{ sequence: far, floor: far }]), [])
    assert.deepEqual(reasons([{ sequence: 5, floor: 1 }]), ['late'])
    assert.deepEqual(reasons([{ sequence: far, floor: far }]), ['duplicate'])
  })

  it('holds no more than its bound for an earlier message, and tells what it holds', () => {
    const { receive, reasons } = receiver({ maxHeldMessages: 2 })
    const held = receive([2, 3].map((sequence) => ({ sequence, key: 'k' })))
    assert.deepEqual(
      held.map(({ type }) => type),
      ['held'],
    )
    assert.deepEqual(reasons([{ sequence: 4, key: 'k' }]), ['held-full'])
    const released = receive([{ sequence: 1, key: 'k' }])
    assert.deepEqual(
      released.flatMap((effect) => (effect.type === 'deliver' ? effect.messages.map(({ sequence }) => sequence) : [])),
      [1, 2, 3],
    )
  })

  it('says nothing beyond the failures that fit, so that none looks like a success', () => {
    const { core, receive } = receiver()
    receive(Array.from({ length: 40 }, (_, index) => ({ sequence: index + 1 })))
    for (let sequence = 1; sequence <= 40; sequence++) {
      const message = { id: 0, sequence, floor: 1, key: undefined, isMonotonic: false }
      core.step({ type: 'handler-failed', ...end, message, failure: 'no' }, 0)
    }
    const [told] = core.step({ type: 'flush' }, 0)
    assert.ok(told?.type === 'acknowledge')
    assert.equal(told.acknowledgement.failures.length, 32)
    assert.deepEqual([told.acknowledgement.finishedThrough, told.acknowledgement.until], [32, 32])
  })

  it('forgets an earlier life of its source, and takes nothing of it any more', () => {
    const { core, reasons } = receiver()
    assert.deepEqual(reasons([{ sequence: 1 }]), [])
    const message = { id: 0, sequence: 1, floor: 1, key: undefined, isMonotonic: false }
    const next = core.step({ type: 'receive', ...end, generation: 2, messages: [message] }, 0)
    assert.deepEqual(
      next.map(({ type }) => type),
      ['deliver'],
    )
    assert.deepEqual(reasons([{ sequence: 2 }]), ['earlier-life'])
  })

  it('hands over a newer message of a key that is not acknowledged, and no older one after it', () => {
    const { reasons } = receiver({ maxKeys: 2 })
    assert.deepEqual(
      reasons([
        { sequence: 2, floor: 0, key: 'k' },
        { sequence: 1, floor: 0, key: 'k' },
      ]),
      ['stale'],
    )
    // Once a key is forgotten, nothing older than it comes either.
    assert.deepEqual(
      reasons([
        { sequence: 3, floor: 0, key: 'l' },
        { sequence: 4, floor: 0, key: 'm' },
      ]),
      [],
    )
    assert.deepEqual(reasons([{ sequence: 1, floor: 0, key: 'k' }]), ['stale'])
  })
})

describe('a source', () => {
  it('has no more than a window on its way, and the rest follows', () => {
    const world = new DeliveryWorld(Math.random, { windowMessages: 64 })
    world.connect()
    world.send(200)
    world.run(10)
    assert.equal(world.running.length, 64)
    while (world.running.length > 0) {
      world.finish()
      world.run(10)
    }
    assert.ok(world.sent.every(({ outcome }) => outcome === 'acknowledged'))
  })

  it('asks before it sends again, and sends nothing that has come', () => {
    const world = new DeliveryWorld(Math.random)
    world.connect()
    world.send(3)
    world.run(10)
    world.run(60_000)
    assert.equal(world.transmissions, 3)
    world.cut()
    world.connect()
    world.run(10)
    assert.equal(world.transmissions, 3)
  })

  it('tells of what it gave up, so that what waits behind it goes on', () => {
    const world = new DeliveryWorld(Math.random)
    world.connect()
    world.faults.loss = 1
    const [lost] = world.send(1, { key: 'k' })
    world.faults.loss = 0
    world.send(1, { key: 'k' })
    world.run(10)
    assert.equal(world.handed.length, 0)
    world.abort(lost!)
    world.run(10)
    assert.deepEqual(
      world.handed.map(({ id }) => id),
      [1],
    )
  })

  it('lets the newest take the place of an older one that still waits', () => {
    const world = new DeliveryWorld(Math.random)
    for (const key of ['k', 'l', 'k']) world.send(1, { key, isMonotonic: true })
    world.connect()
    world.run(10)
    assert.deepEqual(
      world.handed.map(({ id }) => id),
      [2, 1],
    )
    assert.equal(world.sent[0]?.outcome, 'superseded')
  })

  it('begins above what it forgot, so that who has not forgotten takes it for new', () => {
    const world = new DeliveryWorld(Math.random)
    world.connect()
    world.send(5)
    world.run(10)
    while (world.running.length > 0) world.finish()
    world.run(10)
    world.tell({ type: 'forgotten', peer: 'b' })
    world.connect()
    world.send(1)
    world.run(10)
    assert.equal(world.handed.length, 6)
  })

  it('fails what waits when the peer goes, when its life changes, and when the node stops', () => {
    for (const [reason, input] of [
      ['down', { type: 'down', peer: 'b' }],
      ['life', { type: 'connected', peer: 'b', generation: 2 }],
      ['closed', { type: 'close' }],
    ] as const) {
      const world = new DeliveryWorld(Math.random)
      world.connect()
      const [message] = world.send(1)
      world.tell(input)
      assert.equal(message?.outcome, reason)
    }
  })
})

describe('the options of delivery', () => {
  it('are allowed as they come, and every rule that is broken is told with its value', () => {
    for (const preset of Object.values(deliveryPresets)) assert.deepEqual(deliveryProblems(preset), [])
    const problems = deliveryProblems({ ...deliveryPresets.lan, windowMessages: 100, maxKeys: 0, maxProbeDelayMs: 1 })
    assert.equal(problems.length, 4)
    assert.ok(problems.every((problem) => /delivery\.\w+ \(\d+\)/.test(problem)))
  })
})
