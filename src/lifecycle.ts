// The life of a node in its cluster, from the first link to the last. Everything that decides lives elsewhere; here the
// parts are put together and handed from one stage to the next:
//
//   seeking ── forms (design rule 2) or meets a member ──> joining ── its name is bound (rule 8) ──> member ──> stopped
//
// A node that was admitted in an earlier life is a member at once. A founder runs Raft from `joining` on.

import type { FormingState, MemberRecord } from '../topology/index.ts'
import { Requests } from './channels/requests.ts'
import { Coordination } from './coordination/coordination.ts'
import { OwnLog } from './coordination/own-log.ts'
import { deliver, dispatch, type Parts } from './dispatch.ts'
import { asClusterError, type ClusterError } from './errors.ts'
import type { LifecycleOptions, Stage } from './lifecycle-options.ts'
import { LinkEvents } from './link-events.ts'
import type { Links } from './links/links.ts'
import { Peers } from './links/peers.ts'
import { type AdmissionAnswer, askAnyone } from './membership/admission.ts'
import { Companions } from './membership/companions.ts'
import { parseFormingState } from './membership/formation.ts'
import { gatherAtOne } from './membership/founder-calls.ts'
import { founding } from './membership/founding.ts'
import { Joining, lastingRefusals } from './membership/joining.ts'
import { KnownVoters } from './membership/known-voters.ts'
import { Membership } from './membership/membership.ts'
import { RememberedPeers } from './membership/remembered-peers.ts'
import { Routes } from './membership/routes.ts'
import type { Absence } from './runtime/away-guard.ts'
import { helloOf, isNamesake, nameTaken, recordOf, rolledBack } from './self.ts'
import type { RecoveredLog, StoredCluster } from './storage/node-storage.ts'
import { loadIdentity } from './transport/identity.ts'
import { RecordSigner } from './wire/signed-record.ts'

/** A leader that stops gives its successor this long to be told so; then it goes all the same. */
const RESIGN_TIMEOUT_MS = 1_000

export class Lifecycle {
  readonly requests: Requests
  readonly voters: KnownVoters
  readonly #options: LifecycleOptions
  readonly #signer: RecordSigner
  readonly #peers: Peers
  #stage: Stage = 'seeking'
  #isStopping = false
  /** As the disk remembers it; undefined before this node knows it. */
  cluster: StoredCluster | undefined
  /** What there is of the node so far; what a link brings goes to whoever is there. */
  readonly #parts: Parts
  readonly #linkEvents: LinkEvents
  #joining: Joining | undefined
  readonly companions: Companions
  readonly #remembered: RememberedPeers
  readonly #routes: Routes

