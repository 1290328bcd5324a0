import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { CarriedHandler, Carrier } from '../../../src/channels/carrier.ts'
import { ClusterError } from '../../../src/errors.ts'
import { parseExports } from '../../../src/federation/exports.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { CallExchange } from '../../../src/services/call-exchange.ts'
import { parseMessage } from '../../../src/services/registry-messages.ts'
import { ServiceHost } from '../../../src/services/service-host.ts'
import { ask } from '../admin/client.ts'
import { start } from '../local-nodes.ts'

const json = fc.jsonValue({ maxDepth: 4 })
const item = fc.oneof(
  json,
  fc.array(fc.oneof(fc.integer({ min: -1, max: 9 }), fc.constantFrom('work', 'x', null), json)),
)
const list = fc.oneof(json, fc.array(item, { maxLength: 5 }))
const callMessage = fc.record(
  { calls: list, pulls: list, cancels: list, answers: list, failures: list },
  { requiredKeys: [] },
)
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .oneof(json, callMessage, fc.record({ cluster: json, id: json, exports: list }))
    .map((value) => Buffer.from(JSON.stringify(value))),
)

/** A host and a caller that are told whatever comes, and say it to nobody. */
function exchange(): { hear: CarriedHandler; end: () => void } {
  let hear: CarriedHandler = () => {}
  const carrier: Carrier = {
    post: () => {},
    broadcast: () => {},
    handle: (handler) => {
      hear = handler
      return { [Symbol.dispose]: () => {} }
    },
  }
  const clock = systemClock
  const calls: CallExchange = new CallExchange({ clock, carrier, server: () => host, count: () => {} })
  const host = new ServiceHost({ clock, self: 'self', exchange: calls, nameOf: (id) => id })
  host.add(1, 'work', () => (argument) => argument)
  const call = { id: 0, to: 'peer', number: 1, method: 'work', argument: 'null', isStream: false, trace: undefined }
  const waiting = { ...call, retries: 0, failsFast: false, answered: () => {}, ended: () => {} }
  const now = clock.now()
  for (let at = 0; at < 5; at++) calls.call({ ...waiting, deadline: now + 60_000 }, now)
  return {
    hear: (from, payload, handled) => hear(from, payload, handled),
    end: () => {
      host[Symbol.dispose]()
      calls[Symbol.dispose]()
    },
  }
}

describe('nonsense from others', () => {
  it('is refused by calls, registry and exports, and ends nothing', () => {
    const { hear, end } = exchange()
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        parseExports(bytes)
        try {
          hear({ id: 'peer', generation: 1 }, bytes, () => {})
        } catch (error) {
          assert.ok(error instanceof ClusterError, String(error))
        }
      }),
      { numRuns: 1_000 },
    )
    fc.assert(
      fc.property(json, (value) => void parseMessage(value)),
      { numRuns: 500 },
    )
    end()
  })

  it('is refused over HTTP with a code, never with a bug', async () => {
    const node = await start({ name: 'a', admin: '127.0.0.1:0' })
    node.services.register('work', { do: (value) => value })
    const word = fc.constantFrom('work', 'do', 'x', '%00', '..%2f', '%ff', '*', '1e9', '', 'é', 'a'.repeat(300))
    const path = fc.oneof(
      fc
        .tuple(fc.constantFrom('/v1/services', '/v1/health/service', '/v1/catalog/service', '/v1/kv'), word, word)
        .map((parts) => parts.join('/')),
      fc.constantFrom('/v1/services', '/v1/calls', '/v1/catalog/services', '/v1/agent/self', '/v1/federation'),
    )
    const key = fc.constantFrom(
      'index',
      'wait',
      'tag',
      'near',
      'dc',
      'recurse',
      'keys',
      'raw',
      'version',
      'zone',
      'deadlineMs',
    )
    const query = fc.array(fc.tuple(key, word), { maxLength: 3 })
    const method = fc.constantFrom('GET', 'POST', 'DELETE')
    await fc.assert(
      fc.asyncProperty(method, path, query, fc.json({ maxDepth: 2 }), async (how, where, pairs, body) => {
        const asked = pairs.map(([name, value]) => `${name}=${value}`).join('&')
        const headers = { 'content-type': 'application/json' }
        const options = how === 'POST' ? { method: how, headers, body } : { method: how }
        const { status } = await ask(`${node.admin}${where}?${asked}`, options)
        assert.ok(status < 500 || [502, 503, 504].includes(status), `${how} ${where}?${asked} ${body}: ${status}`)
      }),
      { numRuns: 300 },
    )
    assert.equal(await node.services.call('work', 'do', 7), 7)
  })
})
