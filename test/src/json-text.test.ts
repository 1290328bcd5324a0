import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { jsonText } from '../../src/json-text.ts'

describe('a value as JSON', () => {
  it('is what it was when it is read again, or is refused', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
    })
    fc.assert(
      fc.property(anything, (value) => {
        let text: string
        try {
          text = jsonText(value, 'it')
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'ERR_BAD_OPTIONS')
          return
        }
        assert.equal(text, JSON.stringify(value))
        assert.ok(!containsUnsayable(value), text)
      }),
    )
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.deepEqual(JSON.parse(jsonText(value, 'it')), JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('says where the problem is', () => {
    for (const [value, place] of [
      [Number.NaN, 'it is NaN'],
      [{ a: [1, { b: undefined }, undefined] }, 'it.a[2] is of type undefined'],
      [new Array(1), 'it[0] is of type undefined'],
      [{ f() {} }, 'it.f is of type function'],
      [{ at: new Map() }, 'it.at is a Map'],
      [{ bytes: new Uint8Array(1) }, 'it.bytes is bytes'],
      [10n, 'BigInt'],
    ] as const)
      assert.throws(
        () => jsonText(value, 'x'),
        ({ message }: Error) => message.includes(place),
        place,
      )
  })

  it('takes what JSON says by itself: dates, objects of a class, fields that are left out', () => {
    class Order {
      readonly at = new Date(0)
      readonly note = undefined
    }
    assert.equal(jsonText(new Order(), 'it'), '{"at":"1970-01-01T00:00:00.000Z"}')
  })

  it('takes what says itself how it is written, once, and looks at what it says', () => {
    class Told {
      readonly amount: number
      constructor(amount: number) {
        this.amount = amount
      }
      toJSON(): unknown {
        return this
      }
    }
    assert.equal(jsonText({ sum: new Told(5) }, 'it'), '{"sum":{"amount":5}}')
    assert.throws(() => jsonText({ sum: new Told(Number.NaN) }, 'it'), /it\.sum\.amount is NaN/)
  })

  it('ends at what is too deep', () => {
    let deep: unknown[] = []
    for (let depth = 0; depth < 100_000; depth++) deep = [deep]
    assert.throws(() => jsonText(deep, 'it'), { code: 'ERR_BAD_OPTIONS' })
  })
})

/** By another way: what JSON makes of it has another number of values than it has itself. */
function containsUnsayable(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value)
  if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol') return true
  if (Array.isArray(value)) return [...value].some((each) => each === undefined || containsUnsayable(each))
  if (value instanceof Map || value instanceof Set || ArrayBuffer.isView(value)) return true
  if (typeof value !== 'object' || value === null || value instanceof Date) return value === undefined
  return Object.values(value).some((each) => each !== undefined && containsUnsayable(each))
}
