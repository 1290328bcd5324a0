import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { dispatch, type Parts } from '../../src/dispatch.ts'
import { Counters } from '../../src/runtime/counters.ts'
import type { Link } from '../../src/wire/link.ts'
import type { WireMessage } from '../../src/wire/message.ts'
import { sampleMessages } from './wire/sample-messages.ts'

const link = { peer: { id: 'b' } } as Link
let taken: string[]
let counters: Counters

/** A part of a node that notes which of its entrances was used. */
const part = (name: string) =>
  new Proxy({}, { get: (_, method) => () => void taken.push(`${name}.${String(method)}`) }) as never

beforeEach(() => {
  taken = []
  counters = new Counters()
})

const parts = (changes: Partial<Parts> = {}): Parts => ({
  requests: part('requests'),
  relay: part('relay'),
  holds: part('holds'),
  overlays: part('overlays'),
  features: {
    receive: () => false,
    linkUp: () => {},
    linkDown: () => {},
    away: () => {},
    loopDelay: () => {},
    unanswered: () => {},
  },
  coordination: part('coordination'),
  membership: part('membership'),
  formation: part('formation'),
  ...changes,
})

describe('a message', () => {
  it('goes to the part that speaks its protocol', () => {
    const expected: Record<string, string> = {
      swim: 'membership.receive',
      raft: 'coordination.receiveRaft',
      record: 'coordination.receiveRecord',
      envelope: 'relay.receive',
      hold: 'holds.hear',
      overlay: 'overlays.receive',
      forming: 'formation.receive',
      contacts: 'formation.introduced',
    }
    for (const message of sampleMessages) {
      taken = []
      dispatch(parts(), counters, link, message)
      assert.deepEqual(taken, expected[message.type] ? [expected[message.type]] : [], message.type)
    }
  })

  it('that comes before its part exists is dropped, and counted where that says something', () => {
    const always = new Set(['envelope', 'hold', 'overlay'])
    const early = parts({ coordination: undefined, membership: undefined, formation: undefined })
    for (const message of sampleMessages) if (!always.has(message.type)) dispatch(early, counters, link, message)
    assert.deepEqual(taken, [])
    const counts = counters.snapshot()
    assert.ok((counts['swim-early'] ?? 0) > 0 && (counts['raft-early'] ?? 0) > 0)
  })

  it('of a handshake has no business on a link that stands, and is counted', () => {
    const { features } = parts()
    const taker = { ...features, receive: (_: Link, { type }: WireMessage) => type === 'plumtree' }
    for (const message of sampleMessages) dispatch(parts({ features: taker }), counters, link, message)
    const unexpected = Object.keys(counters.snapshot()).filter((name) => name.startsWith('link-unexpected-'))
    assert.deepEqual(
      unexpected.sort(),
      ['accept', 'goodbye', 'hello', 'refuse'].map((type) => `link-unexpected-${type}`),
    )
  })
})
