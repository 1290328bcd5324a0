import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { GatewayLinks } from '../../../src/federation/gateway-links.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { Counters } from '../../../src/runtime/counters.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { createIdentity } from '../../../src/transport/identity.ts'
import { TcpTransport } from '../../../src/transport/tcp.ts'
import type { Envelope } from '../../../src/wire/envelope.ts'
import { MAX_PAYLOAD_BYTES } from '../../../src/wire/limits.ts'
import type { Link } from '../../../src/wire/link.ts'
import { Keyring } from '../../../src/wire/secrets.ts'
import { helloOf, LiveNode, secret } from '../transport/live-node.ts'
import { plainEnvelope } from '../wire/sample-lane-frames.ts'

const full = new Uint8Array(MAX_PAYLOAD_BYTES)

describe('a link between gateways', () => {
  const identity = createIdentity()
  let links: GatewayLinks
  let other: LiveNode
  let link: Link
  let heard: Uint8Array[]
  let lost: string[]

  beforeEach(async () => {
    heard = []
    lost = []
    const turn = { enter: (work: () => void) => work() }
    links = new GatewayLinks({
      self: helloOf(identity.id),
      transport: new TcpTransport({ identity }),
      keyring: new Keyring([secret]),
      toolbox: {
        clock: systemClock,
        random: Math.random,
        turn,
        counters: new Counters(),
        logger: silentLogger,
      } as never,
      onUp: () => {},
      onDown: (peer) => lost.push(peer),
    })
    links.carrier('calls').handle((_, payload) => heard.push(payload))
    const address = await links.listen('127.0.0.1:0')
    other = new LiveNode()
    link = await other.dial(address)
    await waitUntil(() => links.peers.length === 1)
  })
  afterEach(async () => {
    await Promise.all([links.close(), other.stop()])
  })

  const peer = (): string => other.identity.id
  const envelopes = (): Envelope[] =>
    other.messages.flatMap((message) => (message.type === 'envelope' ? [message.envelope] : []))
  const say = (topic: string, payload: Uint8Array): void => {
    const envelope = {
      ...plainEnvelope,
      source: peer(),
      destination: identity.id,
      destinationGeneration: 0,
      topic,
      payload,
    }
    link.send({ type: 'envelope', envelope })
  }

  it('carries what is larger than a payload in pieces, in order', async () => {
    const large = Buffer.alloc(2.5 * MAX_PAYLOAD_BYTES, 'abcdefg')
    links.send(peer(), 'calls', large)
    links.send(peer(), 'calls', Buffer.from('small'))
    const said = (): Envelope[] => envelopes().filter(({ topic }) => topic !== 'beat')
    await waitUntil(() => said().length === 4)
    assert.deepEqual(
      said().map(({ topic }) => topic),
      ['piece', 'piece', 'calls', 'calls'],
    )
    const whole = Buffer.concat(said().map(({ payload }) => payload))
    assert.ok(whole.equals(Buffer.concat([large, Buffer.from('small')])))
  })

  it('puts pieces together, whatever beats come between them', async () => {
    say('piece', full.fill(1))
    say('beat', new Uint8Array())
    say('piece', full.fill(2))
    say('calls', Buffer.from('end'))
    say('calls', Buffer.from('next'))
    await waitUntil(() => heard.length === 2)
    assert.deepEqual([heard[0]?.length, heard[0]?.[0], heard[0]?.at(-4)], [2 * MAX_PAYLOAD_BYTES + 3, 1, 2])
    assert.equal(Buffer.from(heard[1]!).toString(), 'next')
  })

  it('ends when pieces come without an end', async () => {
    for (let at = 0; at < 5; at++) say('piece', full)
    await waitUntil(() => lost.length === 1)
    assert.deepEqual([lost, heard], [[peer()], []])
  })

  it('says when it is full, and still takes what answers', async () => {
    assert.equal(links.refusal(peer()), undefined)
    for (let at = 0; at < 9; at++) links.send(peer(), 'calls', full)
    assert.equal(links.refusal(peer())?.code, 'ERR_BUFFER_FULL')
    assert.equal(links.refusalOfWork(peer()), undefined)
    for (let at = 9; at < 65; at++) links.send(peer(), 'calls', full)
    assert.equal(links.refusalOfWork(peer())?.code, 'ERR_BUFFER_FULL')
    await waitUntil(() => envelopes().filter(({ topic }) => topic === 'calls').length === 65)
    await waitUntil(() => links.refusal(peer()) === undefined)
  })

  it('refuses what no call can be', () => {
    const tooLarge = (): void => links.send(peer(), 'calls', new Uint8Array(4 * MAX_PAYLOAD_BYTES + 1))
    assert.throws(tooLarge, { code: 'ERR_PAYLOAD_TOO_LARGE' })
    assert.throws(() => links.send('nobody', 'calls', full), { code: 'ERR_NO_ROUTE' })
  })
})
