// How this node is tied to its cluster: which links it holds and why, which overlays want them, and how an envelope
// finds its way to a member. Put together here once, for the whole life of the node; who there is comes from membership
// when that begins.

import type { MemberRecord, OverlayDefinition } from '../../topology/index.ts'
import { Relay } from '../channels/relay.ts'
import { Holds } from '../links/holds.ts'
import type { Links } from '../links/links.ts'
import { Silence } from '../links/silence.ts'
import type { Timer } from '../runtime/clock.ts'
import type { Toolbox } from '../runtime/toolbox.ts'
import { haveCommonWords } from '../transport/provider.ts'
import type { Envelope } from '../wire/envelope.ts'
import { builtInOverlays } from './built-in-overlays.ts'
import { guardedOverlays, type OverlayFailed } from './guarded-overlays.ts'
import { Overlays } from './overlays.ts'
import { type OverlayOptions, tunedOverlays } from './tuned-overlays.ts'

export interface RoutesOptions {
  readonly self: string
  readonly links: Links
  readonly toolbox: Toolbox
  /** What a user brings beside the built-in ones. */
  readonly ownOverlays: readonly OverlayDefinition<unknown>[]
  readonly overlayOptions: OverlayOptions
  readonly member: (id: string) => MemberRecord | undefined
  /** How an overlay stands may have changed. */
  readonly onOverlays: () => void
  readonly deliver: (envelope: Envelope) => void
  readonly undeliverable: (envelope: Envelope) => void
  /** The founders that were waited for are all members, or not waited for any more. */
  readonly onGathered: () => void
  /** No link to `member` came up in time for what was to be sent there. */
  readonly onGivenUp: (member: string) => void
}

/** So long at most founders wait for one another before they link up. A guess: what hundreds of them need. */
const LONGEST_GATHERING_MS = 2_000

export class Routes {
  readonly holds: Holds
  readonly overlays: Overlays
  readonly relay: Relay
  readonly #silence: Silence
  readonly #options: RoutesOptions
  /** Those that are waited for, as long as any is. */
  #gathering: { readonly founders: readonly string[]; readonly timer: Timer } | undefined

  constructor(options: RoutesOptions) {
    this.#options = options
    const { self, links, toolbox, ownOverlays, overlayOptions, member, onOverlays, deliver, undeliverable, onGivenUp } =
      options
    const count = (reason: string): void => toolbox.counters.add(reason)
    const onFailed: OverlayFailed = (overlay, error) => {
      count('overlay-failed')
      toolbox.logger.error('an overlay failed, and is asked no more', { overlay, error })
    }
    const definitions = [...builtInOverlays, ...guardedOverlays(ownOverlays, onFailed)]
    // Whoever goes for good calls nobody back that hangs up on it.
    const isGoing = (): boolean => member(self)?.state === 'left'
    this.holds = new Holds({ links, target: (peer) => (isGoing() ? undefined : targetOf(member(peer))), ...toolbox })
    this.#silence = new Silence({ links, holds: this.holds, ...toolbox, count })
    this.overlays = new Overlays({
      self,
      links,
      holds: this.holds,
      ...toolbox,
      definitions: tunedOverlays(definitions, overlayOptions),
      onChange: onOverlays,
      onFailed,
      count,
    })
    this.relay = new Relay({
      self,
      links,
      holds: this.holds,
      ...toolbox,
      nextHop: (to) => this.#nextHop(to),
      isThere: (id) => isThere(member(id)) && this.#canDial(id),
      isGone: (id) => member(id) !== undefined && !isThere(member(id)),
      deliver,
      undeliverable,
      onGivenUp,
      count,
    })
  }

  /**
   * Founders have come together over the link to one of them. Until all are members, what they say to each other comes
   * first, and the links that only the overlay wants after it.
   */
  gather(founders: readonly string[]): void {
    const { clock, turn } = this.#options.toolbox
    this.holds.makeOverlaysWait()
    const timer = clock.setTimeout(() => turn.enter(() => this.#endGathering()), LONGEST_GATHERING_MS)
    this.#gathering = { founders, timer }
  }

  get isGathering(): boolean {
    return this.#gathering !== undefined
  }

  /** Somebody became a member. */
  membersChanged(): void {
    if (this.#gathering?.founders.every((id) => this.#options.member(id) !== undefined)) this.#endGathering()
  }

  #endGathering(): void {
    this.#gathering?.timer[Symbol.dispose]()
    this.#gathering = undefined
    this.holds.letOverlaysCall()
    this.#options.onGathered()
  }

  /**
   * By the overlay in use; to a member with which this one has no transport in common by a linked one that has one with
   * both.
   */
  #nextHop(to: string): string | undefined {
    const { links, member } = this.#options
    const hop = this.overlays.nextHop(to)
    if ((hop !== undefined && links.get(hop)) || this.#canDial(to)) return hop
    const address = member(to)?.address ?? ''
    const bridges = links.all().map(({ peer }) => peer)
    const able = bridges.filter((peer) => haveCommonWords(peer.address, address)).map(({ id }) => id)
    return able.sort()[0]
  }

  #canDial(id: string): boolean {
    const { self, member } = this.#options
    const [own, other] = [member(self), member(id)]
    return own === undefined || other === undefined || haveCommonWords(own.address, other.address)
  }

  close(): void {
    this.#gathering?.timer[Symbol.dispose]()
    this.relay.close()
    this.#silence.close()
    this.holds.close()
    this.overlays.closeAll()
  }
}

/** Members that are down are dialled in hope, so that a partition heals; those that left are not. */
function targetOf(member: MemberRecord | undefined): ReturnType<ConstructorParameters<typeof Holds>[0]['target']> {
  if (!member || member.state === 'left') return undefined
  return { address: member.address, pace: member.state === 'down' ? 'remembered' : 'eager' }
}

function isThere(member: MemberRecord | undefined): boolean {
  return member?.state === 'alive' || member?.state === 'suspect'
}
