import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Carrier } from '../../../src/channels/carrier.ts'
import type { NodeContext } from '../../../src/node-part.ts'
import { memberView } from '../../../src/node-views.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { LocalServices } from '../../../src/services/services.ts'
import type { MemberRecord } from '../../../topology/index.ts'
import { recordOf } from '../../topology/swim/records.ts'

const nothing: Disposable = { [Symbol.dispose]: () => {} }
const carrier = { handle: () => nothing, post: () => {}, broadcast: () => {} } as unknown as Carrier

it('a registry is compared with whoever was not there before, and not with who was only suspected', async () => {
  const asked: string[] = []
  const known = new Map<string, MemberRecord>()
  const context = {
    self: { id: 'a', name: 'a', generation: 1 },
    options: { zone: '' },
    overlays: () => ({ linkedNeighbors: () => ['b'] }),
    members: () => [...known.values()].map((record) => memberView(record)),
    nameOf: (id: string) => id,
    requests: {
      handle: () => nothing,
      request: async (member: string) => {
        asked.push(member)
        throw new Error('nobody answers')
      },
    },
    toolbox: { clock: systemClock, random: Math.random, counters: { add: () => {} } },
  } as unknown as NodeContext
  const services = new LocalServices(context, () => carrier)
  await services.start()
  /** Whom it asks when that becomes known of `b`. */
  const hear = async (change: Parameters<typeof recordOf>[1]): Promise<string[]> => {
    const before = known.get('b')
    const after = recordOf('b', change)
    known.set('b', after)
    asked.length = 0
    services.member({ type: 'member', before, after, reason: 'joined' } as Parameters<typeof services.member>[0])
    await new Promise((resolve) => setImmediate(resolve))
    return [...asked]
  }
  assert.deepEqual(await hear({}), ['b'], 'new')
  assert.deepEqual(await hear({ state: 'suspect' }), [])
  assert.deepEqual(await hear({ refutation: 1 }), [], 'it was there all the time')
  assert.deepEqual(await hear({ refutation: 1, state: 'down' }), [])
  assert.deepEqual(await hear({ refutation: 2 }), ['b'], 'believed to be gone')
  assert.deepEqual(await hear({ generation: 2, state: 'suspect' }), [])
  assert.deepEqual(await hear({ generation: 3 }), ['b'], 'in another life')
  assert.deepEqual(await hear({ generation: 4, state: 'suspect' }), [])
  assert.deepEqual(await hear({ generation: 4, refutation: 1 }), ['b'], 'in another life, and suspected at first')
  await services.close()
})
