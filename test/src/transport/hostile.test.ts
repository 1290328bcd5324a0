import assert from 'node:assert/strict'
import { constants, randomBytes } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls'
import { turns, waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { createCertificate } from '../../../src/transport/certificate.ts'
import { createIdentity, exportIdentity } from '../../../src/transport/identity.ts'
import { encodeFrame, FrameDecoder, type WireMessage } from '../../../src/wire/message.ts'
import { Keyring } from '../../../src/wire/secrets.ts'
import { attacked } from './attacked.ts'
import { Attacker, describeFailure, handshakeTimeoutMs, LiveNode, portOf, secret } from './live-node.ts'

const node = new LiveNode()
const friend = new LiveNode()
const { watched, plain } = attacked(node, friend)

const tls = async (identity = createIdentity()) => watched(await Attacker.tls(node.address, identity))

describe('before TLS has proven anybody', () => {
  it('garbage is closed at once and counted', async () => {
    for (const garbage of [Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), randomBytes(4_096), Buffer.alloc(64)]) {
      const counted = node.transport.counters['not-tls']
      const attacker = plain()
      attacker.socket.write(garbage)
      await attacker.closed()
      assert.equal(node.transport.counters['not-tls'], counted + 1)
    }
    assert.deepEqual(node.refused, ['not-tls', 'not-tls', 'not-tls'])
  })

  it('a record that announces more than TLS allows is closed at once', async () => {
    const attacker = plain()
    attacker.socket.write(Buffer.from('160301ffff0100fffb', 'hex'))
    await attacker.closed()
    assert.deepEqual(node.refused, ['not-tls'])
  })

  it('a handshake larger than any honest one is closed before it is complete', async () => {
    const attacker = plain()
    const record = Buffer.concat([Buffer.from('160301400001019000', 'hex'), Buffer.alloc(16_380)])
    attacker.socket.write(record)
    await attacker.closed()
    assert.deepEqual(node.refused, ['too-many-bytes'])
  })

  it('one that says nothing is closed at the handshake time, not before', async () => {
    const openedAt = performance.now()
    const attacker = plain()
    await attacker.closed()
    assert.ok(performance.now() - openedAt >= handshakeTimeoutMs - 1)
    assert.deepEqual(node.refused, ['timeout'])
  })

  it('one that sends a byte now and then is closed at the handshake time all the same', async () => {
    const attacker = plain()
    const bytes = Buffer.from('1603010200010001fc0303', 'hex')
    let sent = 0
    const drip = setInterval(() => attacker.socket.write(bytes.subarray(sent, ++sent)), 20)
    await attacker.closed()
    clearInterval(drip)
    assert.ok(sent > 3)
    assert.deepEqual(node.refused, ['timeout'])
  })

  it('a recorded handshake replayed byte for byte gets no further than its first answer', async () => {
    const recorded = await record()
    const attacker = plain()
    attacker.socket.write(recorded)
    await attacker.closed()
    assert.deepEqual(node.refused, ['not-tls'])
    assert.deepEqual(node.failures, [])
  })

  it('a hundred that say nothing push out each other, and an honest peer gets its link meanwhile', async () => {
    const flood = Array.from({ length: 100 }, plain)
    await waitUntil(() => node.transport.counters.crowded >= 92)
    assert.equal(node.transport.halfOpenConnections, 8)
    const honest = new LiveNode()
    const link = await honest.dial(node.address)
    await waitUntil(() => node.links.length === 2)
    assert.equal(link.peer.id, node.identity.id)
    await honest.stop()
    await waitUntil(() => node.links.length === 1)
    await Promise.all(flood.map((attacker) => attacker.closed()))
    assert.deepEqual(new Set(node.refused), new Set(['crowded', 'timeout']))
  })
})

