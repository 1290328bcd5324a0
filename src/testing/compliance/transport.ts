// What every transport must do, sentence by sentence of `transport/transport.ts`. A test of an implementation is one
// call: `testTransport('tcp', { create: () => … })`. A case that cannot apply is named, with a reason that the report
// shows.

import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { afterEach, describe, it } from 'node:test'
import { isClusterError } from '../../errors.ts'
import type { Connection, Transport } from '../../transport/transport.ts'
import { Recorder } from './recorder.ts'
import { DEADLINE_MS, turns, waitUntil } from './wait-until.ts'

/** Limits that the cases ask for; a transport without such a limit ignores it. */
export interface TransportLimits {
  readonly handshakeTimeoutMs: number
  readonly maxHandshakeBytes: number
  readonly maxHalfOpenPerAddress: number
  readonly highWaterMark: number
}

/** Transports that reach each other. */
export interface TransportHarness {
  /** Where to listen, with port 0. */
  readonly listenAddress: string
  /** A transport with an identity of its own. */
  create(limits: TransportLimits): Transport
  /** Opens a connection that proves nothing, sends `bytes`, resolves when the other end has closed it. */
  stranger?(address: string, bytes: Uint8Array): Promise<void>
  /** Something that takes connections and never says a word. */
  mute?(): Promise<{ readonly address: string; close(): Promise<void> }>
}

export interface TransportSuite {
  create(): TransportHarness
  /**
   * Cases that have no meaning for this transport, by name, and why. They are not run, which is not the same as
   * skipped.
   */
  readonly inapplicable?: Readonly<Record<string, string>>
}

const limits: TransportLimits = {
  handshakeTimeoutMs: 400,
  maxHandshakeBytes: 8 * 1024,
  maxHalfOpenPerAddress: 4,
  highWaterMark: 64 * 1024,
}

/** Registers the suite with `node:test`. */
export function testTransport(name: string, suite: TransportSuite): void {
  describe(`transport ${name}`, () => {
    const open: Transport[] = []
    const harness = suite.create()
    const create = (changes: Partial<TransportLimits> = {}): Transport => {
      const transport = harness.create({ ...limits, ...changes })
      open.push(transport)
      return transport
    }
    const inapplicable = new Map(Object.entries(suite.inapplicable ?? {}))
    const titles = new Set<string>()
    const test = (title: string, run: () => Promise<void>): void => {
      titles.add(title)
      if (!inapplicable.has(title)) void it(title, { timeout: DEADLINE_MS }, run)
    }
    afterEach(async () => {
      await Promise.all(open.splice(0).map((transport) => transport.close()))
    })
    connectionCases(test, () => connect(harness, create))
    closingCases(test, () => connect(harness, create))
    listeningCases(test, harness, create)
    dialingCases(test, harness, create)
    it('leaves out no case but those that exist and have no meaning for it', (context) => {
      for (const [title, reason] of inapplicable) {
        assert.ok(titles.has(title), title)
        context.diagnostic(`does not apply to ${name}: ${title}: ${reason}`)
      }
    })
  })
}

type Test = (title: string, run: () => Promise<void>) => void
type Create = (changes?: Partial<TransportLimits>) => Transport

/** Two connected ends, the acceptor admitted, neither started. */
interface Pair {
  readonly near: Connection
  readonly far: Connection
  readonly dialer: Transport
  readonly acceptor: Transport
  readonly address: string
}

