import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { ClusterError, type ErrorCode } from '../../../src/errors.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { turns, waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { MemoryNetwork, type MemoryTransport } from '../../../src/transport/memory.ts'
import type { Connection } from '../../../src/transport/transport.ts'
import type { LocalHello } from '../../../src/wire/handshake.ts'
import { MAX_EARLY_BYTES } from '../../../src/wire/limits.ts'
import type { Link, LinkEnd, LinkHandler } from '../../../src/wire/link.ts'
import { establishLink, HandshakeRefused, type LinkHandshakeOptions } from '../../../src/wire/link-handshake.ts'
import { encodeFrame, type WireMessage } from '../../../src/wire/message.ts'
import { Keyring } from '../../../src/wire/secrets.ts'
import { WireError } from '../../../src/wire/wire-error.ts'
import { sampleHello, sampleMessages } from './sample-messages.ts'

const secret = 'the secret of the cluster'
const transports: MemoryTransport[] = []

afterEach(async () => {
  for (const transport of transports.splice(0)) await transport.close()
})

interface Ends {
  readonly near: Connection
  readonly far: Connection
}

async function connect(): Promise<Ends> {
  const network = new MemoryNetwork()
  const [dialer, acceptor] = [network.transport('id-a'), network.transport('id-b')]
  transports.push(dialer, acceptor)
  const far: Connection[] = []
  const address = await acceptor.listen('127.0.0.1:0', (connection) => far.push(connection))
  const near = await dialer.dial(address, AbortSignal.timeout(30_000))
  await waitUntil(() => far.length === 1)
  return { near, far: far[0] as Connection }
}

function options(id: string, changes: Partial<LocalHello> = {}): LinkHandshakeOptions {
  const { magic: _, versionMin: _min, versionMax: _max, features: _features, proof: _proof, ...hello } = sampleHello
  return { clock: systemClock, keyring: new Keyring([secret]), self: { ...hello, id, name: id, ...changes } }
}

async function establish(): Promise<{ near: Link; far: Link }> {
  const ends = await connect()
  const [near, far] = await Promise.all([
    establishLink(ends.near, options('id-a')),
    establishLink(ends.far, options('id-b')),
  ])
  return { near, far }
}

class Owner implements LinkHandler {
  readonly messages: WireMessage[] = []
  readonly ends: LinkEnd[] = []

  constructor(link: Link) {
    link.start(this)
  }

  message(message: WireMessage): void {
    assert.equal(this.ends.length, 0)
    this.messages.push(message)
  }

  drain(): void {}

  close(end: LinkEnd): void {
    this.ends.push(end)
  }
}

