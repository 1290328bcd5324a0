// What every attack on a live node has around it: a friend that is linked to the node, and after each test the proof
// that the friend's link works as before and that nothing of the attackers is left.

import assert from 'node:assert/strict'
import { after, afterEach, before } from 'node:test'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import type { Transport } from '../../../src/transport/transport.ts'
import { Attacker, type LiveNode } from './live-node.ts'

/** A transport that can be told to be free of attackers. */
type Counting = Transport & { readonly halfOpenConnections: number }

/**
 * Starts both before the first test of the file, and stops them after the last. Answers what begins an attack by bytes
 * on a bare socket to the node, and what adds one that began otherwise; `others` ends further ones after each test.
 */
export function attacked<Kind extends Counting>(
  node: LiveNode<Kind>,
  friend: LiveNode<Kind>,
  others: () => Promise<unknown> = async () => undefined,
) {
  const attackers: Attacker[] = []

  before(async () => {
    await Promise.all([node.start(), friend.start()])
    await friend.dial(node.address)
    await waitUntil(() => node.links.length === 1)
  })

  afterEach(async () => {
    for (const attacker of attackers.splice(0)) attacker.socket.destroy()
    await others()
    await waitUntil(() => node.transport.halfOpenConnections === 0)
    const heard = node.messages.length
    friend.links[0]?.send({ type: 'accept' })
    await waitUntil(() => node.messages.length === heard + 1)
    assert.equal(node.links.length, 1)
    node.refused.length = 0
    node.failures.length = 0
  })

  after(() => Promise.all([node.stop(), friend.stop()]))

  const watched = (attacker: Attacker): Attacker => {
    attackers.push(attacker)
    return attacker
  }
  return { watched, plain: () => watched(Attacker.plain(node.address)) }
}
