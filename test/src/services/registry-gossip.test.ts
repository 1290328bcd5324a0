import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CarriedHandler } from '../../../src/channels/carrier.ts'
import type { NodeContext } from '../../../src/node-part.ts'
import { systemClock, type Time } from '../../../src/runtime/clock.ts'
import { Registry } from '../../../src/services/registry.ts'
import { RegistryGossip } from '../../../src/services/registry-gossip.ts'
import { encodeMessage, parseMessage } from '../../../src/services/registry-messages.ts'
import { newFacts, type ServiceFacts } from '../../../src/services/service-facts.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { FakeClock } from '../runtime/fake-clock.ts'

/** One node, to which `owner` tells its changes; `answers` are held until they are released. */
function listener(owner: Registry<ServiceFacts>, clock: Time = systemClock) {
  let hear: CarriedHandler = () => {}
  const answers: (() => void)[] = []
  const told: Uint8Array[] = []
  const request = (_member: string, _subject: string, asked: unknown): Promise<unknown> =>
    new Promise((resolve) =>
      answers.push(() => {
        const { digest, fingerprint } = parseMessage(asked) ?? {}
        if (fingerprint === owner.fingerprint()) return resolve(encodeMessage({ same: true }))
        resolve(encodeMessage(digest ? { deltas: owner.lackedBy(digest) } : { digest: owner.digest() }))
      }),
    )
  const registry = new Registry<ServiceFacts>('self', 1)
  const context = {
    overlays: () => ({ linkedNeighbors: () => ['owner'] }),
    requests: { handle: () => ({ [Symbol.dispose]: () => {} }), request },
    toolbox: { clock, random: Math.random, counters: { add: () => {} } },
  } as unknown as NodeContext
  const carrier = {
    post: () => {},
    broadcast: (payload: Uint8Array) => void told.push(payload),
    handle: (handler: CarriedHandler) => {
      hear = handler
      return { [Symbol.dispose]: () => {} }
    },
  }
  const gossip = new RegistryGossip({ context, registry, carrier, onChange: () => {} })
  return { registry, gossip, answers, told, hear: (...args: Parameters<CarriedHandler>) => hear(...args) }
}

describe('news of services', () => {
  it('are repaired by one comparison, however many follow the one that was lost', async () => {
    const owner = new Registry<ServiceFacts>('owner', 1)
    const { registry, gossip, answers, hear } = listener(owner)
    const told = Array.from({ length: 50 }, (_, at) => owner.create(newFacts(`s${at}`, ''))!.delta)
    for (const delta of told.slice(1)) {
      const payload = Buffer.from(JSON.stringify(encodeMessage({ deltas: [delta] })))
      hear({ id: 'owner', generation: 1 }, payload, () => {})
    }
    assert.equal(answers.length, 1)
    let asked = 0
    const isThere = (): boolean => {
      asked += answers.length
      for (const answer of answers.splice(0)) answer()
      return [...registry.entries()].length === told.length
    }
    await waitUntil(isThere)
    assert.ok(asked <= 6, `${asked} requests`)
    gossip[Symbol.dispose]()
  })

  it('are told at once, and together while they come one after the other', async () => {
    const { registry, gossip, told } = listener(new Registry<ServiceFacts>('owner', 1))
    const all = 20
    for (let at = 0; at < all; at++) {
      gossip.spread(registry.create(newFacts(`s${at}`, ''))!.delta)
      await new Promise<void>((resolve) => systemClock.setImmediate(resolve))
    }
    const deltas = (): number =>
      told.flatMap((payload) => parseMessage(JSON.parse(String(payload)))?.deltas ?? []).length
    await waitUntil(() => deltas() === all)
    assert.ok(told.length < all / 2, `${told.length} messages`)
    gossip[Symbol.dispose]()
  })

  it('make members compare every second, who compare seldom without them', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] })
    const clock = new FakeClock()
    const owner = new Registry<ServiceFacts>('owner', 1)
    const { registry, gossip, answers, hear } = listener(owner, clock)
    const comparisons = async (seconds: number): Promise<number> => {
      let asked = 0
      for (let passed = 0; passed < seconds * 10; passed++) {
        clock.pass(100)
        test.mock.timers.tick(100)
        while (answers.length > 0) {
          asked += answers.length
          for (const answer of answers.splice(0)) answer()
          await new Promise<void>((resolve) => systemClock.setImmediate(resolve))
        }
      }
      return asked
    }
    gossip.begin()
    assert.ok((await comparisons(40)) <= 7)
    const { delta } = owner.create(newFacts('billing', ''))!
    hear({ id: 'owner', generation: 1 }, Buffer.from(JSON.stringify(encodeMessage({ deltas: [delta] }))), () => {})
    assert.equal([...registry.entries()].length, 1)
    assert.ok((await comparisons(10)) >= 7)
    await comparisons(5)
    assert.ok((await comparisons(40)) <= 7)
    gossip.spread(registry.create(newFacts('shipping', ''))!.delta)
    assert.ok((await comparisons(10)) >= 7)
    gossip[Symbol.dispose]()
  })
})
