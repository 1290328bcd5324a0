// What nodes say to each other by themselves goes over relays and opens no link of its own, however often; what users
// send often does.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Relay } from '../../../src/channels/relay.ts'
import { swimEnvelope } from '../../../src/membership/swim-envelope.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import type { Envelope } from '../../../src/wire/envelope.ts'

const swim = (reads: 'signed' | 'unsigned'): Envelope =>
  swimEnvelope({ id: 'a', generation: 1 }, 'z', { type: 'ping', probe: 1, updates: [] }, reads)

/** The links that node `a`, whose only neighbor is `b`, asks for when it sends `envelope` to `z` so often. */
function linksAskedFor(envelope: Envelope, times: number): string[] {
  const asked: string[] = []
  const link = { send: () => {} }
  const relay = new Relay({
    self: 'a',
    links: { get: (peer) => (peer === 'b' ? (link as never) : undefined), send: (peer) => peer === 'b' },
    holds: { hold: (peer) => void asked.push(peer), release: () => {} },
    clock: systemClock,
    turn: { enter: (work) => work() },
    nextHop: () => 'b',
    isThere: () => true,
    isGone: () => false,
    deliver: () => {},
    undeliverable: () => {},
    onGivenUp: () => {},
    count: () => {},
  })
  for (let time = 0; time < times; time++) assert.equal(relay.send(envelope), true)
  relay.close()
  return asked
}

describe('envelopes over relays', () => {
  it('open a link when they are a stream of a user', () => {
    assert.deepEqual(linksAskedFor({ ...swim('signed'), subject: undefined }, 100), ['z'])
    assert.deepEqual(linksAskedFor({ ...swim('signed'), subject: undefined }, 3), [])
  })

  it('open none when they are of membership, whichever release the other end is of', () => {
    for (const reads of ['signed', 'unsigned'] as const) assert.deepEqual(linksAskedFor(swim(reads), 100), [])
  })
})
