import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mutate, randomFrom } from '../../../src/testing/compliance/codec.ts'
import {
  Handshake,
  type HandshakeFailure,
  type HandshakeOptions,
  type HandshakeStep,
  type LocalHello,
} from '../../../src/wire/handshake.ts'
import { MAGIC, type RefuseCode } from '../../../src/wire/hello.ts'
import { MAX_HANDSHAKE_FRAME_BYTES } from '../../../src/wire/limits.ts'
import { encodeFrame, FrameDecoder, type WireMessage } from '../../../src/wire/message.ts'
import { Keyring } from '../../../src/wire/secrets.ts'
import { sampleHello } from './sample-messages.ts'

const [secret, otherSecret] = ['the secret of the cluster', 'the secret of another one']
const binding = new Uint8Array(32).fill(7)

function local(id: string, changes: Partial<LocalHello> = {}): LocalHello {
  const { magic: _, versionMin: _min, versionMax: _max, features: _features, proof: _proof, ...hello } = sampleHello
  return { ...hello, id, name: id, ...changes }
}

type Changes = Partial<Omit<HandshakeOptions, 'self'>> & { readonly self?: Partial<LocalHello> }

function dialer({ self, ...changes }: Changes = {}): Handshake {
  const keyring = new Keyring([secret])
  return new Handshake({ side: 'dialer', peer: 'id-b', binding, keyring, self: local('id-a', self), ...changes })
}

function acceptor({ self, ...changes }: Changes = {}): Handshake {
  const keyring = new Keyring([secret])
  return new Handshake({ side: 'acceptor', peer: 'id-a', binding, keyring, self: local('id-b', self), ...changes })
}

type Ending = Exclude<HandshakeStep, { type: 'send' }>

/** Carries bytes both ways, `size` at a time, until neither end has anything to say. */
function run(near: Handshake, far: Handshake, size = Number.MAX_SAFE_INTEGER): [Ending[], Ending[]] {
  const endings: [Ending[], Ending[]] = [[], []]
  const queue: { readonly to: 0 | 1; readonly bytes: Uint8Array }[] = []
  const take = (from: 0 | 1, steps: readonly HandshakeStep[]): void => {
    for (const step of steps) {
      if (step.type !== 'send') endings[from].push(step)
      else {
        for (let at = 0; at < step.bytes.length; at += size) {
          queue.push({ to: from === 0 ? 1 : 0, bytes: step.bytes.slice(at, at + size) })
        }
      }
    }
  }
  take(0, near.start())
  take(1, far.start())
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    take(next.to, (next.to === 0 ? near : far).receive(next.bytes))
  }
  return endings
}

function agreementOf(endings: readonly Ending[]) {
  const [ending] = endings
  assert.ok(endings.length === 1 && ending?.type === 'established', JSON.stringify(endings))
  return ending.agreement
}

function failureOf(endings: readonly Ending[]): HandshakeFailure {
  const [ending] = endings
  assert.ok(endings.length === 1 && ending?.type === 'failed', JSON.stringify(endings))
  return ending.failure
}

/** The one who refuses and the one who is refused agree on why. */
function assertRefused(
  near: Handshake,
  far: Handshake,
  by: 'dialer' | 'acceptor',
  code: RefuseCode,
  detail = '',
): void {
  const [atNear, atFar] = run(near, far).map(failureOf)
  const [refuser, other] = by === 'dialer' ? [atNear, atFar] : [atFar, atNear]
  assert.deepEqual([refuser?.by, refuser?.code, refuser?.detail], ['us', code, detail])
  assert.deepEqual([other?.by, other?.code, other?.detail], ['peer', code, detail])
}

function messagesOf(steps: readonly HandshakeStep[]): WireMessage[] {
  const decoder = new FrameDecoder()
  return steps.flatMap((step) => (step.type === 'send' ? [...decoder.push(step.bytes)] : []))
}

