import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodeFailure, decodePayload, encodeFailure, encodePayload } from '../../../src/channels/payload.ts'
import { ClusterError, type ErrorCode } from '../../../src/errors.ts'
import { MAX_PAYLOAD_BYTES } from '../../../src/wire/limits.ts'

const isTooLarge = (error: unknown) => error instanceof ClusterError && error.code === 'ERR_PAYLOAD_TOO_LARGE'

describe('a payload', () => {
  it('arrives as bytes when it is bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const decoded = decodePayload(encodePayload(bytes))
        assert.ok(decoded instanceof Uint8Array)
        assert.deepEqual(Buffer.from(decoded), Buffer.from(bytes))
      }),
    )
  })

  it('arrives as the JSON value it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const expected = JSON.parse(JSON.stringify(value))
        assert.deepEqual(decodePayload(encodePayload(expected)), expected)
      }),
    )
  })

  it('is refused past the limit, by its bytes and not its letters', () => {
    assert.doesNotThrow(() => encodePayload(new Uint8Array(MAX_PAYLOAD_BYTES)))
    assert.throws(() => encodePayload(new Uint8Array(MAX_PAYLOAD_BYTES + 1)), isTooLarge)
    assert.throws(() => encodePayload('é'.repeat(5), 11), isTooLarge)
    assert.doesNotThrow(() => encodePayload('é'.repeat(5), 12))
  })

  it('is refused when it is neither bytes nor JSON', () => {
    const buffers = [new ArrayBuffer(3), new Uint16Array(3), new DataView(new ArrayBuffer(3))]
    for (const value of [undefined, () => 1, Symbol('no'), 1n, ...buffers]) {
      assert.throws(() => encodePayload(value as never), { code: 'ERR_BAD_OPTIONS' })
    }
    const circle: Record<string, unknown> = {}
    circle.self = circle
    assert.throws(() => encodePayload(circle as never), { code: 'ERR_BAD_OPTIONS' })
  })

  it('does not come out of bytes that are no UTF-8 or no JSON', () => {
    assert.throws(() => decodePayload({ encoding: 'json', payload: Uint8Array.of(0xff) }))
    assert.throws(() => decodePayload({ encoding: 'json', payload: new TextEncoder().encode('{') }))
  })
})

describe('a failure', () => {
  const across = (error: unknown): ClusterError => decodeFailure(encodeFailure(error, 'node-b', 'greet'))

  it('of this library arrives whole but for its stack and cause', () => {
    const error = new ClusterError('ERR_STALE_TOKEN', 'stale', { token: 3, current: 5 }, { mayHaveHappened: true })
    const revived = across(error)
    assert.ok(revived instanceof ClusterError)
    assert.deepEqual(revived.toJSON(), error.toJSON())
    const retryable = across(new ClusterError('ERR_NO_ROUTE', 'no link', { member: 'c' }))
    assert.deepEqual([retryable.retryable, retryable.mayHaveHappened], [true, false])
  })

  it('of anything else arrives as a failed handler that may have done its work', () => {
    const { code, details, mayHaveHappened, message } = across(new RangeError('too hot'))
    assert.equal(code, 'ERR_HANDLER_FAILED')
    assert.deepEqual(details, { member: 'node-b', subject: 'greet', reason: 'too hot' })
    assert.equal(mayHaveHappened, true)
    assert.match(message, /'greet' on node-b/)
  })

  it('arrives whatever was thrown', () => {
    const circle: Record<string, unknown> = {}
    circle.self = circle
    const unspeakable = {
      toString(): string {
        throw new Error('no')
      },
    }
    const mad: unknown[] = [
      undefined,
      null,
      'text',
      Symbol('s'),
      Object.create(null),
      unspeakable,
      new Error('x'.repeat(2_000_000)),
      new ClusterError('ERR_HANDLER_FAILED', 'x'.repeat(2 * MAX_PAYLOAD_BYTES), {} as never),
      new ClusterError('ERR_HANDLER_FAILED', 'a circle', circle as never),
      new ClusterError('ERR_HANDLER_FAILED', 'a bigint', { n: 1n } as never),
      Object.defineProperty(new Error('hidden'), 'message', { get: () => unspeakable.toString() }),
    ]
    for (const thrown of mad) assert.ok(across(thrown) instanceof ClusterError)
  })

  it('does not come out of what is none', () => {
    const notErrors: unknown[] = [null, 1, 'text', [], {}, { code: 'ERR_TIMEOUT' }, { code: 1, message: 'x' }]
    for (const value of notErrors) assert.throws(() => decodeFailure(encodePayload(value as never)), TypeError)
  })

  it('with a code of a newer release keeps that code', () => {
    const revived = decodeFailure(encodePayload({ code: 'ERR_OF_TOMORROW', message: 'new' }))
    assert.equal(revived.code, 'ERR_OF_TOMORROW' as ErrorCode)
    assert.equal(revived.mayHaveHappened, false)
  })
})
