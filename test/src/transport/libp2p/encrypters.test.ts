import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { waitUntil } from '../../../../src/testing/compliance/wait-until.ts'
import { createIdentity } from '../../../../src/transport/identity.ts'
import { libp2p } from '../../../../src/transport/libp2p/libp2p.ts'
import type { Encrypter } from '../../../../src/transport/libp2p/libp2p-node.ts'
import { Libp2pTransport } from '../../../../src/transport/libp2p/libp2p-transport.ts'

const started: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const stop of started.splice(0).reverse()) await stop()
})

type Encrypters = NonNullable<NonNullable<Parameters<typeof createLibp2p>[0]>['connectionEncrypters']>

async function stock(connectionEncrypters: Encrypters) {
  const program = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters,
    streamMuxers: [yamux()],
  })
  started.push(() => program.stop())
  return program
}

function transport(encrypter: Encrypter): Libp2pTransport {
  const made = new Libp2pTransport({ identity: createIdentity(), encrypter })
  started.push(() => made.close())
  return made
}

describe('the encrypter of libp2p', () => {
  for (const [encrypter, theirs, spoken] of [
    ['noise', [tls(), noise()], '/noise'],
    ['tls', [tls(), noise()], '/tls/1.0.0'],
    ['tls', [noise()], '/noise'],
  ] as const)
    it(`${encrypter} is ${spoken} with a program that has ${theirs.length === 2 ? 'both' : 'Noise alone'}`, async () => {
      const address = await transport(encrypter).listen('/ip4/127.0.0.1/tcp/0', () => undefined)
      const program = await stock([...theirs])
      const { encryption } = await program.dial(multiaddr(address))
      assert.equal(encryption, spoken)
    })

  it('is one of two, and anything else is refused', () => {
    assert.throws(() => libp2p({ encrypter: 'ssl' as never }), /libp2p\.encrypter \('ssl'\) must be one of noise, tls/)
  })

  it('joins members that prefer different ones, whichever dials', async () => {
    const pairs = [
      ['tls', 'noise'],
      ['noise', 'tls'],
    ] as const
    for (const [near, far] of pairs) {
      const listener = transport(far)
      const dialed = await transport(near).dial(
        await listener.listen('127.0.0.1:0', (connection) => connection.admit()),
        AbortSignal.timeout(30_000),
      )
      assert.equal(dialed.peer, listener.id)
    }
  })

  it('tls does not stall with two streams under load, whatever else is asked on a third', async () => {
    const [server, client] = [await stock([tls()]), await stock([tls()])]
    const block = new Uint8Array(64 * 1024)
    const floods: Stream[] = []
    const heard = new Map<Stream, number>()
    const flood = (stream: Stream): void => {
      floods.push(stream)
      const more = (): void => {
        if (stream.writeStatus === 'writable' && stream.send(block)) setImmediate(more)
      }
      stream.addEventListener('drain', () => setImmediate(more))
      stream.addEventListener('message', ({ data }) => heard.set(stream, (heard.get(stream) ?? 0) + data.byteLength))
      setImmediate(more)
    }
    await server.handle('/flood', flood)
    await server.handle('/echo', (stream) => stream.addEventListener('message', ({ data }) => void stream.send(data)))
    const connection = await client.dial(server.getMultiaddrs()[0]!)
    flood(await connection.newStream('/flood'))
    flood(await connection.newStream('/flood'))
    const echo = await connection.newStream('/echo')
    let answers = 0
    echo.addEventListener('message', () => {
      answers += 1
    })
    const wanted = 16 * 1024 * 1024
    for (let asked = 1; floods.length < 4 || floods.some((one) => (heard.get(one) ?? 0) < wanted); asked++) {
      echo.send(Uint8Array.of(asked & 0xff))
      await waitUntil(() => answers === asked)
    }
    connection.abort(new Error('enough'))
  })
})