describe('TLS of another kind', () => {
  const ed25519 = createIdentity()
  const own = { key: exportIdentity(ed25519), cert: createCertificate(ed25519) }
  const alpn = { ALPNProtocols: ['trellis/1'] }
  const kinds = [
    ['without a certificate', alpn, 'no-identity'],
    ['with another protocol', { ...own, ALPNProtocols: ['h2'] }, 'not-tls'],
    ['with no protocol', own, 'no-identity'],
    ['of version 1.2', { ...own, ...alpn, maxVersion: 'TLSv1.2' }, 'not-tls'],
    ['without Ed25519 among its signatures', { ...alpn, sigalgs: 'RSA-PSS+SHA256' }, 'not-tls'],
  ] as const
  for (const [title, options, reason] of kinds) {
    it(`${title} is closed and counted`, async () => {
      const settings = { host: '127.0.0.1', port: portOf(node.address), rejectUnauthorized: false }
      const attacker = new Attacker(connectTls({ ...settings, ...options }))
      watched(attacker)
      await attacker.closed()
      assert.deepEqual(node.refused, [reason])
      assert.deepEqual(node.failures, [])
    })
  }

  it('that offers to resume a session has to prove its identity all the same', async () => {
    const settings = { host: '127.0.0.1', port: portOf(node.address), rejectUnauthorized: false, ...own, ...alpn }
    const sessions: Buffer[] = []
    const first = connectTls(settings)
    first.on('session', (session) => sessions.push(session))
    watched(new Attacker(first))
    await waitUntil(() => sessions.length > 0)
    const second = connectTls({ ...settings, session: sessions[0] })
    const reused: (boolean | undefined)[] = []
    second.on('secureConnect', () => reused.push(second.isSessionReused()))
    watched(new Attacker(second))
    await waitUntil(() => reused.length > 0)
    assert.deepEqual(reused, [false])
  })
})

describe('a stranger with an identity of its own, and without the secret', () => {
  it('is told so when its secret is wrong, and its own side says so too', async () => {
    const stranger = new LiveNode()
    const keyring = new Keyring(['another secret altogether'])
    await assert.rejects(stranger.dial(node.address, { keyring }), (error) => {
      return describeFailure(error) === 'ERR_WRONG_SECRET'
    })
    await waitUntil(() => node.failures.length === 1)
    assert.deepEqual(node.failures, ['ERR_WRONG_SECRET'])
    await stranger.stop()
  })

  it('cannot borrow the id of a member: its key is another', async () => {
    const attacker = await tls()
    attacker.socket.write(encodeFrame(await helloFrom(friend)))
    await waitUntil(() => attacker.received.length > 0)
    assert.deepEqual(attacker.received.map(codeOf), ['bad-hello'])
  })

  it('is told which versions are spoken when it speaks none of them', async () => {
    const stranger = new LiveNode()
    await assert.rejects(stranger.dial(node.address, { versions: { min: 7, max: 9 } }), (error) => {
      return describeFailure(error) === 'ERR_VERSION_MISMATCH'
    })
    await waitUntil(() => node.failures.length === 1)
    assert.deepEqual(node.failures, ['ERR_VERSION_MISMATCH'])
    await stranger.stop()
  })

  it('gains nothing from a hello that somebody who knows the secret sent before', async () => {
    const identity = createIdentity()
    const member = new LiveNode()
    const attacker = await tls(identity)
    // The proof of a real member, made for another connection, under the id that the attacker can prove.
    const recorded = await helloFrom(member)
    assert.ok(recorded.type === 'hello')
    attacker.socket.write(encodeFrame({ ...recorded, hello: { ...recorded.hello, id: identity.id } }))
    await waitUntil(() => attacker.received.length > 0)
    assert.deepEqual(attacker.received.map(codeOf), ['wrong-secret'])
    await attacker.closed()
    await member.stop()
  })

  it('gains nothing from sending back to a dialer its own proof', async () => {
    const reflector = await reflect()
    await assert.rejects(node.dial(reflector.address), (error) => describeFailure(error) === 'ERR_WRONG_SECRET')
    await reflector.close()
  })

  it('gains nothing from standing between two members and passing everything on', async () => {
    const identity = createIdentity()
    const middle = await standBetween(identity)
    await assert.rejects(friend.dial(middle.address), (error) => describeFailure(error).includes('bad-hello'))
    await waitUntil(() => node.failures.length === 1)
    assert.deepEqual(node.failures, ['ERR_HANDSHAKE_FAILED bad-hello'])
    await middle.close()
  })

  it('is closed when its frame is announced too long, and when it is no hello', async () => {
    const accept = encodeFrame({ type: 'accept' })
    for (const bytes of [Buffer.from('7fffffff01', 'hex'), randomBytes(200), accept]) {
      const attacker = await tls()
      attacker.socket.write(bytes)
      await attacker.closed()
      assert.deepEqual(attacker.received.map(codeOf), ['bad-hello'])
    }
    assert.deepEqual(node.failures, new Array(3).fill('ERR_HANDSHAKE_FAILED bad-hello'))
  })

  it('is closed at the handshake time when its frame comes too slowly', async () => {
    const attacker = await tls()
    attacker.socket.write(Buffer.from('0000010001', 'hex'))
    await attacker.closed()
    assert.equal(attacker.received.length, 0)
    assert.equal(node.failures.length, 1)
    assert.match(node.failures[0] ?? '', /^ERR_HANDSHAKE_FAILED (timeout|closed)$/)
    // Reported once: by the handshake, not by the transport as well.
    assert.deepEqual(node.refused, [])
  })

  it('may send no more than a frame before it is heard: the rest stays with the kernel', async () => {
    const attacker = await tls()
    for (let count = 0; count < 200; count++) attacker.socket.write(Buffer.alloc(64 * 1024, 1))
    await attacker.closed()
    assert.deepEqual(node.failures, ['ERR_HANDSHAKE_FAILED bad-hello'])
  })
})