  constructor(options: LifecycleOptions) {
    const { self, transport, keyring, toolbox, storage } = options
    this.#options = options
    this.#signer = new RecordSigner(loadIdentity(storage.identity.privateKeyPem), self.instance)
    this.#peers = new Peers({
      transport,
      keyring,
      toolbox,
      hello: () => helloOf(self, this.cluster?.clusterId, options.expect, this.#signer),
      laterLife: (evidence) => this.#signer.laterLife(evidence, self.generation),
      clusterId: () => this.cluster?.clusterId ?? '',
      isInCluster: () => this.cluster !== undefined,
      isStopping: () => this.#isStopping,
      member: (id) => this.#parts.membership?.member(id),
      onUp: (link) => this.#linkEvents.up(link),
      onDown: (link, end) => this.#linkEvents.down(link, end),
      onRefusedPort: (peer, generation) => this.#linkEvents.refusedPort(peer, generation),
      onCluster: (link, clusterId) => {
        if (clusterId !== '' && clusterId === this.cluster?.clusterId) this.#remembered.note(link.peer)
        this.#linkEvents.peerInCluster(link, clusterId)
      },
      onMessage: (link, message) => dispatch(this.#parts, toolbox.counters, link, message),
      onRefused: (error, address) => this.#refused(error, address),
      onMoved: (member) => this.#moved(member),
      onUnreachable: (member) => this.#routes.overlays.unreachable(member),
    })
    this.companions = new Companions({
      clock: toolbox.clock,
      self: self.id,
      peers: this.#peers,
      founders: () => this.cluster?.founders,
      member: (id) => this.#parts.membership?.member(id),
    })
    this.requests = new Requests({
      clock: toolbox.clock,
      self: self.id,
      generation: storage.generation,
      send: (envelope) => this.#routes.relay.send(envelope),
      nameOf: (id) => this.nameOf(id),
      count: (reason) => toolbox.counters.add(reason),
    })
    this.voters = new KnownVoters(self, this, (changed) => this.#remember(changed))
    this.#remembered = new RememberedPeers({
      clock: toolbox.clock,
      self: self.id,
      storage,
      members: () => this.members(),
      isVoter: (id) => this.voters.includes(id),
      onFailure: (error) => this.#fail(error),
    })
    const { features } = options
    this.#routes = new Routes({
      self: self.id,
      links: this.links,
      toolbox,
      ownOverlays: options.overlays,
      overlayOptions: options.overlayOptions ?? {},
      member: (id) => this.#parts.membership?.member(id),
      onOverlays: () => {
        this.#parts.membership?.overlaysChanged()
        features.overlays()
      },
      deliver: (envelope) => deliver(this.#parts, toolbox.counters, envelope),
      undeliverable: (envelope) => this.requests.undeliverable(envelope),
      onGathered: () => this.#parts.membership?.put({ type: 'gathering', isOn: false }),
      onGivenUp: (member) => features.givenUp(member),
    })
    this.#parts = {
      requests: this.requests,
      relay: this.#routes.relay,
      holds: this.#routes.holds,
      overlays: this.#routes.overlays,
      features,
      coordination: undefined,
      membership: undefined,
      formation: undefined,
    }
    this.#linkEvents = new LinkEvents({
      parts: this.#parts,
      peers: this.#peers,
      clusterId: () => this.cluster?.clusterId,
      logger: toolbox.logger,
      considerJoining: () => this.#considerJoining(),
      addressOf: (id) => this.#remembered.address(id),
      onLink: options.onLink,
    })
  }

  get links(): Links {
    return this.#peers.links
  }

  get routes(): Routes {
    return this.#routes
  }

  get stage(): Stage {
    return this.#stage
  }

  get coordination(): Coordination | undefined {
    return this.#parts.coordination
  }

  /** Everyone known, this node included. */
  members(): readonly MemberRecord[] {
    return this.#parts.membership?.members() ?? [recordOf(this.#options.self)]
  }

  get membership(): Membership | undefined {
    return this.#parts.membership
  }

  nameOf(id: string): string {
    if (id === this.#options.self.id) return this.#options.self.name
    const known = this.#parts.membership?.member(id)?.name ?? this.links.get(id)?.peer.name
    return known ?? this.#remembered.name(id) ?? id
  }

  /** Begins; the listener accepts by now. Rejects when the disk holds what cannot be used. */
  async start(): Promise<void> {
    const { self, storage, join } = this.#options
    this.cluster = await storage.readCluster()
    const peers = await this.#remembered.recall()
    const durable = (await storage.readForming(parseFormingState)) ?? { type: 'none' }
    if (this.cluster && durable.type !== 'started') await this.#enterCluster(this.cluster)
    else this.#form(durable)
    const { formation } = this.#parts
    if (formation) formation.calls.callSeeds(join)
    else for (const seed of join) if (seed !== self.address) this.links.callSeed(seed, 'eager')
    for (const { id, address } of peers) this.links.callMember(id, address, 'eager')
  }

  /** The process did not run for a while; told before anything else acts. */
  away(absence: Absence): void {
    this.#parts.coordination?.away(absence)
    this.#parts.membership?.put({ type: 'away', ms: absence.ms })
    this.#parts.features.away(absence)
  }

  loopDelay(ms: number): void {
    this.#parts.membership?.put({ type: 'loop-delay', ms })
    this.#parts.features.loopDelay(ms)
  }

  drain(): void {
    this.#parts.membership?.put({ type: 'condition', condition: 'draining' })
  }

  /** Hands over, says goodbye, closes links and log. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#joining?.close()
    this.#parts.formation?.close()
    await this.#parts.coordination?.resign(this.#options.toolbox.clock.timeout(RESIGN_TIMEOUT_MS))
    const wasMember = this.#stage === 'member'
    if (wasMember) this.#parts.membership?.put({ type: 'leave' })
    this.#enter('stopped')
    this.requests.close()
    this.#remembered.close()
    await this.#peers.close(wasMember ? 'leaving' : 'stopping')
    this.#parts.membership?.close()
    this.#routes.close()
    await this.#parts.coordination?.close()
  }

  #enter(stage: Stage): void {
    this.#stage = stage
    this.#options.onStage(stage)
  }

  #form(durable: FormingState): void {
    const { self, storage, toolbox, expect } = this.#options
    this.#parts.formation = founding({
      ...{ self, storage, toolbox, expect, durable, peers: this.#peers, remembered: this.#remembered },
      nameOf: (id) => this.nameOf(id),
      onFormed: ({ clusterId, set, voters }) => {
        if (!this.cluster && gatherAtOne(set.length)) this.#routes.gather(set)
        const { admitted, names } = this.cluster ?? { admitted: false, names: [] }
        this.#adopt({ clusterId, founders: set, voters, admitted, names })
      },
      onUnbound: () => this.#considerJoining(),
      onDiskFailure: (error) => this.#fail(error),
    })
    this.#parts.formation?.start()
    // Others may have linked up while the disk was being read.
    for (const { peer } of this.links.all()) this.#parts.formation?.put({ type: 'connected', peer: peer.id })
    if (this.#parts.formation) this.#considerJoining()
  }

  /** A fresh node that has promised nothing joins the first living cluster it meets. */
  #considerJoining(): void {
    if (this.#stage !== 'seeking' || this.cluster || this.#parts.formation?.isBound) return
    const [clusterId] = this.#peers.clusters()
    if (clusterId !== undefined) this.#adopt({ clusterId, founders: [], voters: [], admitted: false, names: [] })
  }

  #adopt(cluster: StoredCluster): void {
    if (this.#parts.coordination || this.#isStopping) return
    this.#enterCluster(cluster).catch((error: unknown) => this.#fail(error))
  }

  /** The cluster is known: this node votes if it may, greets its peers, and asks for its name. */
  async #enterCluster(cluster: StoredCluster): Promise<void> {
    const { self, storage, toolbox } = this.#options
    this.cluster = cluster
    this.companions.entered()
    if (cluster.founders.length === 0) this.#parts.formation?.close()
    await this.#remembered.meet(this.#peers.companions(cluster.founders))
    const ownLog = new OwnLog(storage, self, cluster)
    const log = await ownLog.open()
    if (cluster.founders.length > 0) await storage.writeCluster(cluster)
    this.#parts.coordination = await this.#coordinate(cluster, ownLog, log)
    if (this.#isStopping) return this.#parts.coordination.close()
    toolbox.logger.info('the cluster is known', { clusterId: cluster.clusterId, log: log !== undefined })
    for (const link of this.links.all()) this.#linkEvents.peerInCluster(link, this.#peers.clusterOf(link.peer.id) ?? '')
    if (cluster.admitted) this.#startMembership()
    this.#enter(cluster.admitted ? 'member' : 'joining')
    this.#joining = new Joining({
      toolbox,
      ask: (signal) => this.#askForName(signal),
      onAdmitted: () => this.#admitted(),
      onTaken: (holder) => this.#fail(nameTaken(self.name, holder)),
    })
    this.#joining.start()
  }

  #coordinate(cluster: StoredCluster, ownLog: OwnLog, log: RecoveredLog | undefined): Promise<Coordination> {
    const { self, toolbox, raft, voters, onHost } = this.#options
    return Coordination.open({
      self: self.id,
      clusterId: cluster.clusterId,
      voters: cluster.voters,
      log,
      learn: () => ownLog.learn(),
      policy: voters,
      memberFacts: () => this.voters.facts(),
      raft,
      links: this.links,
      requests: this.requests,
      toolbox,
      stateOf: (holder) => this.companions.stateOf(holder),
      strangers: () => this.#peers.strangers(),
      isMember: (peer) => this.#parts.membership?.member(peer) !== undefined,
      isSparse: () => this.#routes.overlays.isSparse || this.#routes.isGathering,
      onHeard: (leader, peer) => this.#routes.relay.learn(leader, peer),
      onChange: () => this.#agreementChanged(),
      onApplied: () => this.#options.features.applied(),
      onHost,
      onDiskFailure: (error) => this.#fail(error),
    })
  }

  #remember(cluster: StoredCluster): void {
    this.cluster = cluster
    this.#options.storage.writeCluster(cluster).catch((error: unknown) => this.#fail(error))
  }

  #agreementChanged(): void {
    const { coordination, formation, membership } = this.#parts
    const leader = coordination?.knowledge().leader
    formation?.put({ type: 'alive', alive: leader !== undefined })
    this.#joining?.follow(leader)
    membership?.setVoters(this.voters.holders)
    this.voters.follow()
    this.#options.onCoordination()
  }

  #askForName(signal: AbortSignal): Promise<AdmissionAnswer> {
    const { self, toolbox } = this.#options
    const { coordination } = this.#parts
    const leader = coordination?.knowledge().leader ?? ''
    const isInReach = leader === self.id || this.links.get(leader) !== undefined
    if (coordination && isInReach) return coordination.admit(self.id, self.name)
    return askAnyone(this.requests, this.companions.ids, toolbox.random, { id: self.id, name: self.name }, signal)
  }

  #admitted(): void {
    if (this.#isStopping || !this.cluster) return
    const { self, storage } = this.#options
    const names = [{ name: self.name, id: self.id }]
    const cluster = { ...this.cluster, voters: this.voters.voters, admitted: true, names }
    this.cluster = cluster
    // First whom it knows: a directory that claims a cluster and cannot find anybody in it would be worth nothing.
    const known = this.#remembered.meet(this.#peers.companions())
    known.then(() => storage.writeCluster(cluster)).catch((error: unknown) => this.#fail(error))
    if (this.#stage === 'member') return
    this.#startMembership()
    this.#enter('member')
  }

  #startMembership(): void {
    const { swim, toolbox, self, onMember } = this.#options
    this.#parts.membership = new Membership({
      self: recordOf(self),
      signing: this.#signer,
      swim,
      overlays: this.#routes.overlays,
      holds: this.#routes.holds,
      relay: this.#routes.relay,
      links: this.links,
      ...toolbox,
      pinned: this.voters.holders,
      onEvent: (event) => {
        if (event.type === 'superseded') return this.#fail(rolledBack(self, event.incarnation.generation))
        if (event.type === 'dropped') return
        if (event.type === 'unanswered') return this.#parts.features.unanswered(event.member)
        this.#remembered.follow(event)
        this.#routes.membersChanged()
        // Asked over relays, nobody would hear of its end.
        if (event.type === 'member' && event.after.state === 'down') this.requests.lost(event.after.id)
        if (event.type === 'member' && isNamesake(self, event.after)) this.#joining?.start()
        onMember(event)
      },
      count: (reason) => toolbox.counters.add(reason),
    })
    if (this.#routes.isGathering) this.#parts.membership.put({ type: 'gathering', isOn: true })
    this.#parts.membership.start(this.companions.ids)
  }

  // --- Who refuses, moves or bears the same name ---

  /**
   * Design rule 15: the address is no longer this member's; whoever is down for good is forgotten, the others are
   * watched as before.
   */
  #moved(member: string): void {
    const { membership } = this.#parts
    this.links.dropMember(member)
    this.#remembered.forget(member)
    if (membership?.member(member)?.state === 'down') membership.put({ type: 'forget', peer: member })
  }

  #refused(error: ClusterError, address: string): void {
    const isFresh = this.cluster === undefined
    if (error.code === 'ERR_DATA_ROLLED_BACK' || (error.code === 'ERR_NAME_TAKEN' && isFresh)) this.#fail(error)
    else if (this.#stage === 'seeking' && isFresh && lastingRefusals.has(error.code))
      this.#options.onUnwelcome(error, address)
  }

  #fail(error: unknown): void {
    if (this.#isStopping) return
    this.#options.onFatal(asClusterError(error))
  }
}