describe('a handshake', () => {
  it('brings the link up at both ends, each knowing what the other said', () => {
    const [atNear, atFar] = run(dialer(), acceptor()).map(agreementOf)
    assert.deepEqual([atNear?.peer.id, atFar?.peer.id], ['id-b', 'id-a'])
    assert.deepEqual([atNear?.version, atFar?.version], [2, 2])
    assert.equal(atFar?.peer.address, sampleHello.address)
  })

  it('comes to the same end when its bytes come one at a time', () => {
    const [atNear, atFar] = run(dialer(), acceptor(), 1).map(agreementOf)
    assert.deepEqual([atNear?.peer.id, atFar?.peer.id], ['id-b', 'id-a'])
  })

  it('hands over what came behind it', () => {
    const near = dialer()
    const far = acceptor()
    const [hello] = near.start()
    assert.ok(hello?.type === 'send')
    const answer = far.receive(hello.bytes)
    const early = encodeFrame({ type: 'goodbye', reason: 'idle' }).subarray(0, 7)
    const bytes = Buffer.concat([...answer.map((step) => (step.type === 'send' ? step.bytes : Buffer.alloc(0))), early])
    const ending = near.receive(bytes).at(-1)
    assert.ok(ending?.type === 'established')
    assert.deepEqual(new Uint8Array(ending.rest), new Uint8Array(early))
  })

  it('is up at the acceptor only when the dialer has accepted', () => {
    const near = dialer()
    const far = acceptor()
    const [hello] = near.start()
    assert.ok(hello?.type === 'send')
    const answer = far.receive(hello.bytes)
    assert.deepEqual(
      messagesOf(answer).map(({ type }) => type),
      ['hello', 'accept'],
    )
    assert.ok(answer.every(({ type }) => type === 'send'))
    const [ending] = far.receive(encodeFrame({ type: 'accept' }))
    assert.equal(ending?.type, 'established')
  })

  it('uses the largest version that both speak', () => {
    const [atNear, atFar] = run(dialer({ versions: { min: 1, max: 3 } }), acceptor({ versions: { min: 2, max: 4 } }))
    assert.deepEqual([agreementOf(atNear).version, agreementOf(atFar).version], [3, 3])
  })

  it('is not lost on a peer whose hello has fields from the future', () => {
    const [step] = dialer({ self: { evidence: Uint8Array.of(1) } }).start()
    assert.ok(step?.type === 'send')
    const longer = Buffer.concat([step.bytes, Buffer.from('new')])
    longer.writeUInt32BE(longer.length - 4)
    assert.deepEqual(
      messagesOf(acceptor().receive(longer)).map(({ type }) => type),
      ['hello', 'accept'],
    )
  })
})

describe('an end refuses', () => {
  it('a wrong secret, and the acceptor says nothing of itself', () => {
    const far = acceptor()
    const [hello] = dialer({ keyring: new Keyring([otherSecret]) }).start()
    assert.ok(hello?.type === 'send')
    assert.deepEqual(messagesOf(far.receive(hello.bytes)), [{ type: 'refuse', code: 'wrong-secret', detail: '' }])
    assertRefused(dialer({ keyring: new Keyring([otherSecret]) }), acceptor(), 'acceptor', 'wrong-secret')
  })

  it('an acceptor that does not know the secret either', () => {
    const near = dialer()
    near.start()
    const proof = new Uint8Array(32)
    const hello = encodeFrame({ type: 'hello', hello: { ...sampleHello, id: 'id-b', proof } })
    const failure = failureOf(near.receive(hello).slice(1) as Ending[])
    assert.deepEqual([failure.by, failure.code], ['us', 'wrong-secret'])
  })

  it('a proof made for another connection: what was recorded is worth nothing later', () => {
    const [recorded] = dialer().start()
    assert.ok(recorded?.type === 'send')
    const later = acceptor({ binding: new Uint8Array(32).fill(8) })
    assert.deepEqual(messagesOf(later.receive(recorded.bytes)), [{ type: 'refuse', code: 'wrong-secret', detail: '' }])
  })

  it('its own proof sent back by one who does not know the secret', () => {
    const near = dialer()
    const [step] = near.start()
    assert.ok(step?.type === 'send')
    const [message] = messagesOf([step])
    assert.ok(message?.type === 'hello')
    const mirrored = encodeFrame({ type: 'hello', hello: { ...message.hello, id: 'id-b' } })
    const failure = failureOf(near.receive(mirrored).slice(1) as Ending[])
    assert.deepEqual([failure.by, failure.code], ['us', 'wrong-secret'])
  })

  it('versions that do not meet, and says which it speaks', () => {
    const [old, young] = [
      { min: 1, max: 1 },
      { min: 2, max: 3 },
    ] as const
    assertRefused(dialer({ versions: old }), acceptor({ versions: young }), 'acceptor', 'version-mismatch', '2-3')
    assertRefused(dialer({ versions: young }), acceptor({ versions: old }), 'acceptor', 'version-mismatch', '1')
  })

  it('another cluster by name, or by id when both have one', () => {
    const named = acceptor({ self: { clusterName: 'other', clusterId: '' } })
    assertRefused(dialer(), named, 'acceptor', 'foreign-cluster', 'other')
    const other = acceptor({ self: { clusterId: 'cluster-2' } })
    assertRefused(dialer(), other, 'acceptor', 'foreign-cluster', 'trellis/cluster-2')
    for (const clusterId of ['', 'cluster-1']) run(dialer(), acceptor({ self: { clusterId } })).map(agreementOf)
  })

  it('itself', () => {
    assertRefused(dialer({ peer: 'id-a' }), acceptor({ self: { id: 'id-a' } }), 'acceptor', 'self')
  })

  it('an id that is not the one of the key', () => {
    const failure = failureOf(run(dialer({ self: { id: 'id-x' } }), acceptor())[1])
    assert.deepEqual([failure.by, failure.code], ['us', 'bad-hello'])
  })

  it('a further channel without the ticket of its link', () => {
    const lane = { channel: 'data', ticket: Uint8Array.of(1, 2, 3) } as const
    const ticketFor = (channel: string) => (channel === 'data' ? Uint8Array.of(1, 2, 3) : undefined)
    const [near, far] = run(dialer({ self: lane }), acceptor({ ticketFor, admit: () => 'going-down' }))
    assert.deepEqual([agreementOf(near).peer.channel, agreementOf(far).peer.channel], ['data', 'data'])
    assertRefused(dialer({ self: lane }), acceptor(), 'acceptor', 'no-ticket')
    assertRefused(dialer({ self: { ...lane, channel: 'events' } }), acceptor({ ticketFor }), 'acceptor', 'no-ticket')
    assertRefused(dialer({ self: { channel: 'data' } }), acceptor({ ticketFor }), 'acceptor', 'no-ticket')
    const another = { ...lane, ticket: Uint8Array.of(1, 2, 4) }
    assertRefused(dialer({ self: another }), acceptor({ ticketFor }), 'acceptor', 'no-ticket')
  })

  it('an answer from another channel, and what is not Trellis', () => {
    const answer = encodeFrame({ type: 'hello', hello: { ...sampleHello, id: 'id-b', channel: 'data' } })
    assert.equal(failureOf(dialer().receive(answer).slice(1) as Ending[]).code, 'bad-hello')
    const stranger = encodeFrame({ type: 'hello', hello: { ...sampleHello, magic: MAGIC + 1 } })
    assert.equal(failureOf(acceptor().receive(stranger).slice(1) as Ending[]).detail, 'this is not Trellis')
  })

  it('whom its owner does not want, at either end, with the owner’s words', () => {
    const admit = () => ({ code: 'name-taken', detail: 'id-c' }) as const
    assertRefused(dialer(), acceptor({ admit }), 'acceptor', 'name-taken', 'id-c')
    assertRefused(dialer({ admit }), acceptor(), 'dialer', 'name-taken', 'id-c')
    assertRefused(dialer(), acceptor({ admit: () => 'going-down' }), 'acceptor', 'going-down')
  })

  it('before its owner is asked, whoever has not proven the secret', () => {
    let asked = 0
    const admit = (): undefined => {
      asked += 1
    }
    run(dialer({ keyring: new Keyring([otherSecret]) }), acceptor({ admit }))
    run(dialer({ self: { clusterName: 'other' } }), acceptor({ admit }))
    assert.equal(asked, 0)
    run(dialer(), acceptor({ admit }))
    assert.equal(asked, 1)
  })

  it('with a long word, cut to what fits', () => {
    const detail = '€'.repeat(1_000)
    const failure = failureOf(run(dialer(), acceptor({ admit: () => ({ code: 'name-taken', detail }) }))[0])
    assert.match(failure.detail, /^€{100,}$/)
  })
})

