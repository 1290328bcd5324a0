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

  it('whose schema fails lets nothing pass, at either end', async () => {
    const [a, b] = await form(['a', 'b'])
    assert.ok(a && b)
    const boom = new Error('boom')
    const broken: StandardSchema = {
      '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(boom) },
    }
    const contract = service('broken', {
      takes: { input: broken },
      gives: { output: broken },
      tells: { output: broken, stream: true },
    })
    a.services.register(contract, { takes: () => 1, gives: () => 1, tells: () => [1] })
    // What offers the same without a contract leaves it to the caller's end to look.
    a.services.register('plain', { gives: () => 1, tells: () => [1] })
    const plain = service('plain', { gives: { output: broken }, tells: { output: broken, stream: true } })
    await Promise.all([b.services.waitFor('broken'), b.services.waitFor('plain')])
    const [client, own] = [b.services.client(contract), b.services.client(plain)]
    const read = async (items: AsyncIterable<unknown>): Promise<void> => {
      for await (const _ of items) assert.fail('it was given')
    }
    const calls: [() => Promise<unknown>, unknown, boolean][] = [
      [() => client.takes(1), boom, false],
      [() => b.services.call('broken', 'takes', 1), undefined, false],
      [() => client.gives(1), undefined, true],
      [() => own.gives(1), boom, true],
      [() => read(own.tells(1)), boom, true],
      [() => read(client.tells(1)), undefined, true],
    ]
    for (const [call, cause, mayHaveHappened] of calls) {
      const error = await failureOf(call())
      assert.deepEqual([error.code, error.cause, error.mayHaveHappened], ['ERR_INVALID_VALUE', cause, mayHaveHappened])
    }
  })

  it('is refused with all that is wrong with it, and without a handler for each of its methods', async () => {
    const [node] = await form(['a'])
    const { services } = node!
    const circular = { self: {} }
    circular.self = circular
    const wrong: [() => unknown, RegExp[]][] = [
      [() => service('', { x: 5 } as never), [/name \(''\)/, /method 'x'/]],
      [() => service('x', null as never), [/methods must be an object/]],
      [() => service('x', { a: { input: 5, stream: 'yes', outptu: cents } } as never), [/input/, /stream/, /outptu/]],
      [() => services.register({ name: 'x', methods: { a: null } } as never, {}), [/method 'a'/]],
      [() => services.register(billing, { ping: () => 1 } as never), [/no handler of 'billing\.charge'/]],
      [
        () => services.register(billing, {} as never, { weight: Number.NaN, concurrency: 0, name: 'y' } as never),
        [/'billing\.charge'/, /'billing\.ping'/, /unknown option 'name'/, /weight \(NaN\)/, /concurrency \(0\)/],
      ],
      [() => services.register('billing', 5 as never, { version: 'x' }), [/functions by method/, /version \('x'\)/]],
      [() => services.register('x', {}, { self: circular } as never), [/unknown option 'self'/, /facts must fit/]],
      [() => services.register('x', {}, { capabilities: circular } as never), [/capabilities \(\[object Object\]\)/]],
      [() => services.client(null as never), [/described by a contract/]],
    ]
    for (const [call, expected] of wrong) {
      const { code, details } = await failureOf((async () => call())())
      const problems = 'problems' in details ? details.problems : []
      assert.deepEqual([code, problems.length], ['ERR_BAD_OPTIONS', expected.length], problems.join('\n'))
      for (const [at, pattern] of expected.entries()) assert.match(problems[at]!, pattern)
    }
    assert.deepEqual(services.find(), [])
  })
})
