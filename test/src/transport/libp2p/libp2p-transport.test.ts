import assert from 'node:assert/strict'
import { afterEach, before, describe, it } from 'node:test'
import { isClusterError } from '../../../../src/errors.ts'
import { type TransportHarness, testTransport } from '../../../../src/testing/compliance/transport.ts'
import { waitUntil } from '../../../../src/testing/compliance/wait-until.ts'
import { createIdentity } from '../../../../src/transport/identity.ts'
import { type Encrypter, encrypters } from '../../../../src/transport/libp2p/libp2p-node.ts'
import { Libp2pTransport } from '../../../../src/transport/libp2p/libp2p-transport.ts'
import type { Connection } from '../../../../src/transport/transport.ts'
import { inTurn, isWhole } from '../../../multinode/story/turn.ts'
import { rawPeers } from '../raw-peers.ts'

const harness = (encrypter: Encrypter): TransportHarness => ({
  listenAddress: '127.0.0.1:0',
  // The first handshakes of a process are compiled while they run.
  create: (limits) => {
    const handshakeTimeoutMs = 2 * limits.handshakeTimeoutMs
    return new Libp2pTransport({ identity: createIdentity(), encrypter, ...limits, handshakeTimeoutMs })
  },
  ...rawPeers,
})

for (const encrypter of isWhole ? encrypters : inTurn(encrypters, encrypters.length))
  testTransport(`libp2p with ${encrypter}`, { create: () => harness(encrypter) })

const open: Libp2pTransport[] = []
const create = (): Libp2pTransport => {
  const transport = new Libp2pTransport({ identity: createIdentity() })
  open.push(transport)
  return transport
}
const close = async (): Promise<void> => {
  await Promise.all(open.splice(0).map((transport) => transport.close()))
}
const signal = (): AbortSignal => AbortSignal.timeout(30_000)

before(async () => {
  const address = await create().listen('127.0.0.1:0', (connection) => connection.admit())
  await create().dial(address, signal())
  await close()
})
afterEach(close)

describe('a transport over libp2p', () => {
  it('has the id that libp2p gives to the same key', async () => {
    const transport = create()
    const address = await transport.listen('/ip4/127.0.0.1/tcp/0', () => undefined)
    const connection = await create().dial(`${address}/p2p/${transport.id}`, signal())
    assert.equal(connection.peer, transport.id)
  })

  it('opens a connection for each dial, also for those at the same time', async () => {
    const arrived: Connection[] = []
    const address = await create().listen('127.0.0.1:0', (connection) => arrived.push(connection))
    const dialer = create()
    const dialed = await Promise.all(Array.from({ length: 4 }, () => dialer.dial(address, signal())))
    await waitUntil(() => arrived.length === 4)
    const bindings = (all: readonly Connection[]) =>
      all.map(({ binding }) => Buffer.from(binding).toString('hex')).sort()
    assert.equal(new Set(bindings(dialed)).size, 4)
    assert.deepEqual(bindings(dialed), bindings(arrived))
  })

  it('listens at several addresses, WebSocket among them, and is dialed at each', async () => {
    const transport = create()
    const arrived: Connection[] = []
    const addresses: string[] = []
    for (const wanted of ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'])
      addresses.push(await transport.listen(wanted, (connection) => arrived.push(connection)))
    assert.match(addresses.join(), /^\/ip4\/127\.0\.0\.1\/tcp\/\d+,\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws$/)
    for (const address of addresses) {
      const heard: Buffer[] = []
      const dialed = await create().dial(address, signal())
      await waitUntil(() => arrived.length === 1)
      const [connection] = arrived.splice(0) as [Connection]
      connection.admit()
      connection.start({ data: (bytes) => heard.push(Buffer.from(bytes)), drain: () => {}, close: () => {} })
      dialed.write(Buffer.alloc(300_000, 5))
      await waitUntil(() => Buffer.concat(heard).length === 300_000)
    }
  })

  it('writes on after each drain: nothing is lost, and nothing is queued without bound', async () => {
    const arrived: Connection[] = []
    const address = await create().listen('127.0.0.1:0', (connection) => arrived.push(connection))
    const dialed = await create().dial(address, signal())
    await waitUntil(() => arrived.length === 1)
    const [receiver] = arrived as [Connection]
    receiver.admit()
    let received = 0
    receiver.start({ data: (bytes) => (received += bytes.length), drain: () => {}, close: () => {} })
    const total = 64 * 1024 * 1024
    let [sent, drains, most] = [0, 0, 0]
    const more = (): void => {
      while (sent < total) {
        const hasRoom = dialed.write(Buffer.alloc(64 * 1024))
        sent += 64 * 1024
        most = Math.max(most, dialed.queuedBytes)
        if (!hasRoom) return
      }
    }
    dialed.start({
      data: () => {},
      drain: () => {
        drains += 1
        more()
      },
      close: () => {},
    })
    more()
    await waitUntil(() => received === total)
    assert.ok(drains > 10, `${drains} drains`)
    assert.ok(most <= 1024 * 1024 + 64 * 1024, `${most} bytes were queued`)
  })

  it('ends one connection and nothing else when the other end goes in the middle of a flood', async () => {
    const arrived: Connection[] = []
    const address = await create().listen('127.0.0.1:0', (connection) => arrived.push(connection))
    const dialer = create()
    for (let round = 0; round < 4; round++) {
      const dialed = await dialer.dial(address, signal())
      await waitUntil(() => arrived.length === 1)
      const [other] = arrived.splice(0) as [Connection]
      other.admit()
      let received = 0
      other.start({ data: (bytes) => (received += bytes.length), drain: () => {}, close: () => {} })
      let closes = 0
      dialed.start({ data: () => {}, drain: () => {}, close: () => (closes += 1) })
      for (let count = 0; closes === 0; count++) {
        for (let chunk = 0; chunk < 4; chunk++) dialed.write(Buffer.alloc(64 * 1024))
        if (count > 2 * round && received > 0) {
          if (round % 2 === 0) other.destroy()
          else void other.close()
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
      assert.equal(closes, 1)
      assert.equal(dialed.write(Buffer.alloc(1)), false)
    }
  })

  it('may be asked for what it cannot do, and says so', async () => {
    for (const address of ['/ip4/127.0.0.1/udp/1', '/ip4/nonsense/tcp/1', '/no/such/thing'])
      await assert.rejects(
        create().listen(address, () => undefined),
        (error) => isClusterError(error, 'ERR_ADDRESS_UNUSABLE'),
      )
    await assert.rejects(
      create().listen('192.0.2.1:0', () => undefined),
      (error) => isClusterError(error, 'ERR_ADDRESS_UNUSABLE'),
    )
    await assert.rejects(create().dial('no-such-host.invalid:1', signal()), (error) =>
      isClusterError(error, 'ERR_HANDSHAKE_FAILED'),
    )
    const closed = create()
    await closed.close()
    await assert.rejects(closed.dial('127.0.0.1:1', signal()), (error) => isClusterError(error, 'ERR_SHUTTING_DOWN'))
  })
})
