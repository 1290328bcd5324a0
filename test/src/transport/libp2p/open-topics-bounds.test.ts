// What open topics hold for others is bounded: publishes under way, and bytes for a peer that does not read.

import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { identify } from '@libp2p/identify'
import type { Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { isClusterError } from '../../../../src/errors.ts'
import { turns } from '../../../../src/testing/compliance/wait-until.ts'
import { createIdentity } from '../../../../src/transport/identity.ts'
import { Libp2pTransport } from '../../../../src/transport/libp2p/libp2p-transport.ts'
import { until } from '../../cli/wait-until.ts'

const topic = { topic: 'weather', channel: 'events', format: 'bytes' } as const
const protocol = '/meshsub/1.2.0'
const started: { stop(): Promise<unknown> | unknown }[] = []
afterEach(async () => {
  for (const one of started.splice(0).reverse()) await one.stop()
})

async function publisher() {
  const gossip = { topics: [topic], sign: false, maxGuests: 1 }
  const transport = new Libp2pTransport({ identity: createIdentity(), gossip })
  started.push({ stop: () => transport.close() })
  const address = await transport.listen('/ip4/127.0.0.1/tcp/0', () => undefined)
  return { address, topics: transport.openTopics! }
}

/** A program that subscribes, and reads nothing more when a first message has come. */
async function sleeper(address: string): Promise<() => Stream | undefined> {
  let inbound: Stream | undefined
  const program = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  })
  started.push(program)
  await program.handle(protocol, (stream) => {
    stream.addEventListener('message', ({ data }) => {
      if (data.byteLength < 1_000) return
      stream.pause()
      inbound = stream
    })
  })
  const connection = await program.dial(multiaddr(address))
  const stream = await connection.newStream(protocol)
  // RPC, field 1: a subscription, yes, to this topic.
  const name = Buffer.from(topic.topic)
  const subscription = Buffer.from([0x08, 1, 0x12, name.length, ...name])
  stream.send(Buffer.from([subscription.length + 2, 0x0a, subscription.length, ...subscription]))
  return () => inbound
}

describe('open topics', () => {
  it('publish 1,024 messages at a time, and refuse the next one', async () => {
    const { topics } = await publisher()
    let last = 0
    const publish = () => topics.publish(topic, new Uint8Array(new Uint32Array([++last]).buffer))
    const under = Array.from({ length: 1_024 }, publish)
    await assert.rejects(publish(), (error) => isClusterError(error, 'ERR_BUFFER_FULL'))
    await Promise.all(under)
    await publish()
  })

  it('keep at most 4 MiB for a peer that does not read: then its stream ends', async () => {
    const { address, topics } = await publisher()
    const stream = await sleeper(address)
    let sent = 0
    const publish = () => topics.publish(topic, new Uint8Array(200_000).fill(++sent))
    await until(async () => {
      await publish()
      return stream() !== undefined
    })
    const before = sent
    while (sent < before + 18) await publish()
    // An end of the stream would have come by then.
    await turns(1_000)
    assert.equal(stream()?.status, 'open')
    await until(async () => {
      if (sent < before + 200) await publish()
      return stream()?.status !== 'open'
    })
    assert.ok(sent <= before + 30, `${sent - before} messages of 200,000 bytes were taken for it`)
  })
})