function codeOf(message: WireMessage): string {
  return message.type === 'refuse' ? message.code : message.type
}

/** The hello that a member sends when it dials: whoever is dialed gets to see one. */
async function helloFrom(member: LiveNode): Promise<WireMessage> {
  const messages: WireMessage[] = []
  const trap = await listenTls((socket) => {
    const decoder = new FrameDecoder()
    socket.on('data', (chunk: Uint8Array) => messages.push(...decoder.push(chunk)))
  })
  const attempt = member.dial(trap.address).catch(describeFailure)
  await waitUntil(() => messages.length > 0)
  await trap.close()
  await attempt
  return messages[0] as WireMessage
}

/** Everything that an honest dialer sends, TLS and all, as somebody on the wire sees it. */
async function record(): Promise<Buffer> {
  const chunks: Buffer[] = []
  const sockets: Socket[] = []
  const tap = createServer((socket) => {
    const through = Attacker.plain(node.address).socket
    sockets.push(socket, through)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      through.write(chunk)
    })
    through.on('data', (chunk: Buffer) => socket.write(chunk))
  })
  await new Promise<void>((resolve) => tap.listen(0, '127.0.0.1', resolve))
  const honest = new LiveNode()
  await honest.dial(`127.0.0.1:${(tap.address() as { port: number }).port}`)
  await waitUntil(() => node.links.length === 2)
  await honest.stop()
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => tap.close(resolve))
  await waitUntil(() => node.links.length === 1)
  await turns(5)
  return Buffer.concat(chunks)
}

/** A TLS server under an identity of the attacker's own. */
async function listenTls(onSocket: (socket: TLSSocket) => void, identity = createIdentity()) {
  const sockets = new Set<Socket>()
  const secureContext = createSecureContext({
    key: exportIdentity(identity),
    cert: createCertificate(identity),
    secureOptions: constants.SSL_OP_NO_TICKET,
  })
  const server = createServer((raw) => {
    sockets.add(raw)
    const options = { isServer: true, secureContext, requestCert: true, rejectUnauthorized: false }
    const socket = new TLSSocket(raw, { ...options, ALPNProtocols: ['trellis/1'] })
    socket.on('error', () => undefined)
    raw.on('error', () => undefined)
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${(server.address() as { port: number }).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Answers every hello with the same one under its own id, and an accept. */
function reflect() {
  const identity = createIdentity()
  return listenTls((socket) => {
    const decoder = new FrameDecoder()
    socket.on('data', (chunk: Uint8Array) => {
      for (const message of decoder.push(chunk)) {
        if (message.type !== 'hello') continue
        socket.write(encodeFrame({ ...message, hello: { ...message.hello, id: identity.id } }))
        socket.write(encodeFrame({ type: 'accept' }))
      }
    })
  }, identity)
}

/** Passes on to the node whatever a dialer says, and back, under one identity of its own on both sides. */
function standBetween(identity: ReturnType<typeof createIdentity>) {
  return listenTls((socket) => {
    void Attacker.tls(node.address, identity).then((through) => {
      watched(through)
      socket.on('data', (chunk: Uint8Array) => through.socket.write(chunk))
      through.socket.on('data', (chunk: Uint8Array) => socket.write(chunk))
    })
  }, identity)
}

describe('the secret', () => {
  it('does not travel: nothing that was seen holds it', async () => {
    const seen = await helloFrom(friend)
    assert.ok(!Buffer.from(encodeFrame(seen)).includes(secret))
  })
})
