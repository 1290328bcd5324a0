import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Parts } from '../../src/dispatch.ts'
import { LinkEvents } from '../../src/link-events.ts'
import type { Peers } from '../../src/links/peers.ts'
import { silentLogger } from '../../src/observability/logger.ts'
import type { Link, LinkEnd } from '../../src/wire/link.ts'

const link = { peer: { id: 'b', name: 'bee' } } as Link
const cut = { announced: false } as LinkEnd
let told: string[]
let parts: Parts
let events: LinkEvents

/** A part of a node that notes what it is told of the peer. */
const part = (name: string) =>
  new Proxy({}, { get: (_, method) => () => void told.push(`${name}.${String(method)}`) }) as never

beforeEach(() => {
  told = []
  parts = {
    ...{ requests: part('requests'), relay: part('relay'), holds: part('holds'), overlays: part('overlays') },
    ...{ features: part('features'), coordination: part('coordination'), membership: part('membership') },
    formation: undefined,
  }
  events = new LinkEvents({
    parts,
    peers: { links: part('links') } as unknown as Peers,
    clusterId: () => 'ours',
    logger: silentLogger,
    considerJoining: () => {},
    addressOf: () => undefined,
    onLink: () => {},
  })
})

const greeting = [
  ...['coordination.greet', 'coordination.connected', 'membership.connected'],
  ...['relay.up', 'features.linkUp'],
]

describe('a link to a member of the same cluster', () => {
  it('begins once, however often the peer says in which cluster it is', () => {
    events.up(link)
    for (let time = 0; time < 3; time++) events.peerInCluster(link, 'ours')
    assert.deepEqual(told, greeting)
  })

  it('begins anew after it was lost', () => {
    events.peerInCluster(link, 'ours')
    events.down(link, cut)
    told = []
    events.peerInCluster(link, 'ours')
    assert.deepEqual(told, greeting)
  })

  it('begins when this node has a cluster, and the peer is told before that where it could join', () => {
    const { coordination } = parts
    parts.coordination = undefined
    events.peerInCluster(link, 'ours')
    assert.deepEqual(told, [])
    parts.coordination = coordination
    events.peerInCluster(link, '')
    assert.deepEqual(told, ['coordination.greet'])
    events.peerInCluster(link, 'ours')
    assert.deepEqual(told.slice(1), greeting)
  })

  it('does not begin with a member of another cluster, which is sent away', () => {
    events.peerInCluster(link, 'theirs')
    assert.deepEqual(told, ['links.disconnect'])
  })
})
