import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ClusterMachine } from '../../../consensus/index.ts'
import { decodeState, encodeState, MAX_STATE_DEPTH } from '../../../src/wire/machine-state.ts'
import { WireError } from '../../../src/wire/wire-error.ts'

/** Copies, for all pieces lie in the same memory. */
function piecesOf(state: unknown): readonly Uint8Array[] {
  return Array.from(encodeState(state), (piece) => new Uint8Array(piece))
}

function encoded(state: unknown): Buffer {
  return Buffer.concat(piecesOf(state))
}

function decoded(bytes: Uint8Array): unknown {
  const steps = decodeState(bytes)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** As deep as that. */
function nested(depth: number): unknown {
  let value: unknown = 1
  for (let level = 1; level < depth; level++) value = [value]
  return value
}

describe('a state as bytes', () => {
  it('comes back as it was', () => {
    const scalar = fc.oneof(
      fc.constantFrom(undefined, null, true, false, -0, 2 ** 53, -1, 0.5),
      fc.maxSafeInteger(),
      fc.string({ unit: 'binary' }),
      fc.uint8Array(),
    )
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, scalar, fc.array(tie('value')), fc.dictionary(fc.string(), tie('value'))),
    }))
    fc.assert(
      fc.property(value, (state) => {
        assert.deepEqual(plain(decoded(encoded(state))), plain(state))
      }),
    )
  })

  it('may have records that are alike, or only begin alike', () => {
    const name = fc.constantFrom('a', 'ab', 'b', 'ä', 'toString', '')
    const record = fc.dictionary(name, fc.oneof(fc.nat(3), fc.dictionary(name, fc.nat(3), { maxKeys: 3 })), {
      maxKeys: 4,
    })
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), (state) => {
        assert.deepEqual(plain(decoded(encoded(state))), plain(state))
      }),
    )
  })

  it('may have names that every object has: they are names like any other', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '0']
    const state = Object.fromEntries(names.map((name) => [name, { name, list: [name] }]))
    const back = decoded(encoded(state)) as Record<string, unknown>
    assert.deepEqual(Object.keys(back).sort(), names.sort())
    assert.equal(Object.getPrototypeOf(back), Object.prototype)
    assert.deepEqual(plain(back), plain(state))
  })

  /** Records that fast-check made without a prototype, as others. */
  function plain(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(plain)
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
    return Object.entries(value).map(([key, part]) => [key, plain(part)])
  }

  it('of the cluster machine restores the machine', () => {
    const machine = new ClusterMachine()
    machine.apply({ index: 1, term: 1 }, { type: 'bind-name', name: 'a', id: 'id-a', replaces: undefined })
    machine.apply({ index: 2, term: 1 }, { type: 'activate', singleton: 's5', host: 'id-a', term: 1 })
    const payload = new Uint8Array([1, 2, 3])
    machine.apply({ index: 3, term: 1 }, { type: 'decide', singleton: 's5', token: 2, payload })
    const restored = new ClusterMachine()
    restored.restore(decoded(encoded(machine.snapshot())) as ReturnType<ClusterMachine['snapshot']>)
    assert.deepEqual(restored.snapshot(), machine.snapshot())
  })

  it('is written and read in small steps', () => {
    const state = Array.from({ length: 20_000 }, (_, at) => ({ key: `key-${at}`, value: new Uint8Array(20) }))
    const pieces = piecesOf(state)
    assert(pieces.length > 10 && pieces.every(({ length }) => length < 70_000), `${pieces.length} pieces`)
    const steps = decodeState(Buffer.concat(pieces))
    let count = 0
    while (!steps.next().done) count++
    assert(count >= 20, `${count} steps`)
  })

  it('is written into one space', () => {
    const state = Array.from({ length: 20_000 }, (_, at) => ({ key: `key-${at}`, value: new Uint8Array(20) }))
    const spaces = new Set<ArrayBufferLike>()
    for (const piece of encodeState(state)) spaces.add(piece.buffer)
    assert.equal(spaces.size, 1)
  })

  it('refuses what is no plain data, and what is too deep', () => {
    for (const state of [() => 1, Symbol('a'), 1n, new Map(), Number.NaN, nested(MAX_STATE_DEPTH + 2)]) {
      assert.throws(() => encoded(state), WireError)
    }
    assert.deepEqual(decoded(encoded(nested(MAX_STATE_DEPTH))), nested(MAX_STATE_DEPTH))
    const tooDeep = Buffer.concat([Buffer.of(1), Buffer.from('0801'.repeat(MAX_STATE_DEPTH + 5), 'hex'), Buffer.of(1)])
    assert.throws(() => decoded(tooDeep), WireError)
  })

  it('throws nothing but WireError on any bytes', () => {
    const whole = encoded({ names: [['a', 'id']], more: { deep: [1, null, new Uint8Array(3)] } })
    for (let size = 0; size < whole.length; size++) assert.throws(() => decoded(whole.subarray(0, size)), WireError)
    assert.throws(() => decoded(Buffer.concat([whole, Buffer.of(0)])), WireError)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decoded(Buffer.concat([Buffer.of(1), bytes]))
        } catch (error) {
          assert(error instanceof WireError)
        }
      }),
    )
  })
})
