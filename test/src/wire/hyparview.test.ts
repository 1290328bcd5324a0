import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isWireError, testCodec } from '../../../src/testing/compliance/codec.ts'
import { hyParViewCodec, hyParViewMessage } from '../../../src/wire/hyparview.ts'
import { MAX_NEIGHBORS, MAX_SHUFFLE_CANDIDATES, MAX_WALK_HOPS } from '../../../src/wire/limits.ts'
import { hyParViewNumbers } from '../../../src/wire/message-numbers.ts'
import { type HyParViewMessage, resolveHyParViewOptions } from '../../../topology/index.ts'

const sample = [
  { id: 'id-a', age: 0 },
  { id: 'id-b', age: 300 },
]
const messages: readonly HyParViewMessage[] = [
  { type: 'join', epoch: 7 },
  { type: 'forward-join', member: 'id-b', timeToLive: 6 },
  { type: 'neighbor', epoch: 300, priority: 'high' },
  { type: 'neighbor-reply', epoch: 300, accepted: true },
  { type: 'disconnect', epoch: 301 },
  { type: 'shuffle', path: ['id-a', 'id-c'], timeToLive: 4, sample },
  { type: 'shuffle-reply', path: ['id-a'], sample },
  { type: 'keep-alive', epoch: 300, digest: 0xfffefdfc },
  { type: 'links', adjacencies: [{ id: 'id-a', generation: 2, sequence: 9, neighbors: ['id-b', 'id-c'] }] },
]

testCodec('HyParView', { codec: hyParViewMessage, samples: messages })

describe('the messages of HyParView', () => {
  it('are the bytes that they were', () => {
    const golden = readFileSync(join(import.meta.dirname, 'golden', 'hyparview-1.txt'), 'utf8')
    const current = messages.map(
      (message) => `${message.type}: ${Buffer.from(hyParViewCodec.encode(message)).toString('hex')}\n`,
    )
    assert.equal(current.join(''), golden)
    assert.deepEqual(
      messages.map(({ type }) => type),
      Object.keys(hyParViewNumbers),
    )
  })

  it('have nothing behind their fields', () => {
    for (const message of messages) {
      const bytes = Uint8Array.of(...hyParViewCodec.encode(message), 0)
      assert.throws(() => hyParViewCodec.decode(bytes), isWireError('trailing-bytes'))
    }
  })

  it('cannot be made larger by options than the wire allows', () => {
    const { activeSize, activeWalkLength, shuffleActive, shufflePassive } = resolveHyParViewOptions({
      activeSize: MAX_NEIGHBORS,
      activeWalkLength: MAX_WALK_HOPS,
      shuffleActive: 32,
      shufflePassive: 64,
    })
    assert.ok(1 + shuffleActive + shufflePassive <= MAX_SHUFFLE_CANDIDATES)
    for (const beyond of [
      { activeSize: activeSize + 1 },
      { activeWalkLength: activeWalkLength + 1 },
      { shuffleActive: 33 },
      { shufflePassive: 65 },
    ])
      assert.throws(() => resolveHyParViewOptions(beyond))
  })
})
