import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { afterEach, describe, it, mock } from 'node:test'
import { waitUntil } from '../../../../src/testing/compliance/wait-until.ts'
import { createIdentity } from '../../../../src/transport/identity.ts'
import { encrypters } from '../../../../src/transport/libp2p/libp2p-node.ts'
import { Libp2pTransport } from '../../../../src/transport/libp2p/libp2p-transport.ts'
import type { Connection } from '../../../../src/transport/transport.ts'

/** What a socket hands one buffer to the kernel by, and several at once. */
interface SystemCalls {
  _write(): void
  _writev(): void
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
  const end = await near!.dial(address, AbortSignal.timeout(10_000))
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
    // Two writes, and what libp2p itself says in answer: that the window is open again.
    assert.equal(single.mock.callCount(), 0)
    assert.ok(joined.mock.callCount() >= 2 && joined.mock.callCount() <= 8, `${joined.mock.callCount()} system calls`)
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
      const count = 200
      const memory = Buffer.alloc(30_000)
      for (let number = 1; number <= count; number++) {
        memory.fill(number)
        await new Promise<void>((resolve) => void end.write(memory, resolve))
      }
      memory.fill(0)
      const length = (): number => pieces.reduce((sum, piece) => sum + piece.length, 0)
      await waitUntil(() => length() === count * memory.length)
      const expected = Array.from({ length: count }, (_, at) => Buffer.alloc(memory.length, at + 1))
      assert.ok(Buffer.concat(pieces).equals(Buffer.concat(expected)))
    })
})
