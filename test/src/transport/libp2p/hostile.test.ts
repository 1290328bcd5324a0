import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import type { Connection as Libp2pConnection, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { waitUntil } from '../../../../src/testing/compliance/wait-until.ts'
import { createIdentity } from '../../../../src/transport/identity.ts'
import { asMultiaddr } from '../../../../src/transport/libp2p/addresses.ts'
import { LINK_PROTOCOL } from '../../../../src/transport/libp2p/greeting.ts'
import { Libp2pTransport } from '../../../../src/transport/libp2p/libp2p-transport.ts'
import { TcpTransport } from '../../../../src/transport/tcp.ts'
import { encodeFrame, FrameDecoder, type WireMessage } from '../../../../src/wire/message.ts'
import { Keyring } from '../../../../src/wire/secrets.ts'
import { attacked } from '../attacked.ts'
import { describeFailure, handshakeTimeoutMs, LiveNode } from '../live-node.ts'

const live = () => new LiveNode((limits) => new Libp2pTransport(limits))
const node = live()
const friend = live()
const stock: Libp2p[] = []
const { plain } = attacked(node, friend, () => Promise.all(stock.splice(0).map((peer) => peer.stop())))

/** A libp2p program that is no node of ours. */
async function stranger(listen: string[] = []): Promise<Libp2p> {
  const peer = await createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
  })
  stock.push(peer)
  return peer
}

async function connected(): Promise<Libp2pConnection> {
  return (await stranger()).dial(multiaddr(asMultiaddr(node.address)))
}

async function linkStream(connection: Libp2pConnection): Promise<Stream> {
  return connection.newStream([LINK_PROTOCOL])
}

const select = Buffer.concat([Buffer.from('\x13/multistream/1.0.0\n'), Buffer.from('\x07/noise\n')])

