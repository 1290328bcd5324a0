import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { afterEach, describe, it, mock } from 'node:test'
import { waitUntil } from '../../../../src/testing/compliance/wait-until.ts'
import { createIdentity } from '../../../../src/transport/identity.ts'
import { encrypters } from '../../../../src/transport/libp2p/libp2p-node.ts'
import { Libp2pTransport } from '../../../../src/transport/libp2p/libp2p-transport.ts'
import type { Connection } from '../../../../src/transport/transport.ts'

type Chunks = readonly { readonly chunk: Uint8Array }[]

/** What a socket hands one buffer to the kernel by, and several at once. */
interface SystemCalls {
  _write(): void
  _writev(chunks: Chunks, done: () => void): void
}

const open: Libp2pTransport[] = []
afterEach(async () => {
  mock.restoreAll()
  await Promise.all(open.splice(0).map((transport) => transport.close()))
})

/** Both ends of a connection; the first one dialed. */
async function connected(encrypter?: (typeof encrypters)[number]): Promise<[Connection, Connection]> {
  const [near, far] = [0, 0].map(
    () => new Libp2pTransport({ identity: createIdentity(), ...(encrypter && { encrypter }) }),
  )
  open.push(near!, far!)
  const arrived: Connection[] = []
  const address = await far!.listen('127.0.0.1:0', (connection) => arrived.push(connection))
  const end = await near!.dial(address, AbortSignal.timeout(30_000))
  await waitUntil(() => arrived.length === 1)
  arrived[0]!.admit()
  return [end, arrived[0]!]
}

/** What comes out of `end`, as it comes. */
function piecesOf(end: Connection): Uint8Array[] {
  const pieces: Uint8Array[] = []
  end.start({ data: (bytes) => pieces.push(bytes), drain: () => {}, close: () => {} })
  return pieces
}

describe('what libp2p sends at once', () => {
  it('leaves in one system call, in both directions', async () => {
    const ends = await connected()
    let received = 0
    for (const end of ends) end.start({ data: (bytes) => (received += bytes.length), drain: () => {}, close: () => {} })
    const calls = Socket.prototype as unknown as SystemCalls
    const single = mock.method(calls, '_write')
    const joined = mock.method(calls, '_writev')
    const size = 32 * 1024
    for (const [at, end] of ends.entries()) {
      end.write(new Uint8Array(size))
      await waitUntil(() => received === size * (at + 1))
    }
    assert.equal(single.mock.callCount(), 0)
    assert.equal(joined.mock.callCount(), 2)
  })

  it('is answered when half of the window is used, and not for each piece', async () => {
    const [end, other] = await connected()
    const pieces = piecesOf(other)
    end.start({ data: () => {}, drain: () => {}, close: () => {} })
    const calls = Socket.prototype as unknown as SystemCalls
    const { _writev } = calls
    // Counted at once: what is sent is given back.
    const lengths: number[] = []
    mock.method(calls, '_writev', function (this: SystemCalls, chunks: Chunks, done: () => void) {
      lengths.push(chunks.reduce((sum, { chunk }) => sum + chunk.length, 0))
      _writev.call(this, chunks, done)
    })
    const size = 4 * 1024 * 1024
    end.write(new Uint8Array(size))
    await waitUntil(() => pieces.reduce((sum, { length }) => sum + length, 0) === size)
    // A window update, with what Noise has around it.
    const answers = lengths.filter((length) => length === 12 + 2 + 16).length
    assert.ok(answers > 0 && answers <= 2 * (size / (256 * 1024)), `${answers} answers`)
  })

  it('is read by shares: what comes without end leaves time for others in each turn', async () => {
    const [end, other] = await connected()
    let [received, inTurn, most] = [0, 0, 0]
    other.start({
      data: ({ length }) => {
        if (inTurn === 0) setImmediate(() => (inTurn = 0))
        received += length
        inTurn += length
        most = Math.max(most, inTurn)
      },
      drain: () => {},
      close: () => {},
    })
    const size = 16 * 1024 * 1024
    end.write(new Uint8Array(size))
    await waitUntil(() => received === size)
    assert.ok(most <= 192 * 1024, `${most} bytes in a turn`)
  })

  it('comes up piece by piece, each as soon as it is there, and not when all of it is', async () => {
    const [end, other] = await connected()
    const pieces = piecesOf(other)
    const sent = Buffer.from(Array.from({ length: 400_000 }, (_, at) => at % 251))
    end.write(sent)
    await waitUntil(() => pieces.reduce((sum, { length }) => sum + length, 0) === sent.length)
    assert.ok(Buffer.concat(pieces).equals(sent))
    assert.ok(Math.max(...pieces.map(({ length }) => length)) < 65_507)
  })

  for (const encrypter of encrypters)
    it(`may be overwritten by its owner once it is told that it is written, with ${encrypter}`, async () => {
      const [end, other] = await connected(encrypter)
      const pieces = piecesOf(other)
      // Some are encrypted one way, some the other, and memory of large ones is given back.
      const lengths = Array.from({ length: 200 }, (_, at) => (at % 3 === 0 ? 100 : 30_000))
      const memory = Buffer.alloc(30_000)
      for (const [at, length] of lengths.entries()) {
        memory.fill(at + 1)
        await new Promise<void>((resolve) => void end.write(memory.subarray(0, length), resolve))
      }
      memory.fill(0)
      const expected = Buffer.concat(lengths.map((length, at) => Buffer.alloc(length, at + 1)))
      await waitUntil(() => pieces.reduce((sum, piece) => sum + piece.length, 0) === expected.length)
      assert.ok(Buffer.concat(pieces).equals(expected))
    })
})
