import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ClientCommand, ClusterCommand } from '../../../consensus/index.ts'
import { isWireError, mutate, randomFrom } from '../../../src/testing/compliance/codec.ts'
import { decodeCommand, encodeCommand } from '../../../src/wire/command.ts'
import { WireError } from '../../../src/wire/wire-error.ts'
import { arbitraryCommand } from './arbitrary-command.ts'

const write: ClientCommand = {
  type: 'write',
  conditions: [
    { type: 'revision', key: 'a', revision: 300 },
    { type: 'exists', key: 'b' },
  ],
  operations: [
    { type: 'set', key: 'a', value: '1' },
    { type: 'delete', key: 'b' },
    { type: 'rollback', key: 'c', revision: 7 },
  ],
  otherwise: [],
}
const written = '02'.concat('010161ac02', '020162', '03', '0101610131', '020162', '03016307', '0100')

const samples: readonly (readonly [ClusterCommand, string])[] = [
  [{ type: 'bind-name', name: 'a', id: 'id-a', replaces: undefined }, '010101610469642d6100'],
  [{ type: 'bind-name', name: 'a', id: 'id-b', replaces: 'id-a' }, '010101610469642d62010469642d61'],
  [{ type: 'activate', singleton: 's5', host: 'id-a', term: 300 }, '01020273350469642d61ac02'],
  [{ type: 'release', singleton: 's5', token: 7 }, '010302733507'],
  [{ type: 'decide', singleton: 's5', token: 7, payload: Uint8Array.of(1, 2) }, '010402733507020102'],
  [
    { type: 'dissolve', into: 'a', members: [{ id: 'b', name: 'c', address: 'd' }], dropsData: true },
    '0106'.concat('0161', '01', '016201630164', '01'),
  ],
  [{ type: 'found-topology', name: 'full-mesh' }, '01100966756c6c2d6d657368'],
  [
    { type: 'propose-topology', epoch: 2, to: 'ring', request: 'r', required: ['a', 'b'], timeoutMs: 300, at: 9 },
    '01110204'.concat('72696e67', '0172', '0201610162', 'ac02', '09'),
  ],
  [{ type: 'strike-member', proposal: 9, member: 'a' }, '0112090161'],
  [{ type: 'commit-topology', proposal: 9 }, '011309'],
  [{ type: 'abort-topology', proposal: 9, reason: 'x' }, '0114090178'],
  [{ type: 'open-session' }, '0120'],
  [write, '0130'.concat(written)],
  [
    { type: 'claim', kind: 'semaphore', name: 'n', owner: 'o', leaseMs: 300, limit: 2, waits: true, value: '1' },
    '013102'.concat('016e', '016f', 'ac02', '02', '01', '0131'),
  ],
  [
    {
      type: 'write',
      conditions: [],
      operations: [
        { type: 'merge-count', key: 'a', add: 1, subtract: 300 },
        { type: 'merge-item', key: 'b', item: '1', isIn: true },
        { type: 'merge-latest', key: 'c', value: '2', at: 300, by: 'n' },
      ],
      otherwise: undefined,
    },
    '01300003'.concat('04016101ac02', '050162013101', '0601630132ac02016e', '00'),
  ],
  [{ type: 'renew-claim', kind: 'lock', name: 'n', claim: 7 }, '013201016e07'],
  [{ type: 'end-claim', kind: 'election', name: 'n', claim: 7 }, '013303016e07'],
  [{ type: 'expire-claim', kind: 'barrier', name: 'n', claim: 7, renewedAt: 9 }, '013404016e0709'],
  [{ type: 'expire-claim', kind: 'singleton', name: 'n', claim: 7, renewedAt: 9 }, '013405016e0709'],
  [{ type: 'count', name: 'n', add: 300, subtract: 0 }, '0135016eac0200'],
  [{ type: 'in-session', session: 300, sequence: 2, floor: 1, command: write }, '0121ac02020130'.concat(written)],
]

describe('a command', () => {
  it('has the same bytes on every disk, for ever', () => {
    for (const [value, hex] of samples) {
      assert.equal(Buffer.from(encodeCommand(value)).toString('hex'), hex)
      assert.deepEqual(decodeCommand(new Uint8Array(Buffer.from(hex, 'hex'))), value)
    }
  })

  it('is encoded once, and passed on as it came', () => {
    for (const [value, hex] of samples) {
      assert.equal(encodeCommand(value), encodeCommand(value))
      assert.equal(Buffer.from(encodeCommand(decodeCommand(Buffer.from(hex, 'hex')))).toString('hex'), hex)
    }
  })

  it('of a version or number that is not known is refused', () => {
    assert.throws(() => decodeCommand(Uint8Array.of(2, 3, 0, 0)), isWireError('unknown-number'))
    assert.throws(() => decodeCommand(Uint8Array.of(1, 99, 0, 0)), isWireError('unknown-number'))
  })

  it('that is empty, or longer than its fields, is refused', () => {
    assert.throws(() => decodeCommand(new Uint8Array()), isWireError('truncated'))
    assert.throws(() => decodeCommand(Buffer.from('01030273350700', 'hex')), isWireError('trailing-bytes'))
  })

  it('of any kind comes back as it was; spoilt, it is refused, or is another one with exactly these bytes', () => {
    const random = randomFrom(1)
    fc.assert(
      fc.property(arbitraryCommand, (command) => {
        const whole = Uint8Array.from(encodeCommand(command))
        assert.deepEqual(decodeCommand(whole), command)
        const cut = whole.subarray(0, Math.floor(random() * whole.length))
        for (const bytes of [cut, mutate(whole, random), mutate(whole, random)]) {
          const decoded = decodedOrRefused(bytes)
          if (decoded) assert.deepEqual(Uint8Array.from(encodeCommand(decoded)), bytes)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

function decodedOrRefused(bytes: Uint8Array): ClusterCommand | undefined {
  try {
    return decodeCommand(bytes)
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}