describe('a link', () => {
  it('carries every message both ways', async () => {
    const { near, far } = await establish()
    const [atNear, atFar] = [new Owner(near), new Owner(far)]
    for (const message of sampleMessages.filter(({ type }) => type !== 'goodbye')) {
      assert.ok(near.send(message))
      far.send(message)
    }
    await waitUntil(() => atFar.messages.length === atNear.messages.length && atFar.messages.length > 20)
    assert.deepEqual(
      atFar.messages,
      sampleMessages.filter(({ type }) => type !== 'goodbye'),
    )
  })

  it('keeps for its owner what came before the owner did', async () => {
    const { near, far } = await establish()
    near.send({ type: 'accept' })
    await turns(5)
    const atFar = new Owner(far)
    assert.equal(atFar.messages.length, 0)
    near.send({ type: 'accept' })
    await waitUntil(() => atFar.messages.length === 2)
  })

  it('is destroyed rather than keep more than its bound for an owner that does not come', async () => {
    const { near, far } = await establish()
    for (let sent = 0; sent <= MAX_EARLY_BYTES; sent += 128 * 1024) near.connection.write(new Uint8Array(128 * 1024))
    const atNear = new Owner(near)
    await waitUntil(() => atNear.ends.length === 1)
    const atFar = new Owner(far)
    await waitUntil(() => atFar.ends.length === 1)
    assert.ok(atFar.ends[0]?.error instanceof WireError)
  })

  it('that ends with a goodbye says so at both ends, with the reason', async () => {
    const { near, far } = await establish()
    const [atNear, atFar] = [new Owner(near), new Owner(far)]
    near.send({ type: 'accept' })
    await Promise.all([near.goodbye('leaving'), near.goodbye('leaving')])
    await waitUntil(() => atNear.ends.length === 1 && atFar.ends.length === 1)
    assert.equal(atFar.messages.length, 1)
    assert.deepEqual(atFar.ends, [{ announced: true, reason: 'leaving', error: undefined }])
    assert.deepEqual(atNear.ends, [{ announced: true, reason: 'leaving', error: undefined }])
    assert.equal(near.send({ type: 'accept' }), false)
  })

  it('that ends without one is unannounced', async () => {
    const { near, far } = await establish()
    const atFar = new Owner(far)
    near.destroy()
    await waitUntil(() => atFar.ends.length === 1)
    assert.deepEqual([atFar.ends[0]?.announced, atFar.ends[0]?.reason], [false, undefined])
  })

  it('is destroyed by a frame that is no message; what came before it counts, what comes after does not', async () => {
    const { near, far } = await establish()
    const [atNear, atFar] = [new Owner(near), new Owner(far)]
    near.send({ type: 'accept' })
    near.connection.write(Uint8Array.of(0, 0, 0, 1, 255))
    near.send({ type: 'accept' })
    await waitUntil(() => atNear.ends.length === 1 && atFar.ends.length === 1)
    assert.equal(atFar.messages.length, 1)
    assert.ok(atFar.ends[0]?.error instanceof WireError)
    assert.equal(atFar.ends[0]?.announced, false)
  })

  it('tells an owner that comes after its end', async () => {
    const { near, far } = await establish()
    near.destroy()
    await turns(10)
    const atFar = new Owner(far)
    await waitUntil(() => atFar.ends.length === 1)
  })
})

/** Evidence that is a life above its own is what it believes. */
const believing: LinkHandshakeOptions = {
  ...options('id-a'),
  laterLife: ([seen = 0]) => (seen > 3 ? seen : undefined),
}