describe('secrets that are being changed', () => {
  it('let both ends in, whichever of them each end uses first', () => {
    const [before, during, after] = [[secret], [secret, otherSecret], [otherSecret, secret]].map((s) => new Keyring(s))
    for (const [mine, theirs] of [
      [before, during],
      [during, before],
      [during, after],
      [after, during],
    ]) {
      assert.ok(mine && theirs)
      run(dialer({ keyring: mine }), acceptor({ keyring: theirs })).map(agreementOf)
    }
  })
})

describe('bytes that are no handshake', () => {
  it('end it: other messages, messages out of turn, oversized frames', () => {
    const bad: readonly (readonly [Handshake, Uint8Array])[] = [
      [acceptor(), Buffer.from('GET / HTTP/1.1\r\n\r\n')],
      [acceptor(), encodeFrame({ type: 'accept' })],
      [dialer(), encodeFrame({ type: 'accept' })],
      [acceptor(), encodeFrame({ type: 'goodbye', reason: 'idle' })],
      [acceptor(), encodeFrame({ type: 'swim', message: { type: 'gossip', updates: [] } })],
      [acceptor(), Buffer.from([0, 0, (MAX_HANDSHAKE_FRAME_BYTES + 1) >> 8, 1])],
    ]
    for (const [machine, bytes] of bad) {
      const steps = machine.receive(bytes)
      assert.deepEqual(messagesOf(steps).map(codeOf), ['bad-hello'])
      assert.equal(failureOf(steps.slice(1) as Ending[]).code, 'bad-hello')
      assert.deepEqual(machine.receive(encodeFrame({ type: 'accept' })), [])
    }
  })

  it('never make it throw, nor bring a link up', () => {
    const random = randomFrom(3)
    const hello = (dialer().start()[0] as { bytes: Uint8Array }).bytes
    const accept = encodeFrame({ type: 'accept' })
    for (let count = 0; count < 5_000; count++) {
      const machine = acceptor({ keyring: new Keyring([otherSecret]) })
      const steps = [...machine.receive(mutate(hello, random)), ...machine.receive(accept)]
      assert.ok(steps.every(({ type }) => type !== 'established'))
    }
  })

  it('from a newer peer may hold a word that is not known', () => {
    const near = dialer()
    near.start()
    const failure = failureOf(
      near.receive(encodeFrame({ type: 'refuse', code: 'too-hot', detail: 'today' })) as Ending[],
    )
    assert.deepEqual([failure.by, failure.code, failure.detail], ['peer', 'too-hot', 'today'])
  })
})

function codeOf(message: WireMessage): string {
  return message.type === 'refuse' ? message.code : message.type
}
