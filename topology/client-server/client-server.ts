// A few members serve, the others hang on them: servers link each other, a client links `serversPerClient` of them. No
// message is needed: everybody computes the same servers for the same client (rendezvous hashing over the live ones),
// so both ends of a link know of it, and when a server comes or goes only its own clients move.
//
//   client ──▶ its servers              first linked one; one that also serves the destination before others
//   server ──▶ the destination          when it hangs here
//          ──▶ a later server of it     in the order of its servers, so that no message comes back
//
// Links move make before break: a client keeps a server that is no longer its own until those that are have been
// linked, and a server keeps a client until that one closes the link.

import { invariant } from '../invariant.ts'
import type {
  Connectivity,
  Overlay,
  OverlayDefinition,
  OverlayEffect,
  OverlayEstimate,
  OverlayInput,
} from '../overlay.ts'
import { numberProblems } from '../parameters.ts'
import { rendezvous } from '../rendezvous.ts'
import type { MemberId, MemberRecord } from '../types.ts'
import { type ClientServerOptions, clientServerDefaults, clientServerRules } from './options.ts'
import { roleRefusal, type Serving, servingOf } from './roles.ts'

type Effects = OverlayEffect<never, never>[]

/** The overlay in which servers link each other, and clients some servers. */
export class ClientServer implements Overlay {
  readonly name = 'client-server'
  readonly capacity: number
  readonly #self: MemberId
  readonly #options: ClientServerOptions
  #members: readonly MemberRecord[] = []
  #voters: readonly MemberId[] = []
  /** Alive or only suspected. */
  #present: ReadonlySet<MemberId> = new Set()
  #serving: Serving = { live: [], down: [] }
  #isServer = false
  /** In the order of dialing. Disjoint from `#retained`. */
  #wanted = new Set<MemberId>()
  /** Linked, no longer wanted, and kept until others have taken over; the longest kept first. */
  readonly #retained = new Set<MemberId>()
  readonly #linked = new Set<MemberId>()
  /** Servers by client, as long as members and voters stay as they are. */
  readonly #serversOf = new Map<MemberId, readonly MemberId[]>()