describe('before Noise has proven anybody', () => {
  it('garbage is closed at once and counted', async () => {
    // multistream-select takes the G for a length of 71: less than that it would wait for until the handshake's time is
    // over.
    const http = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: ${'a'.repeat(64)}\r\n\r\n`)
    for (const garbage of [http, randomBytes(4_096), Buffer.alloc(64)]) {
      const attacker = plain()
      attacker.socket.write(garbage)
      await attacker.closed()
    }
    assert.deepEqual(node.refused, ['not-libp2p', 'not-libp2p', 'not-libp2p'])
  })

  it('a handshake larger than any honest one is closed before it is complete', async () => {
    const attacker = plain()
    attacker.socket.write(Buffer.concat([select, Buffer.from('ffff', 'hex'), Buffer.alloc(40_000, 1)]))
    await attacker.closed()
    assert.deepEqual(node.refused, ['too-many-bytes'])
  })

  it('a hundred that say nothing push out each other, and an honest peer gets its link meanwhile', async () => {
    const flood = Array.from({ length: 100 }, plain)
    await waitUntil(() => node.refused.filter((reason) => reason === 'crowded').length >= 92)
    assert.ok(node.transport.halfOpenConnections <= 8)
    const honest = live()
    await honest.dial(node.address)
    await waitUntil(() => node.links.length === 2)
    await honest.stop()
    await waitUntil(() => node.links.length === 1)
    await Promise.all(flood.map((attacker) => attacker.closed()))
  })
})

it('whoever is not admitted is closed at the handshake time and not before, whatever it has or has not said', async () => {
  const openedAt = performance.now()
  const [mute, slow] = [plain(), plain()]
  let sent = 0
  const drip = setInterval(() => slow.socket.write(select.subarray(sent, ++sent)), 20)
  const [idle, greeter] = await Promise.all([connected(), connected()])
  const stream = await linkStream(greeter)
  stream.send(randomBytes(31))
  await Promise.all([mute.closed(), waitUntil(() => idle.status !== 'open' && greeter.status !== 'open')])
  assert.ok(performance.now() - openedAt >= handshakeTimeoutMs - 1)
  await slow.closed()
  clearInterval(drip)
  assert.ok(sent > 3)
  assert.deepEqual(node.failures, [])
})

describe('a libp2p program with a key of its own', () => {
  const ended = (connection: Libp2pConnection) => waitUntil(() => connection.status !== 'open')

  it('gets one link from a connection, however many streams it opens', async () => {
    const connection = await connected()
    await linkStream(connection)
    await assert.rejects(async () => {
      const second = await linkStream(connection)
      second.send(randomBytes(32))
      await waitUntil(() => second.status !== 'open')
      throw new Error(second.status)
    })
    await ended(connection)
  })

  it('that greets and then sends no hello is refused, and the rest of what it sends stays with it', async () => {
    const connection = await connected()
    const stream = await linkStream(connection)
    stream.send(randomBytes(32))
    for (let count = 0; count < 200 && stream.status === 'open'; count++) stream.send(Buffer.alloc(64 * 1024, 1))
    await ended(connection)
    await waitUntil(() => node.failures.length === 1)
    assert.deepEqual(node.failures, ['ERR_HANDSHAKE_FAILED bad-hello'])
  })

  it('is told so when its secret is wrong, and its own side says so too', async () => {
    const other = live()
    const keyring = new Keyring(['another secret altogether'])
    await assert.rejects(other.dial(node.address, { keyring }), (error) => {
      return describeFailure(error) === 'ERR_WRONG_SECRET'
    })
    await waitUntil(() => node.failures.length === 1)
    assert.deepEqual(node.failures, ['ERR_WRONG_SECRET'])
    await other.stop()
  })

  it('gains nothing from standing between two members and passing everything on', async () => {
    const middle = await stranger(['/ip4/127.0.0.1/tcp/0'])
    await middle.handle(LINK_PROTOCOL, async (stream) => {
      const through = await linkStream(await middle.dial(multiaddr(asMultiaddr(node.address))))
      for (const [from, to] of [
        [stream, through],
        [through, stream],
      ] as const)
        from.addEventListener('message', ({ data }) => void (to.status === 'open' && to.send(data)))
    })
    const address = middle.getMultiaddrs()[0]!.decapsulate('/p2p').toString()
    await assert.rejects(friend.dial(address), (error) => describeFailure(error).includes('bad-hello'))
    await waitUntil(() => node.failures.length === 1)
    assert.deepEqual(node.failures, ['ERR_HANDSHAKE_FAILED bad-hello'])
  })

  it('gains nothing from a hello that a member sent to it before', async () => {
    const trap = await stranger(['/ip4/127.0.0.1/tcp/0'])
    const messages: WireMessage[] = []
    await trap.handle(LINK_PROTOCOL, (stream) => {
      const decoder = new FrameDecoder()
      let skipped = 0
      stream.addEventListener('message', ({ data }) => {
        const bytes = Buffer.from(data.subarray())
        const nonce = Math.min(32 - skipped, bytes.length)
        skipped += nonce
        messages.push(...decoder.push(bytes.subarray(nonce)))
      })
      stream.send(randomBytes(32))
    })
    const attempt = friend.dial(trap.getMultiaddrs()[0]!.toString()).catch(describeFailure)
    await waitUntil(() => messages.length > 0)
    const connection = await connected()
    const stream = await linkStream(connection)
    const [recorded] = messages
    assert.ok(recorded?.type === 'hello')
    const id = stock.at(-1)!.peerId.toString()
    stream.send(randomBytes(32))
    stream.send(encodeFrame({ ...recorded, hello: { ...recorded.hello, id } }))
    await waitUntil(() => node.failures.length === 1)
    assert.deepEqual(node.failures, ['ERR_WRONG_SECRET'])
    await trap.stop()
    await attempt
  })
})

describe('a dialer', () => {
  const signal = () => AbortSignal.timeout(30_000)
  const reasonOf = async (dial: Promise<unknown>) => dial.then(() => 'connected', describeFailure)

  it('says that something else lives at an address of TLS, of libp2p without links, of garbage', async () => {
    const other = new TcpTransport({ identity: createIdentity(), handshakeTimeoutMs })
    const addresses = [await other.listen('127.0.0.1:0', (connection) => connection.destroy())]
    const program = await stranger(['/ip4/127.0.0.1/tcp/0'])
    addresses.push(program.getMultiaddrs()[0]!.toString())
    const sockets: Socket[] = []
    const garbage = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => undefined)
      socket.write(randomBytes(2_000))
    })
    await new Promise<void>((resolve) => garbage.listen(0, '127.0.0.1', resolve))
    addresses.push(`127.0.0.1:${(garbage.address() as { port: number }).port}`)
    for (const address of addresses)
      assert.equal(await reasonOf(node.transport.dial(address, signal())), 'ERR_HANDSHAKE_FAILED no-identity', address)
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => garbage.close(resolve))
    await other.close()
  })

  it('refuses whoever has another key than the address demands', async () => {
    const address = `${asMultiaddr(friend.address)}/p2p/${createIdentity().id}`
    assert.equal(await reasonOf(node.transport.dial(address, signal())), 'ERR_HANDSHAKE_FAILED no-identity')
  })

  it('gives up on one that takes the stream and never greets, or ends it at once', async () => {
    const program = await stranger(['/ip4/127.0.0.1/tcp/0'])
    const address = program.getMultiaddrs()[0]!.toString()
    await program.handle(LINK_PROTOCOL, () => undefined)
    assert.equal(await reasonOf(node.transport.dial(address, signal())), 'ERR_HANDSHAKE_FAILED silent')
    await program.unhandle(LINK_PROTOCOL)
    await program.handle(LINK_PROTOCOL, (stream) => stream.abort(new Error('no')))
    assert.match(await reasonOf(node.transport.dial(address, signal())), /^ERR_HANDSHAKE_FAILED (closed|unreachable)$/)
  })

  it('keeps only a window of what one sends that it has not begun to read', async () => {
    const program = await stranger(['/ip4/127.0.0.1/tcp/0'])
    let sent = 0
    await program.handle(LINK_PROTOCOL, (stream) => {
      stream.send(randomBytes(32))
      const chunk = Buffer.alloc(64 * 1024)
      const more = (): void => {
        while (stream.status === 'open' && sent < 64 * 1024 * 1024) {
          const hasRoom = stream.send(chunk)
          if (!hasRoom) return
          sent += chunk.length
        }
      }
      stream.addEventListener('drain', more)
      more()
    })
    const connection = await node.transport.dial(program.getMultiaddrs()[0]!.toString(), signal())
    await waitUntil(() => sent > 0)
    const before = sent
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(sent <= 1024 * 1024, `${sent} bytes were taken, ${before} at first`)
    connection.destroy()
  })
})
