import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { isClusterError } from '../../../src/errors.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { createIdentity } from '../../../src/transport/identity.ts'
import { TcpTransport } from '../../../src/transport/tcp.ts'
import type { Connection } from '../../../src/transport/transport.ts'

const run = promisify(execFile)
const open: TcpTransport[] = []

function create(): TcpTransport {
  const transport = new TcpTransport({ identity: createIdentity() })
  open.push(transport)
  return transport
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.close()))
})

const signal = (): AbortSignal => AbortSignal.timeout(30_000)
const hasIPv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))

/** One end of a connection, and the length of each piece that comes out of the other. */
async function dialedAndHeard(): Promise<{ dialed: Connection; chunks: number[] }> {
  const chunks: number[] = []
  const address = await create().listen('127.0.0.1:0', (connection) =>
    connection.start({
      data: (bytes) => chunks.push(bytes.length),
      drain: () => undefined,
      close: () => undefined,
    }),
  )
  return { dialed: await create().dial(address, signal()), chunks }
}

describe('an address', () => {
  it('of another machine, or of no machine, cannot be listened on', async () => {
    for (const address of ['192.0.2.1:0', 'no-such-host.invalid:0']) {
      await assert.rejects(
        create().listen(address, () => undefined),
        (error) => isClusterError(error, 'ERR_ADDRESS_UNUSABLE'),
      )
    }
  })

  it('may be a name', async () => {
    const address = await create().listen('localhost:0', () => undefined)
    const dialed = await create().dial(address, signal())
    assert.equal(dialed.peer, open[0]?.id)
    assert.equal(await create().reach(`localhost:${address.split(':').at(-1)}`, signal()), 'accepts')
  })

  it('may be IPv6, in brackets', { skip: hasIPv6 ? false : 'this machine has no ::1' }, async () => {
    const arrived: Connection[] = []
    const address = await create().listen('[::1]:0', (connection) => arrived.push(connection))
    assert.match(address, /^\[::1\]:\d+$/)
    await create().dial(address, signal())
    await waitUntil(() => arrived.length === 1)
    assert.match(arrived[0]?.remoteAddress ?? '', /^\[::1\]:\d+$/)
  })

  it('that leads nowhere is an error of the dial and silence to a knock', async () => {
    const transport = create()
    await assert.rejects(transport.dial('no-such-host.invalid:1', signal()), (error) =>
      isClusterError(error, 'ERR_HANDSHAKE_FAILED'),
    )
    assert.equal(await transport.reach('no-such-host.invalid:1', signal()), 'silent')
  })
})

describe('a transport', () => {
  it('can link to itself: whether it should is decided above', async () => {
    const transport = create()
    const address = await transport.listen('127.0.0.1:0', () => undefined)
    assert.equal((await transport.dial(address, signal())).peer, transport.id)
  })

  it('does not count the time for which it did not listen itself when it dials', async () => {
    const address = await create().listen('127.0.0.1:0', () => undefined)
    const caller = new TcpTransport({ identity: createIdentity(), handshakeTimeoutMs: 800 })
    open.push(caller)
    const dialing = caller.dial(address, signal())
    // Both ends are in this process: nobody can have answered before it is over.
    for (const end = performance.now() + 900; performance.now() < end; );
    assert.equal((await dialing).peer, open[0]?.id)
  })

  it('reads a bounded share of what comes in one turn, and all of it in the end', async () => {
    const total = 8 * 1024 * 1024
    let inTurn = 0
    let most = 0
    let received = 0
    const address = await create().listen('127.0.0.1:0', (connection) =>
      connection.start({
        data: ({ length }) => {
          if (inTurn === 0) {
            setImmediate(() => {
              most = Math.max(most, inTurn)
              inTurn = 0
            })
          }
          inTurn += length
          received += length
        },
        drain: () => undefined,
        close: () => undefined,
      }),
    )
    const dialed = await create().dial(address, signal())
    dialed.write(new Uint8Array(total))
    await waitUntil(() => received === total)
    assert.ok(most <= 256 * 1024, `${most} bytes in one turn`)
  })

  it('writes what was written in one turn as one TLS record', async () => {
    const { dialed, chunks } = await dialedAndHeard()
    for (let count = 0; count < 100; count++) dialed.write(new Uint8Array(10))
    await waitUntil(() => chunks.length > 0)
    assert.deepEqual(chunks, [1_000])
  })

  it('writes at once what it is told to, while the turn goes on', async () => {
    const { dialed, chunks } = await dialedAndHeard()
    for (const length of [10, 20, 30]) {
      dialed.write(new Uint8Array(length))
      if (length === 20) dialed.flush?.()
    }
    await waitUntil(() => chunks.length > 1)
    assert.deepEqual(chunks, [30, 30])
  })

  it('refuses to be used after it was closed', async () => {
    const transport = create()
    await transport.close()
    for (const use of [
      () => transport.listen('127.0.0.1:0', () => undefined),
      () => transport.dial('127.0.0.1:1', signal()),
      () => transport.reach('127.0.0.1:1', signal()),
    ]) {
      await assert.rejects(use, (error) => isClusterError(error, 'ERR_SHUTTING_DOWN'))
    }
  })

  it('leaves no handle behind: a process that closed its transports ends by itself', async () => {
    const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'close-child.ts')], { timeout: 20_000 })
    const left = (JSON.parse(stdout) as string[]).filter((resource) => !resource.startsWith('Pipe'))
    assert.deepEqual(left, [])
  })
})
