import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { createNode } from '../../../../src/node.ts'
import type { TrellisNode } from '../../../../src/node-interface.ts'
import { waitUntil } from '../../../../src/testing/compliance/wait-until.ts'
import { libp2p } from '../../../../src/transport/libp2p/libp2p.ts'

const secret = 'a secret of the test'
const started: { stop(): Promise<unknown> | unknown }[] = []
afterEach(async () => {
  for (const one of started.splice(0).reverse()) await one.stop()
})

/** A relay as anybody may run one: a stock libp2p program. */
async function startRelay() {
  const relay = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      relay: circuitRelayServer({ reservations: { applyDefaultLimit: false } }),
    },
  })
  started.push(relay)
  return relay.getMultiaddrs()[0]!.toString()
}

async function start(name: string, listen: string[], join: string[]): Promise<TrellisNode> {
  const transport = libp2p({ listen, transports: [circuitRelayTransport()] })
  const node = await createNode({ name, transport, join, secret })
  started.push(node)
  return node
}

describe('a member that nobody can dial', () => {
  it('is reached through a relay that is no member, and is a member like any other', async () => {
    const relay = await startRelay()
    const behind = await start('behind', [`${relay}/p2p-circuit`], [])
    assert.equal(behind.address, `${relay}/p2p-circuit/p2p/${behind.id}`)
    const open = await start('open', ['/ip4/127.0.0.1/tcp/0'], [behind.address])
    await waitUntil(() => open.members().filter(({ state }) => state === 'alive').length === 2)
    behind.channel('data').onRequest(({ payload }) => payload)
    const payload = new Uint8Array(300_000).fill(7)
    const answer = await open.channel('data').request('behind', payload)
    assert.deepEqual(answer.payload, payload)
    await open.config.set('through', 'the relay')
    assert.equal((await behind.config.get('through'))?.value, 'the relay')
  })
})
