import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StandardSchema } from '../../../src/coordination/standard-schema.ts'
import { type ServiceCallOptions, service } from '../../../src/index.ts'
import { failureOf, form } from '../local-nodes.ts'

/** A schema as a library would make one. */
function schema<Value>(is: (value: unknown) => boolean, message: string): StandardSchema<Value> {
  const validate = (value: unknown) => (is(value) ? { value: value as Value } : { issues: [{ message }] })
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

const cents = schema<{ cents: number }>(
  (value) => Number.isInteger((value as { cents?: unknown } | null)?.cents),
  'cents must be whole',
)
const receipt = schema<string>((value) => typeof value === 'string', 'a receipt is a text')
const billing = service('billing', { charge: { input: cents, output: receipt }, ping: {} })

describe('a service with a contract', () => {
  it('is called by functions with its types, and checked at both ends', async () => {
    const [a, b] = await form(['a', 'b'])
    assert.ok(a && b)
    a.services.register(billing, {
      charge: ({ cents: amount }) => (amount === 13 ? (13 as unknown as string) : `${amount} charged`),
      ping: (value) => value,
    })
    await b.services.waitFor('billing')
    const client = b.services.client(billing, { deadlineMs: 2_000 } satisfies ServiceCallOptions)
    const text: string = await client.charge({ cents: 500 })
    assert.equal(text, '500 charged')
    assert.deepEqual(await client.ping([1]), [1])
    const wrong = await failureOf(client.charge({ cents: 0.5 }))
    assert.deepEqual([wrong.code, wrong.mayHaveHappened], ['ERR_INVALID_VALUE', false])
    assert.match(wrong.message, /billing\.charge input/)
    assert.equal((await failureOf(b.services.call('billing', 'charge', 'five'))).code, 'ERR_INVALID_VALUE')
    assert.match((await failureOf(client.charge({ cents: 13 }))).message, /billing\.charge output/)
  })
})