function connectionCases(test: Test, pair: () => Promise<Pair>): void {
  test('delivers bytes as they were sent, in order, both ways', async () => {
    const { near, far } = await pair()
    const [atNear, atFar] = [new Recorder(near), new Recorder(far)]
    const sent = Buffer.concat(Array.from({ length: 200 }, (_, index) => Buffer.alloc(index + 1, index)))
    for (let start = 0; start < sent.length; start += 333) near.write(sent.subarray(start, start + 333))
    far.write(Buffer.from('back'))
    await waitUntil(() => atFar.bytes.length === sent.length && atNear.bytes.length === 4)
    assert.deepEqual(atFar.bytes, sent)
    assert.equal(atNear.bytes.toString(), 'back')
  })

  test('calls no handler before start has returned, and delivers first what came before', async () => {
    const { near, far } = await pair()
    near.write(Buffer.from('early '))
    await turns(20)
    const atFar = new Recorder(far)
    assert.equal(atFar.bytes.length, 0)
    near.write(Buffer.from('late'))
    await waitUntil(() => atFar.bytes.length === 10)
    assert.equal(atFar.bytes.toString(), 'early late')
  })

  test('knows the id that each other end has proven', async () => {
    const { near, far, dialer, acceptor } = await pair()
    assert.deepEqual([near.peer, far.peer], [acceptor.id, dialer.id])
  })

  test('has exactly one dialer', async () => {
    const { near, far } = await pair()
    assert.deepEqual([near.side, far.side], ['dialer', 'acceptor'])
  })

  test('names the other end as host:port', async () => {
    const { near, far, address } = await pair()
    assert.equal(near.remoteAddress, address)
    assert.match(far.remoteAddress, /^.+:\d+$/)
  })

  test('has 32 bytes of binding in common with the other end, and with no other connection', async () => {
    const [first, second] = [await pair(), await pair()]
    assert.equal(first.near.binding.length, 32)
    assert.deepEqual(Buffer.from(first.near.binding), Buffer.from(first.far.binding))
    assert.notDeepEqual(Buffer.from(first.near.binding), Buffer.from(second.near.binding))
  })

  test('tells of each write, in order and on a later turn, that its bytes are gone', async () => {
    const { near } = await pair()
    const told: number[] = []
    for (let index = 0; index < 20; index++) near.write(Buffer.alloc(1_000), () => told.push(index))
    assert.equal(told.length, 0)
    await waitUntil(() => told.length === 20)
    assert.deepEqual(told, [...told.keys()])
  })

  test('answers false above the high-water mark, counts what is queued, and calls drain once there is room', async () => {
    const { near, far } = await pair()
    const atNear = new Recorder(near)
    let written = 0
    // Nobody reads at the far end yet, so every buffer on the way fills up.
    for (let hasRoom = true; hasRoom; await turns(1)) {
      hasRoom = near.write(Buffer.alloc(16 * 1024))
      written += 16 * 1024
    }
    assert.ok(near.queuedBytes > limits.highWaterMark, `${near.queuedBytes} queued`)
    assert.equal(atNear.drains, 0)
    const atFar = new Recorder(far)
    await waitUntil(() => atNear.drains === 1 && atFar.bytes.length === written)
    await waitUntil(() => near.queuedBytes === 0)
  })

  test('tells once of each write behind a queue that nobody waits for', async () => {
    const { near, far } = await pair()
    new Recorder(near)
    let written = 0
    const write = (onWritten?: () => void): boolean => {
      written += 16 * 1024
      return near.write(Buffer.alloc(16 * 1024), onWritten)
    }
    while (write()) await turns(1)
    const told: number[] = []
    for (let index = 0; index < 3; index++) {
      write()
      await turns(1)
      write(() => told.push(index))
      await turns(1)
    }
    const atFar = new Recorder(far)
    await waitUntil(() => atFar.bytes.length === written && told.length >= 3)
    await turns(20)
    assert.deepEqual(told, [0, 1, 2])
  })

  test('admit does nothing on a dialed connection', async () => {
    const { near, far } = await pair()
    near.admit()
    const atFar = new Recorder(far)
    near.write(Buffer.from('on'))
    await waitUntil(() => atFar.bytes.length === 2)
  })
}