describe('an attempt at a link fails', () => {
  async function failing(far: LinkHandshakeOptions, near = believing): Promise<[ClusterError, ClusterError]> {
    const ends = await connect()
    const settled = await Promise.allSettled([establishLink(ends.near, near), establishLink(ends.far, far)])
    const errors = settled.map((result) => (result.status === 'rejected' ? result.reason : assert.fail('it is up')))
    assert.ok(errors.every((error) => error instanceof ClusterError))
    return errors as [ClusterError, ClusterError]
  }

  const cases: readonly (readonly [string, LinkHandshakeOptions, ErrorCode, ErrorCode])[] = [
    [
      'with another secret',
      { ...options('id-b'), keyring: new Keyring(['another secret of theirs']) },
      'ERR_WRONG_SECRET',
      'ERR_WRONG_SECRET',
    ],
    [
      'without a common version',
      { ...options('id-b'), versions: { min: 8, max: 9 } },
      'ERR_VERSION_MISMATCH',
      'ERR_VERSION_MISMATCH',
    ],
    ['with another cluster', options('id-b', { clusterId: 'cluster-2' }), 'ERR_FOREIGN_CLUSTER', 'ERR_FOREIGN_CLUSTER'],
    [
      'when the name is taken, which is the claimant’s error only',
      { ...options('id-b'), admit: () => ({ code: 'name-taken', detail: 'id-c' }) },
      'ERR_NAME_TAKEN',
      'ERR_HANDSHAKE_FAILED',
    ],
    [
      'when a later life was seen, which is the copy’s error only',
      { ...options('id-b'), admit: () => ({ code: 'rolled-back', detail: '9', evidence: Uint8Array.of(9) }) },
      'ERR_DATA_ROLLED_BACK',
      'ERR_HANDSHAKE_FAILED',
    ],
    [
      'when a later life is only said to have been seen',
      { ...options('id-b'), admit: () => ({ code: 'rolled-back', detail: '9' }) },
      'ERR_HANDSHAKE_FAILED',
      'ERR_HANDSHAKE_FAILED',
    ],
    [
      'when what is shown of a later life shows none',
      { ...options('id-b'), admit: () => ({ code: 'rolled-back', detail: '9', evidence: Uint8Array.of(1) }) },
      'ERR_HANDSHAKE_FAILED',
      'ERR_HANDSHAKE_FAILED',
    ],
    [
      'when it is not wanted',
      { ...options('id-b'), admit: () => 'duplicate' },
      'ERR_HANDSHAKE_FAILED',
      'ERR_HANDSHAKE_FAILED',
    ],
  ]
  for (const [title, far, atDialer, atAcceptor] of cases) {
    it(title, async () => {
      const [near, other] = await failing(far)
      assert.deepEqual([near.code, other.code], [atDialer, atAcceptor])
      assert.ok(near.cause instanceof HandshakeRefused && near.cause.by === 'peer')
      assert.ok(other.cause instanceof HandshakeRefused && other.cause.by === 'us')
    })
  }

  it('with details that tell both sides apart', async () => {
    const [foreign] = await failing(options('id-b', { clusterName: 'other', clusterId: '' }))
    assert.deepEqual(foreign.details, { address: addressOf(foreign), ours: 'trellis/cluster-1', theirs: 'other' })
    const [mismatch, mirrored] = await failing({ ...options('id-b'), versions: { min: 8, max: 9 } })
    assert.deepEqual(mismatch.details, { address: addressOf(mismatch), ours: '1-2', theirs: '8-9' })
    assert.deepEqual(mirrored.details, { address: addressOf(mirrored), ours: '8-9', theirs: '1-2' })
    const [taken] = await failing({ ...options('id-b'), admit: () => ({ code: 'name-taken', detail: 'id-c' }) })
    assert.deepEqual(taken.details, { name: 'id-a', holder: 'id-c' })
    const [rolledBack] = await failing({
      ...options('id-b'),
      admit: () => ({ code: 'rolled-back', detail: '9', evidence: Uint8Array.of(9) }),
    })
    assert.deepEqual(rolledBack.details, { id: 'id-a', generation: 3, seen: 9 })
  })

  it('when the other end says nothing, closes, or the caller gives up', async () => {
    const silent = await connect()
    await assert.rejects(establishLink(silent.near, { ...options('id-a'), timeoutMs: 20 }), reasonIs('timeout'))
    const closing = await connect()
    closing.far.destroy()
    await assert.rejects(establishLink(closing.near, options('id-a')), reasonIs('closed'))
    const aborted = await connect()
    const controller = new AbortController()
    const attempt = establishLink(aborted.near, options('id-a'), controller.signal)
    controller.abort()
    await assert.rejects(attempt, (error) => error instanceof ClusterError && error.code === 'ERR_ABORTED')
    const late = await connect()
    await assert.rejects(
      establishLink(late.near, options('id-a'), AbortSignal.abort()),
      (error) => error instanceof ClusterError && error.code === 'ERR_ABORTED',
    )
  })

  it('and leaves its connection closed', async () => {
    const ends = await connect()
    const closes: (Error | undefined)[] = []
    ends.near.start({ data: () => undefined, drain: () => undefined, close: (error) => closes.push(error) })
    ends.near.write(encodeFrame({ type: 'accept' }))
    await assert.rejects(establishLink(ends.far, options('id-b')), reasonIs('bad-hello'))
    await waitUntil(() => closes.length === 1)
  })
})

function reasonIs(reason: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof ClusterError && error.code === 'ERR_HANDSHAKE_FAILED' && error.details.reason === reason
}

function addressOf(error: ClusterError): string {
  const { address } = error.details as { readonly address: string }
  assert.match(address, /^127\.0\.0\.1:\d+$/)
  return address
}
