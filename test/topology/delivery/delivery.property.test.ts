// Any interleaving of loss, repeats, reordering, reconnects, aborts and slow or failing handlers: what is acknowledged
// was handed over exactly once, in the order of its key; nothing is handed over twice; and once the faults stop,
// everything is settled.

import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import { generator } from '../generator.ts'
import { type Bug, DeliveryWorld } from './delivery-world.ts'

const seeds = 300
const steps = 120

function simulate(seed: number, bug?: Bug): DeliveryWorld {
  const random = generator(seed)
  const world = new DeliveryWorld(random, { windowMessages: 64, maxHeldMessages: random() < 0.3 ? 4 : 32 })
  world.bug = bug
  const keys = [undefined, 'k', 'l', 'm']
  const restarts = random() < 0.3
  Object.assign(world.faults, { loss: random() * 0.4, repeat: random() * 0.3, jitterMs: random() * 500 })
  world.connect()
  for (let step = 0; step < steps; step++) {
    const draw = random()
    const key = keys[Math.floor(random() * keys.length)]
    if (draw < 0.4)
      world.send(1 + Math.floor(random() * 12), {
        ...(key === undefined ? {} : { key }),
        ...(random() < 0.2 ? { timeoutMs: random() * 3_000 } : {}),
      })
    else if (draw < 0.7)
      world.finish(Math.floor(random() * world.running.length), random() < 0.1 ? 'failed' : undefined)
    else if (draw < 0.75) world.isUp ? world.cut() : world.connect()
    else if (draw < 0.8) {
      const message = world.sent[Math.floor(random() * world.sent.length)]
      if (message) world.abort(message)
    } else if (draw < 0.81 && restarts) world.restart()
    world.run(random() * 200)
  }
  Object.assign(world.faults, { loss: 0, repeat: 0, jitterMs: 0 })
  world.connect()
  for (let round = 0; round < 100 && world.size > 0; round++) {
    while (world.running.length > 0) world.finish()
    world.run(10_000)
  }
  check(world, seed)
  return world
}

function check(world: DeliveryWorld, seed: number): void {
  const handed = new Map<number, number>()
  const last = new Map<string, number>()
  for (const { id, key, life } of world.handed) {
    handed.set(id, (handed.get(id) ?? 0) + 1)
    if (key === undefined) continue
    const before = last.get(`${life} ${key}`) ?? -1
    assert.ok(id > before, `seed ${seed}: ${id} of '${key}' was handed over after ${before}`)
    last.set(`${life} ${key}`, id)
  }
  for (const { id, outcome, sequence } of world.sent) {
    const times = handed.get(id) ?? 0
    assert.ok(times <= 1, `seed ${seed}: ${id} was handed over ${times} times`)
    assert.ok(outcome !== undefined, `seed ${seed}: ${id} is not settled`)
    if (outcome === 'acknowledged' || outcome === 'handler')
      assert.equal(times, 1, `seed ${seed}: ${id} was ${outcome}`)
    if (sequence === 0) assert.equal(times, 0, `seed ${seed}: ${id} surely did not happen`)
  }
}

describe('delivery under faults', () => {
  it(`hands over what it acknowledges exactly once, in the order of its key (${seeds} seeds)`, () => {
    const dropped = new Set<string>()
    for (let seed = 1; seed <= seeds; seed++) for (const reason of simulate(seed).dropped) dropped.add(reason)
    // A network that never made it work would prove nothing.
    for (const reason of ['duplicate', 'late', 'held-full']) assert.ok(dropped.has(reason), reason)
  })

  for (const bug of ['forgets-at-reconnect', 'hands-over-held', 'numbers-anew'] as const)
    it(`notices who ${bug.replaceAll('-', ' ')}`, () => {
      assert.throws(() => {
        for (let seed = 1; seed <= 100; seed++) simulate(seed, bug)
      })
    })
})