function closingCases(test: Test, pair: () => Promise<Pair>): void {
  test('sends what is queued before it closes, and reports an orderly close without an error', async () => {
    const { near, far } = await pair()
    const [atNear, atFar] = [new Recorder(near), new Recorder(far)]
    near.write(Buffer.alloc(100_000, 7))
    await near.close()
    await waitUntil(() => atFar.closes.length === 1 && atNear.closes.length === 1)
    assert.equal(atFar.bytes.length, 100_000)
    assert.deepEqual([atNear.closes, atFar.closes], [[undefined], [undefined]])
  })

  test('closes more than once as if once, and calls the close handler exactly once and last', async () => {
    const { near, far } = await pair()
    const [atNear, atFar] = [new Recorder(near), new Recorder(far)]
    far.write(Buffer.from('x'))
    await Promise.all([near.close(), near.close(), far.close()])
    await near.close()
    near.destroy()
    await waitUntil(() => atNear.closes.length === 1 && atFar.closes.length === 1)
    await turns(20)
    assert.deepEqual([atNear.closes.length, atFar.closes.length], [1, 1])
    assert.deepEqual([atNear.calledAfterClose, atFar.calledAfterClose], [false, false])
  })

  test('writes nothing after close, and says so', async () => {
    const { near, far } = await pair()
    const atFar = new Recorder(far)
    new Recorder(near)
    const closing = near.close()
    assert.equal(near.write(Buffer.from('too late')), false)
    await closing
    assert.equal(near.write(Buffer.from('too late')), false)
    await waitUntil(() => atFar.closes.length === 1)
    assert.equal(atFar.bytes.length, 0)
  })

  test('destroy closes both ends at once and drops what is queued', async () => {
    const { near, far } = await pair()
    const [atNear, atFar] = [new Recorder(near), new Recorder(far)]
    near.write(Buffer.alloc(1000))
    near.destroy()
    near.destroy()
    await waitUntil(() => atNear.closes.length === 1 && atFar.closes.length === 1)
    assert.equal(atFar.bytes.length, 0)
    assert.equal(near.write(Buffer.from('x')), false)
  })

  test('tells an owner that starts after the other end has gone', async () => {
    const { near, far } = await pair()
    new Recorder(far)
    near.destroy()
    const atNear = new Recorder(near)
    assert.equal(atNear.closes.length, 0)
    await waitUntil(() => atNear.closes.length === 1)
  })
}

function listeningCases(test: Test, harness: TransportHarness, create: Create): void {
  test('listens on any port and says which', async () => {
    const address = await create().listen(harness.listenAddress, ignore)
    assert.match(address, /:\d+$/)
    assert.doesNotMatch(address, /:0$/)
  })

  test('refuses an address that is in use', async () => {
    const address = await create().listen(harness.listenAddress, ignore)
    await assert.rejects(create().listen(address, ignore), (error) => isClusterError(error, 'ERR_ADDRESS_IN_USE'))
  })

  test('refuses an address that is none', async () => {
    const transport = create()
    for (const address of ['nonsense', '127.0.0.1', '127.0.0.1:99999', '::1:80']) {
      await assert.rejects(transport.listen(address, ignore), (error) => isClusterError(error, 'ERR_ADDRESS_UNUSABLE'))
    }
  })

  test('closes a connection that is not admitted in time, and keeps one that is', async () => {
    const [admitted, ignored] = [await connect(harness, create), await connect(harness, create, false)]
    const [kept, closed] = [new Recorder(admitted.near), new Recorder(ignored.near)]
    new Recorder(admitted.far)
    new Recorder(ignored.far)
    await waitUntil(() => closed.closes.length === 1)
    // Both were opened together, so the admitted one has outlived the handshake time as well.
    await turns(20)
    assert.equal(kept.closes.length, 0)
  })

  test('closes a connection that sends too much before it proves an identity', async () => {
    const address = await create({ handshakeTimeoutMs: 60_000 }).listen(harness.listenAddress, ignore)
    // The beginning of a ClientHello of 100 KiB: well formed as far as it goes, and longer than what is let in.
    const record = Buffer.concat([Buffer.from('1603014000', 'hex'), Buffer.alloc(16_384)])
    record.set([1, 1, 0x90, 0], 5)
    await harness.stranger?.(address, record)
  })

  test('pushes out the oldest half-open connection of an address, never the newcomer', async () => {
    const acceptor = create({ handshakeTimeoutMs: 60_000 })
    const dialer = create()
    const arrived: Connection[] = []
    const address = await acceptor.listen(harness.listenAddress, (connection) => arrived.push(connection))
    const dialed: Recorder[] = []
    for (let count = 0; count < limits.maxHalfOpenPerAddress + 2; count++) {
      dialed.push(new Recorder(await dialer.dial(address, AbortSignal.timeout(DEADLINE_MS))))
      await waitUntil(() => arrived.length === count + 1)
    }
    await waitUntil(() => dialed[0]?.closes.length === 1 && dialed[1]?.closes.length === 1)
    await turns(20)
    assert.deepEqual(
      dialed.slice(2).map((recorder) => recorder.closes.length),
      [0, 0, 0, 0],
    )
  })
}

