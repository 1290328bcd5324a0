// Members of a sparse overlay that have no link to each other: small messages travel over relays, what is larger than a
// chunk over a link that is opened for it. Where no such link can be made, it travels over relays too, in pieces.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { TrellisNode } from '../../../src/index.ts'
import { RunningNode } from '../../../src/running-node.ts'
import { turns, waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { form } from '../local-nodes.ts'

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
const mebibyte = Uint8Array.from({ length: 1_048_576 }, (_, index) => index % 251)

/** Everybody holds two links; only one votes, so that nothing is pinned. */
const sparse = () => ({
  topology: 'hyparview',
  voters: 1,
  allowFaults: true,
  overlayOptions: { hyparview: { activeSize: 2, drainMs: 0 } },
})

const isLinked = (one: TrellisNode, other: TrellisNode): boolean =>
  one instanceof RunningNode && one.lifecycle.links.get(other.id) !== undefined

/** Two members without a link, neither of which votes; from now on nothing passes between them. */
async function cutOff(nodes: readonly TrellisNode[]): Promise<[TrellisNode, TrellisNode]> {
  const others = nodes.slice(1)
  const pairs = others.flatMap((one) => others.map((other) => [one, other] as [TrellisNode, TrellisNode]))
  const unlinked = () => pairs.find(([one, other]) => one !== other && !isLinked(one, other) && !isLinked(other, one))
  for (;;) {
    await waitUntil(() => unlinked() !== undefined)
    const [one, other] = unlinked()!
    one.faults.set({ block: [other.status().node.name] })
    // A link that was nearly up has come up by then.
    await turns(100)
    if (!isLinked(one, other)) return [one, other]
    one.faults.clear()
  }
}

it('where no link can be made everything comes over relays, what is large in pieces; where one can, a mebibyte comes over that', async () => {
  const nodes = await form(names, sparse)
  const [from, to] = await cutOff(nodes)
  const name = to.status().node.name
  const data = from.channel('data')
  let came: unknown
  to.channel('data').onMessage(({ payload }) => {
    came = payload
  })
  to.channel('data').onRequest(({ payload }) => payload)

  assert.equal((await data.send(name, 'small', { ack: true, timeoutMs: 10_000 })).acked, true)
  const whole = { timeoutMs: 15_000 }
  assert.equal((await data.send(name, mebibyte, { ...whole, ack: true })).acked, true)
  assert.deepEqual(came, mebibyte)
  came = undefined
  await data.send(name, mebibyte, whole)
  assert.deepEqual(came, mebibyte)
  assert.deepEqual((await data.request(name, mebibyte, whole)).payload, mebibyte)
  assert.ok(!isLinked(from, to) && !isLinked(to, from))
  came = undefined

  from.faults.clear()
  // After a cut the link may be a while in coming.
  assert.equal((await data.send(name, mebibyte, { ack: true, timeoutMs: 15_000 })).acked, true)
  assert.deepEqual(came, mebibyte)
  assert.deepEqual((await data.request(name, mebibyte, { timeoutMs: 15_000 })).payload, mebibyte)
  const heard = new Set<string>()
  for (const node of nodes)
    node.channel('events').subscribe('large', ({ payload }) => {
      assert.deepEqual(payload, mebibyte)
      heard.add(node.id)
    })
  const { members, reached, acked } = await from.channel('events').publish('large', mebibyte)
  assert.deepEqual([members, reached, acked], [names.length, names.length, true])
  await waitUntil(() => heard.size === names.length)
})