  /** `self` is this member's id. Throws an `InvariantError` when the options are out of range. */
  constructor(self: MemberId, changes: Partial<ClientServerOptions> = {}) {
    this.#self = self
    this.#options = { ...clientServerDefaults, ...changes }
    const problems = numberProblems('client-server', clientServerRules, this.#options)
    invariant(problems.length === 0, problems.join('; '))
    this.capacity = this.#options.maxLinks
  }

  step(input: OverlayInput<never>, _now: number): Effects {
    switch (input.type) {
      case 'members':
        this.#members = input.members
        return this.#settle()
      case 'voters':
        this.#voters = input.voters
        return this.#settle()
      case 'connected':
        this.#linked.add(input.peer)
        return this.#release()
      case 'disconnected':
        this.#linked.delete(input.peer)
        if (this.#retained.delete(input.peer)) return [{ type: 'unlink', peer: input.peer }]
        return this.#wanted.has(input.peer) ? [this.#link(input.peer)] : []
      case 'message':
      case 'timer':
      case 'unreachable':
        return []
      default:
        input satisfies never
        return []
    }
  }

  neighbors(): readonly MemberId[] {
    return [...this.#wanted, ...this.#retained]
  }

  nextHop(to: MemberId): MemberId | undefined {
    if (this.#isLinkedNeighbor(to)) return to
    if (to === this.#self || !this.#present.has(to)) return undefined
    const servers = this.#serversFor(to)
    if (!this.#isServer)
      return [...servers, ...this.#wanted, ...this.#retained].find((id) => this.#isLinkedNeighbor(id))
    return servers.slice(servers.indexOf(this.#self) + 1).find((id) => this.#isLinkedNeighbor(id))
  }

  connectivity(): Connectivity {
    const live = [...this.#wanted].filter((id) => this.#present.has(id))
    const linked = live.filter((id) => this.#linked.has(id)).length
    return { target: live.length, linked, isIsolated: live.length > 0 && linked + this.#retained.size === 0 }
  }

  /** Who is wanted follows from members and voters alone. */
  #settle(): Effects {
    const before = this.neighbors()
    this.#present = new Set(this.#members.filter(isPresent).map(({ id }) => id))
    this.#serving = servingOf(this.#members, this.#voters)
    this.#isServer = this.#serving.live.includes(this.#self)
    this.#serversOf.clear()
    const wanted = this.#isServer ? this.#wantedByServer() : this.#wantedByClient()
    const hadWanted = this.#wanted
    this.#wanted = new Set(wanted.filter((id) => id !== this.#self).slice(0, this.#options.maxLinks))
    for (const peer of hadWanted) if (this.#linked.has(peer)) this.#retained.add(peer)
    for (const peer of this.#retained)
      if (this.#wanted.has(peer) || !this.#present.has(peer)) this.#retained.delete(peer)
    this.#forgetOldest()
    const effects: Effects = []
    for (const peer of before)
      if (!this.#wanted.has(peer) && !this.#retained.has(peer)) effects.push({ type: 'unlink', peer })
    const had = new Set(before)
    for (const peer of this.#wanted) if (!had.has(peer)) effects.push(this.#link(peer))
    return [...effects, ...this.#release()]
  }

  #wantedByServer(): MemberId[] {
    const { live, down } = this.#serving
    const isServing = new Set(live)
    const clients = this.#members
      .filter(({ id, state }) => state !== 'left' && !isServing.has(id) && this.#serversFor(id).includes(this.#self))
      .sort((one, other) => Number(one.state === 'down') - Number(other.state === 'down'))
      .map(({ id }) => id)
    return [...new Set([...live, ...down, ...clients])]
  }

  /** Without a live server everybody that may serve is called: whoever answers first ends the wait. */
  #wantedByClient(): readonly MemberId[] {
    return this.#serving.live.length > 0 ? this.#serversFor(this.#self) : this.#serving.down
  }

  /** A client lets go of its former servers once its own are linked. */
  #release(): Effects {
    if (this.#isServer || [...this.#wanted].some((peer) => !this.#linked.has(peer))) return []
    const effects = [...this.#retained].map((peer) => ({ type: 'unlink', peer }) as const)
    this.#retained.clear()
    return effects
  }

  /** One server that cannot be linked must not keep all former ones. */
  #forgetOldest(): void {
    const most = this.#isServer ? this.#options.maxLinks - this.#wanted.size : this.#options.serversPerClient
    for (const peer of this.#retained) {
      if (this.#retained.size <= most) return
      this.#retained.delete(peer)
    }
  }

  #serversFor(client: MemberId): readonly MemberId[] {
    const known = this.#serversOf.get(client)
    if (known) return known
    const servers = rendezvous(client, this.#serving.live, this.#options.serversPerClient)
    this.#serversOf.set(client, servers)
    return servers
  }

  #isLinkedNeighbor(id: MemberId): boolean {
    return this.#linked.has(id) && (this.#wanted.has(id) || this.#retained.has(id))
  }

  /** Clients call their servers, and of two of a kind the lower id the other. */
  #link(peer: MemberId): Effects[number] {
    const isPeerServer = this.#serving.live.includes(peer)
    const dialsFirst = isPeerServer === this.#isServer ? this.#self < peer : isPeerServer
    return { type: 'link', peer, after: dialsFirst ? 0 : this.#options.dialGraceMs }
  }
}

/** The client-server overlay as a kind of overlay: parameters are those of {@link ClientServerOptions}. */
export const clientServer: OverlayDefinition = {
  name: 'client-server',
  problems: (parameters) => numberProblems('client-server', clientServerRules, parameters, clientServerDefaults),
  refusal: roleRefusal,
  estimate: (members, parameters, voters) => estimate(members, { ...clientServerDefaults, ...parameters }, voters),
  create: ({ self, parameters }) => new ClientServer(self, parameters),
  codec: undefined,
}

function isPresent({ state }: MemberRecord): boolean {
  return state === 'alive' || state === 'suspect'
}

function estimate(
  members: readonly MemberRecord[],
  { serversPerClient }: ClientServerOptions,
  voters: readonly MemberId[],
): OverlayEstimate {
  const { live } = servingOf(members, voters)
  const servers = live.length
  const clients = members.filter(({ state }) => state !== 'left').length - servers
  const perClient = Math.min(serversPerClient, servers)
  const perServer = servers === 0 ? 0 : servers - 1 + Math.ceil((clients * perClient) / servers)
  const betweenClients = perClient < servers ? 3 : 2
  const hops = clients > 1 ? betweenClients : Math.min(1, members.length - 1)
  return {
    links: (servers * (servers - 1)) / 2 + clients * perClient,
    linksPerMember: perServer,
    hops: servers === 0 ? 0 : hops,
  }
}
