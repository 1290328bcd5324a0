// How a connection becomes a link, as a machine over bytes: no socket, no clock, no promise.
//
//   dialer                         acceptor
//   hello (proof as dialer)   ->   magic, id, version, secret, cluster, then the owner's policy
//                             <-   hello (proof as acceptor, with the secret the dialer used), accept
//   the same checks; accept   ->   up
//   up
//
// Either end says `refuse` instead of `accept`, and why. Before the dialer has proven the secret the acceptor says
// nothing of itself but the versions it speaks.

import { timingSafeEqual } from 'node:crypto'
import { FrameSplitter } from './frame.ts'
import { type Hello, type HelloMessage, MAGIC, type RefuseCode } from './hello.ts'
import { MAX_DETAIL_BYTES, MAX_HANDSHAKE_FRAME_BYTES } from './limits.ts'
import type { WireMessage } from './message.ts'
import { decodeFrame, encodeFrame } from './message.ts'
import { isProofOf, type Keyring, type ProofContext, type Prover } from './secrets.ts'
import { FEATURES, OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from './versions.ts'
import { WireError } from './wire-error.ts'

/** What a node says of itself; the handshake adds the rest. */
export type LocalHello = Omit<Hello, 'magic' | 'versionMin' | 'versionMax' | 'features' | 'proof'>

/** A refusal with something for people, e.g. who holds the name. */
export interface Refusal {
  readonly code: RefuseCode
  readonly detail: string
  /** With `rolled-back`: what proves it to the peer. */
  readonly evidence?: Uint8Array
}

export interface HandshakeOptions {
  readonly side: 'dialer' | 'acceptor'
  /** The id that the transport proved. */
  readonly peer: string
  /** `Connection.binding`. */
  readonly binding: Uint8Array
  readonly self: LocalHello
  readonly keyring: Keyring
  /** The owner's policy, asked last, when the peer is known to have the secret. Undefined: welcome. */
  readonly admit?: (peer: Hello) => RefuseCode | Refusal | undefined
  /**
   * The ticket that a further channel of an established link to this peer must show; undefined when there is no such
   * link.
   */
  readonly ticketFor?: (channel: Hello['channel']) => Uint8Array | undefined
  /** The wall clock that the peer is told, milliseconds since 1970. Undefined: none is told. */
  readonly wall?: () => number
  /** Versions to speak. Default: those of this release. */
  readonly versions?: { readonly min: number; readonly max: number }
}

/** What both ends agreed on. */
export interface Agreement {
  readonly peer: Hello
  /** The largest version both speak. */
  readonly version: number
  /** The abilities both have. */
  readonly features: number
  /** The peer's wall clock when it accepted, milliseconds since 1970; undefined: it did not tell. For people alone. */
  readonly wall?: number
}

/** Why there is no link. `by`: who ended it. `code` is a `RefuseCode`, or a newer peer's word. */
export interface HandshakeFailure {
  readonly by: 'us' | 'peer'
  readonly code: string
  readonly detail: string
  /** What came with the refusal of a peer, unproven. */
  readonly evidence?: Uint8Array
  /** The peer's hello, if it got that far. Only what came after the secret's proof may be trusted. */
  readonly peer: Hello | undefined
}

export type HandshakeStep =
  | { readonly type: 'send'; readonly bytes: Uint8Array }
  /**
   * The link is up. `rest`: bytes that came behind the handshake, to be read as frames of the link. Nothing follows.
   */
  | { readonly type: 'established'; readonly agreement: Agreement; readonly rest: Uint8Array }
  /** There will be no link: send what is before this, then close. Nothing follows. */
  | { readonly type: 'failed'; readonly failure: HandshakeFailure }

const noTicket: Refusal = { code: 'no-ticket', detail: '' }

type Phase = 'awaiting-hello' | 'awaiting-accept' | 'done'

export class Handshake {
  readonly #options: HandshakeOptions
  readonly #versions: { readonly min: number; readonly max: number }
  readonly #splitter = new FrameSplitter(MAX_HANDSHAKE_FRAME_BYTES)
  #phase: Phase = 'awaiting-hello'
  #agreement: Agreement | undefined
  #peer: Hello | undefined

  constructor(options: HandshakeOptions) {
    this.#options = options
    this.#versions = options.versions ?? { min: OLDEST_PROTOCOL_VERSION, max: PROTOCOL_VERSION }
  }

  /** What to do first. Call once. */
  start(): readonly HandshakeStep[] {
    if (this.#options.side === 'acceptor') return []
    return [this.#hello(this.#options.keyring.preferred)]
  }

  /** What to do about bytes as they came, cut anywhere. Never throws. */
  receive(chunk: Uint8Array): readonly HandshakeStep[] {
    const steps: HandshakeStep[] = []
    if (this.#phase === 'done') return steps
    try {
      this.#splitter.push(chunk)
      while (!this.#isDone()) {
        const frame = this.#splitter.next()
        if (frame === undefined) break
        steps.push(...this.#take(decodeFrame(frame)))
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      steps.push(...this.#refuse('bad-hello', error.message))
    }
    return steps
  }

  #isDone(): boolean {
    return this.#phase === 'done'
  }

  #take(message: WireMessage): readonly HandshakeStep[] {
    if (message.type === 'refuse') return this.#refused(message)
    if (message.type === 'hello' && this.#phase === 'awaiting-hello') return this.#takeHello(message.hello)
    if (message.type === 'accept' && this.#phase === 'awaiting-accept') return this.#establish(message.wall)
    return this.#refuse('bad-hello', `${message.type} while ${this.#phase}`)
  }

  #takeHello(peer: Hello): readonly HandshakeStep[] {
    this.#peer = peer
    const { min, max } = this.#versions
    const problem = this.#identityProblem(peer)
    if (problem !== undefined) return this.#refuse(problem.code, problem.detail)
    const version = Math.min(max, peer.versionMax)
    if (version < Math.max(min, peer.versionMin)) return this.#refuse('version-mismatch', formatVersions({ min, max }))
    const prover = this.#proverOf(peer)
    if (prover === undefined) return this.#refuse('wrong-secret', '')
    const refusal = this.#policyProblem(peer)
    if (refusal !== undefined) return this.#refuse(refusal.code, refusal.detail, refusal.evidence)
    this.#phase = 'awaiting-accept'
    this.#agreement = { peer, version, features: (peer.features & FEATURES) >>> 0 }
    const accept: HandshakeStep = { type: 'send', bytes: encodeFrame(this.#accept()) }
    return this.#options.side === 'acceptor' ? [this.#hello(prover, peer.channel), accept] : [accept]
  }

  #accept(): HelloMessage {
    const wall = this.#options.wall?.()
    // A clock before 1970 cannot be written, and is no use.
    return wall === undefined || wall < 0 ? { type: 'accept' } : { type: 'accept', wall: Math.round(wall) }
  }

  /** What is wrong with a hello whatever the secret. */
  #identityProblem(peer: Hello): Refusal | undefined {
    const { self, peer: proven } = this.#options
    if (peer.magic !== MAGIC) return { code: 'bad-hello', detail: 'this is not Trellis' }
    if (peer.id !== proven) return { code: 'bad-hello', detail: 'the id is not that of the key' }
    if (peer.id === self.id) return { code: 'self', detail: '' }
    if (this.#options.side === 'dialer' && peer.channel !== self.channel) {
      return { code: 'bad-hello', detail: `this is the channel ${self.channel}` }
    }
    return undefined
  }

  /**
   * The secret that the peer proved. A dialer accepts only the one it used itself: that is what it was answered with.
   */
  #proverOf(peer: Hello): Prover | undefined {
    const { side, keyring } = this.#options
    const context = this.#context(side === 'dialer' ? 'acceptor' : 'dialer', peer.clusterName)
    if (side === 'acceptor') return keyring.find(peer.proof, context)
    return isProofOf(keyring.preferred, peer.proof, context) ? keyring.preferred : undefined
  }

  #policyProblem(peer: Hello): Refusal | undefined {
    const { self, admit, side } = this.#options
    const isForeign =
      peer.clusterName !== self.clusterName ||
      (peer.clusterId !== '' && self.clusterId !== '' && peer.clusterId !== self.clusterId)
    if (isForeign) return { code: 'foreign-cluster', detail: formatCluster(self) }
    if (peer.channel !== 'coordination') return side === 'dialer' || this.#hasTicket(peer) ? undefined : noTicket
    const refusal = admit?.(peer)
    return typeof refusal === 'string' ? { code: refusal, detail: '' } : refusal
  }

  /** Further channels belong to a link that was admitted before. */
  #hasTicket({ channel, ticket }: Hello): boolean {
    const expected = this.#options.ticketFor?.(channel)
    return ticket !== undefined && expected?.length === ticket.length && timingSafeEqual(ticket, expected)
  }

  #establish(wall: number | undefined): readonly HandshakeStep[] {
    const agreement = this.#agreement
    if (agreement === undefined) return this.#refuse('bad-hello', 'accept before hello')
    this.#phase = 'done'
    const told = wall === undefined ? agreement : { ...agreement, wall }
    return [{ type: 'established', agreement: told, rest: this.#splitter.takeRest() }]
  }

  #refused({ code, detail, evidence }: Extract<HelloMessage, { type: 'refuse' }>): readonly HandshakeStep[] {
    this.#phase = 'done'
    const shown = evidence === undefined ? {} : { evidence }
    return [{ type: 'failed', failure: { by: 'peer', code, detail, peer: this.#peer, ...shown } }]
  }

  #refuse(code: RefuseCode, detail: string, evidence?: Uint8Array): readonly HandshakeStep[] {
    const said = { type: 'refuse', code, detail: shorten(detail) } as const
    const bytes = encodeFrame(evidence === undefined ? said : { ...said, evidence })
    return [{ type: 'send', bytes }, ...this.#fail('us', code, detail)]
  }

  #fail(by: 'us' | 'peer', code: string, detail: string): readonly HandshakeStep[] {
    this.#phase = 'done'
    return [{ type: 'failed', failure: { by, code, detail, peer: this.#peer } }]
  }

  #hello(prover: Prover, channel = this.#options.self.channel): HandshakeStep {
    const { self, side } = this.#options
    const hello: Hello = {
      ...self,
      channel,
      magic: MAGIC,
      versionMin: this.#versions.min,
      versionMax: this.#versions.max,
      features: FEATURES,
      proof: prover(this.#context(side, self.clusterName)),
    }
    return { type: 'send', bytes: encodeFrame({ type: 'hello', hello }) }
  }

  #context(role: 'dialer' | 'acceptor', clusterName: string): ProofContext {
    const { side, self, peer, binding } = this.#options
    const [dialer, acceptor] = side === 'dialer' ? [self.id, peer] : [peer, self.id]
    return { role, binding, dialer, acceptor, clusterName }
  }
}

/** `1` or `1-2`. */
export function formatVersions({ min, max }: { readonly min: number; readonly max: number }): string {
  return min === max ? `${min}` : `${min}-${max}`
}

/** The name, and the id if there is one. */
export function formatCluster(hello: { readonly clusterName: string; readonly clusterId: string }): string {
  return hello.clusterId === '' ? hello.clusterName : `${hello.clusterName}/${hello.clusterId}`
}

/** A unit of UTF-16 takes at most three bytes. */
function shorten(detail: string): string {
  return detail.slice(0, Math.floor(MAX_DETAIL_BYTES / 3)).toWellFormed()
}