function dialingCases(test: Test, harness: TransportHarness, create: Create): void {
  test('rejects a dial that is refused, with that reason', async () => {
    const address = await abandonedAddress(harness, create)
    await assert.rejects(
      create().dial(address, AbortSignal.timeout(DEADLINE_MS)),
      (error) => isClusterError(error, 'ERR_HANDSHAKE_FAILED') && error.details.reason === 'refused',
    )
  })

  test('rejects a dial that is silent past the handshake time', async () => {
    const mute = await harness.mute?.()
    assert.ok(mute)
    await assert.rejects(
      create().dial(mute.address, AbortSignal.timeout(DEADLINE_MS)),
      (error) => isClusterError(error, 'ERR_HANDSHAKE_FAILED') && error.details.reason === 'silent',
    )
    await mute.close()
  })

  test('rejects a dial that is aborted, before and while it waits', async () => {
    const transport = create()
    const address = await create().listen(harness.listenAddress, ignore)
    const controller = new AbortController()
    const dial = transport.dial(address, controller.signal)
    controller.abort()
    await assert.rejects(dial, (error) => isClusterError(error, 'ERR_ABORTED'))
    await assert.rejects(transport.dial(address, AbortSignal.abort()), (error) => isClusterError(error, 'ERR_ABORTED'))
  })

  test('knocks: accepts where somebody listens, refuses where nobody does', async () => {
    const acceptor = create()
    const arrived: Connection[] = []
    const address = await acceptor.listen(harness.listenAddress, (connection) => arrived.push(connection))
    const transport = create()
    const signal = AbortSignal.timeout(DEADLINE_MS)
    assert.equal(await transport.reach(address, signal), 'accepts')
    assert.equal(await transport.reach(await abandonedAddress(harness, create), signal), 'refuses')
    await turns(20)
    assert.equal(arrived.length, 0)
  })

  test('rejects a knock only when it is aborted', async () => {
    const address = await create().listen(harness.listenAddress, ignore)
    await assert.rejects(create().reach(address, AbortSignal.abort()), (error) => isClusterError(error, 'ERR_ABORTED'))
  })

  test('close ends every connection, frees the address, and may be called again', async () => {
    const { near, far, acceptor, dialer, address } = await connect(harness, create)
    const [atNear, atFar] = [new Recorder(near), new Recorder(far)]
    await Promise.all([acceptor.close(), acceptor.close()])
    await acceptor.close()
    await waitUntil(() => atNear.closes.length === 1 && atFar.closes.length === 1)
    assert.equal(await dialer.reach(address, AbortSignal.timeout(DEADLINE_MS)), 'refuses')
    assert.equal(await create().listen(address, ignore), address)
    await assert.rejects(acceptor.dial(address, AbortSignal.timeout(DEADLINE_MS)))
  })
}

async function connect(harness: TransportHarness, create: Create, isAdmitted = true): Promise<Pair> {
  const [acceptor, dialer] = [create(), create()]
  const { promise, resolve } = deferred<Connection>()
  const address = await acceptor.listen(harness.listenAddress, resolve)
  const near = await dialer.dial(address, AbortSignal.timeout(DEADLINE_MS))
  const far = await promise
  if (isAdmitted) far.admit()
  return { near, far, dialer, acceptor, address }
}

/** An address where somebody listened and nobody does any more. */
async function abandonedAddress(harness: TransportHarness, create: Create): Promise<string> {
  const transport = create()
  const address = await transport.listen(harness.listenAddress, ignore)
  await transport.close()
  return address
}

function ignore(connection: Connection): void {
  connection.destroy()
}

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((take) => {
    resolve = take
  })
  return { promise, resolve }
}
