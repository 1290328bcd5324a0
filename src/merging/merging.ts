// Merging two clusters that formed separately, as a part of the node. The node asked visits the other cluster, makes a
// plan of what both leaders say, and carries it out in this order, of which every step may be done again:
//
//   planned ── the log that stays is lengthened past the other's ──▶ prepared
//      `dissolve` is committed in the other's log ──▶ decided
//      each member of the dissolved one: notes where it goes, stops, starts, asks for its name ──▶ merged
//
// Before `dissolve` is committed nothing has happened; after it nothing is applied in that cluster any more, and its
// members go over whoever else is there: by their log, told by another member, or by asking whom they knew. See
// docs/guarantees.md.

import type { ClusterCommand, ClusterReply } from '../../consensus/index.ts'
import { oneOf, trueOrFalse } from '../call-options.ts'
import type { JsonValue, Payload } from '../channels/payload.ts'
import type { IncomingRequest } from '../channels/requests.ts'
import type { Coordination } from '../coordination/coordination.ts'
import { ClusterError, isClusterError } from '../errors.ts'
import type { Stage } from '../lifecycle-options.ts'
import type { NodeContext, NodePart } from '../node-part.ts'
import { MAX_DELAY_MS, type Timer } from '../runtime/clock.ts'
import type { StoredMove, StoredPeer } from '../storage/node-storage.ts'
import { beginWait, nodeStopping, pause, waitFor } from '../wait.ts'
import { MAX_MERGE_MEMBERS } from '../wire/limits.ts'
import type { MergeOptions, MergeReport } from './merge-interface.ts'
import { type ClusterSketch, planMerge, refused } from './merge-plan.ts'
import { visit } from './visit.ts'

const SUBJECT = 'trellis.merge'
const DEFAULT_TIMEOUT_MS = 60_000
/** Lengthening a log takes the longest. */
const ASK_TIMEOUT_MS = 30_000
/** Who goes over leaves so much time for its last answers. */
const FAREWELL_MS = 500
const TELL_TIMEOUT_MS = 2_000
/**
 * So often a member without a leader, which is refused as a foreigner, asks one of those it knew whether they have gone
 * over.
 */
const SEEK_INTERVAL_MS = 5_000
/** What counts those who refused this node because they are of another cluster. */
const FOREIGN = 'handshake-dialer-ERR_FOREIGN_CLUSTER'
const VISIT_TIMEOUT_MS = 3_000
const BATCH = 256
const LEVEL_PATIENCE_MS = 5_000
const LOOK_AGAIN_MS = 100

type DissolveCommand = Extract<ClusterCommand, { type: 'dissolve' }>

type Order =
  | { readonly op: 'describe' }
  | { readonly op: 'raise'; readonly above: number }
  | {
      readonly op: 'dissolve'
      readonly into: string
      readonly members: readonly StoredPeer[]
      readonly dropsData: boolean
    }
  | ({ readonly op: 'go' } & StoredMove)
  | { readonly op: 'moved'; readonly from: string }

export class Merging implements NodePart {
  readonly #context: NodeContext
  readonly #over = new AbortController()
  #handling: Disposable | undefined
  #seeking: Timer | undefined
  #sought = 0
  /** How often somebody whom this node dialled belonged to another cluster. */
  #strangers = 0
  #isMoving = false

  constructor(context: NodeContext) {
    this.#context = context
  }

  async start(): Promise<void> {
    this.#handling = this.#context.requests.handle(SUBJECT, (request) => this.#serve(request))
    const { clock } = this.#context.toolbox
    this.#seeking = clock.setInterval(() => void this.#seek(), SEEK_INTERVAL_MS)
    this.#seeking.unref()
  }

  stage(stage: Stage): void {
    if (stage === 'member') void this.#arrived()
  }

  coordination(): void {
    const coordination = this.#context.coordination()
    const dissolution = coordination?.copy?.machine.dissolution
    if (!coordination || !dissolution) return
    const { into, index, members } = dissolution
    void this.#move({ from: coordination.clusterId, index, into, peers: members }, true)
  }

  close(): void {
    this.#over.abort()
    this.#handling?.[Symbol.dispose]()
    this.#seeking?.[Symbol.dispose]()
  }

  /** See `TrellisNode.merge`. */
  async merge(address: string, options: MergeOptions = {}): Promise<MergeReport> {
    beginWait('node.merge', options, { keep: oneOf('ours', 'theirs'), dryRun: trueOrFalse })
    if (typeof address !== 'string') throw badAddress(address)
    if (this.#over.signal.aborted) throw nodeStopping()
    const { clock } = this.#context.toolbox
    const { keep, dryRun = false, timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options
    const began = clock.now()
    const report = (outcome: MergeReport['outcome'], rest: Partial<MergeReport> = {}): MergeReport => {
      return { outcome, rejoined: [], waiting: [], ...rest, durationMs: Math.round(clock.now() - began) }
    }
    if (this.#context.members().some((member) => member.address === address && isHere(member)))
      return report('already-merged')
    const late = clock.timeout(Math.min(timeoutMs, MAX_DELAY_MS))
    const limit = AbortSignal.any([this.#over.signal, late, ...(signal ? [signal] : [])])
    const merging = visit(this.#context, address, limit, async (host) => {
      const asking = { timeoutMs: ASK_TIMEOUT_MS, signal: limit }
      const askTheirs = (order: Order): Promise<Payload> => host.ask(SUBJECT, order as unknown as JsonValue, asking)
      const askOurs = (order: Order): Promise<Payload> => this.#perform(order, false)
      const ours = (await askOurs({ op: 'describe' })) as unknown as ClusterSketch
      const theirs = (await askTheirs({ op: 'describe' })) as unknown as ClusterSketch
      if (ours.clusterId === theirs.clusterId) return report('already-merged')
      const plan = planMerge(ours, theirs, keep)
      if (dryRun) return report('planned', { plan })
      const isOurs = plan.keep === 'ours'
      const [stays, dissolves] = isOurs ? [ours, theirs] : [theirs, ours]
      const [askStaying, askDissolving] = isOurs ? [askOurs, askTheirs] : [askTheirs, askOurs]
      await askStaying({ op: 'raise', above: dissolves.index })
      const members = stays.members.filter(({ isAlive }) => isAlive).slice(0, MAX_MERGE_MEMBERS)
      const peers = members.map(({ id, name, address }) => ({ id, name, address }))
      const end = { op: 'dissolve', into: stays.clusterId, members: peers, dropsData: keep !== undefined } as const
      const index = Number(await askDissolving(end))
      await askStaying({ op: 'raise', above: index })
      if (!isOurs) return report('moving', { plan })
      const coming = dissolves.members.filter(({ isAlive }) => isAlive)
      const waiting = await this.#rejoining(coming, timeoutMs - (clock.now() - began), signal)
      const rejoined = coming.map(({ name }) => name).filter((name) => !waiting.includes(name))
      return report('merged', { plan, rejoined, waiting })
    })
    return merging.catch((error: unknown) => {
      if (signal?.aborted || !isClusterError(error, 'ERR_ABORTED')) throw error
      const { mayHaveHappened } = error
      const details = { operation: 'node.merge', timeoutMs }
      if (this.#over.signal.aborted) throw nodeStopping(mayHaveHappened)
      throw new ClusterError('ERR_TIMEOUT', `no merge within ${timeoutMs} ms`, details, {
        cause: error,
        mayHaveHappened,
      })
    })
  }

  /** Waits until all of them are here, or for as long as may be; answers who is not. */
  async #rejoining(coming: readonly StoredPeer[], timeoutMs: number, signal?: AbortSignal): Promise<string[]> {
    const { members, toolbox } = this.#context
    // One that keeps nothing on a disk comes with another id.
    const hasCome = ({ id, name }: StoredPeer): boolean =>
      members().some((member) => (member.id === id || member.name === name) && member.state === 'alive')
    const missing = (): StoredPeer[] => coming.filter((member) => !hasCome(member))
    const wait = { clock: toolbox.clock, signal, timeoutMs: Math.max(1, timeoutMs) }
    await waitFor('node.merge', () => missing().length === 0, wait).catch(() => undefined)
    return missing().map(({ name }) => name)
  }

  async #serve({ from, payload }: IncomingRequest): Promise<Payload> {
    const { op, isForwarded = false } = (payload ?? {}) as { op?: unknown; isForwarded?: boolean }
    if (op === 'moved') return this.#tellMoves()
    if (op === 'go') {
      const { from: left, index, into, peers } = payload as unknown as StoredMove
      const isFellow = this.#context.members().some(({ id }) => id === from)
      if (isFellow && left === this.#context.coordination()?.clusterId)
        void this.#move({ from: left, index, into, peers }, false)
      return null
    }
    if (op === 'describe' || op === 'raise' || op === 'dissolve') return this.#perform(payload as Order, isForwarded)
    throw new ClusterError('ERR_BAD_REQUEST', 'that is no step of a merge', { problem: 'malformed order' })
  }

  /** By the leader, whoever that is. */
  async #perform(order: Order, isForwarded: boolean): Promise<Payload> {
    const { self, requests, options } = this.#context
    const engine = options.coordination?.name
    if (engine !== undefined) {
      const details = { feature: 'merge', engine }
      throw new ClusterError('ERR_UNSUPPORTED', `clusters that agree in ${engine} are not merged`, details)
    }
    const coordination = this.#context.coordination()
    const leader = coordination?.knowledge().leader
    if (!coordination || leader === undefined)
      throw new ClusterError('ERR_NO_QUORUM', 'no leader is known here', { voters: [] })
    if (leader === self.id) return this.#lead(order, coordination)
    if (isForwarded) throw new ClusterError('ERR_NOT_LEADER', 'the leader has changed', { leader: undefined })
    const forwarded = { ...order, isForwarded: true } as unknown as JsonValue
    return requests.request(leader, SUBJECT, forwarded, { timeoutMs: ASK_TIMEOUT_MS, signal: this.#over.signal })
  }

  async #lead(order: Order, coordination: Coordination): Promise<Payload> {
    const limit = AbortSignal.any([this.#over.signal, this.#context.toolbox.clock.timeout(ASK_TIMEOUT_MS)])
    switch (order.op) {
      case 'describe':
        await coordination.read(limit)
        return this.#sketch(coordination) as unknown as JsonValue
      case 'raise':
        await this.#raise(order.above, coordination, limit)
        return null
      case 'dissolve': {
        const { into, members, dropsData } = order
        const reply = await this.#dissolve({ type: 'dissolve', into, members, dropsData }, coordination, limit)
        if (reply.type === 'ok') return reply.index
        if (reply.type === 'refused' && reply.reason === 'holds-data')
          throw refused('both-hold-data', 'the cluster that would dissolve holds data of users')
        throw refused('dissolved-elsewhere', `the log refuses it: ${reply.type}`)
      }
      default:
        return null
    }
  }

  /** A cluster that has just formed is about to agree that everybody can apply this. */
  async #dissolve(command: DissolveCommand, coordination: Coordination, signal: AbortSignal): Promise<ClusterReply> {
    const { clock } = this.#context.toolbox
    const patientUntil = clock.now() + LEVEL_PATIENCE_MS
    for (;;) {
      try {
        return await coordination.propose(command, signal)
      } catch (error) {
        const isInVain = signal.aborted || clock.now() >= patientUntil
        if (isInVain || !isClusterError(error, 'ERR_UPGRADE_PENDING')) throw error
        await pause(clock, LOOK_AGAIN_MS, signal)
      }
    }
  }

  #sketch({ clusterId, copy }: Coordination): ClusterSketch {
    if (!copy) throw new ClusterError('ERR_NOT_LEADER', 'this member holds no log', { leader: undefined })
    const { machine, appliedIndex } = copy
    const members = this.#context
      .members()
      .filter(({ state }) => state !== 'left')
      .map(({ id, name, address, state }) => ({ id, name, address, isAlive: state === 'alive' }))
    return { clusterId, index: appliedIndex, data: machine.userData, dissolution: machine.dissolution ?? null, members }
  }

  /**
   * Tokens are places in the log: it is lengthened by entries that change nothing, then S5 takes a new one (design rule
   * 5).
   */
  async #raise(above: number, coordination: Coordination, signal: AbortSignal): Promise<void> {
    const nothing = { type: 'agree-level', level: 1 } as const
    for (let index = coordination.appliedIndex ?? 0; index <= above; index = coordination.appliedIndex ?? 0) {
      const count = Math.min(BATCH, above + 1 - index)
      await Promise.all(Array.from({ length: count }, () => coordination.propose(nothing, signal)))
    }
    const token = coordination.copy?.machine.singleton('s5')?.token ?? 0
    if (token !== 0 && token <= above) this.#context.toolbox.turn.enter(() => coordination.renewHosting())
  }

  // --- The members of the cluster that dissolves ---

  async #move(move: StoredMove, tells: boolean): Promise<void> {
    const { self, members, requests, storage, toolbox, fail } = this.#context
    if (this.#isMoving || this.#over.signal.aborted) return
    this.#isMoving = true
    toolbox.logger.warn('this cluster was merged into another one', { from: move.from, into: move.into })
    await pause(toolbox.clock, FAREWELL_MS, this.#over.signal)
    const order = { op: 'go', ...move } as unknown as JsonValue
    const others = members().filter(({ id, state }) => tells && id !== self.id && state === 'alive')
    const telling = { timeoutMs: TELL_TIMEOUT_MS, signal: this.#over.signal }
    await Promise.allSettled(others.map(({ id }) => requests.request(id, SUBJECT, order, telling)))
    try {
      await storage.moveTo(move)
      const { from, into, peers } = move
      const addresses = peers.map(({ address }) => address)
      fail(new ClusterError('ERR_CLUSTER_MERGED', `cluster ${from} was merged into ${into}`, { from, into, addresses }))
    } catch (error) {
      fail(error)
    }
  }

  /**
   * What the other log gave out has to be below what this one gives out, whoever began the merge and did not end it.
   */
  async #arrived(): Promise<void> {
    const { storage, coordination, toolbox } = this.#context
    const clusterId = coordination()?.clusterId
    for (const { into, index } of await storage.readMoves()) {
      if (into !== clusterId) continue
      await this.#perform({ op: 'raise', above: index }, false).catch(() => toolbox.counters.add('merge-not-raised'))
    }
  }

  async #tellMoves(): Promise<Payload> {
    const { coordination, storage, members } = this.#context
    const into = coordination()?.clusterId
    const peers = members()
      .filter(({ state }) => state === 'alive')
      .slice(0, MAX_MERGE_MEMBERS)
      .map(({ id, name, address }) => ({ id, name, address }))
    const moves = (await storage.readMoves()).filter((move) => move.into === into)
    return moves.map(({ from, index }) => ({ from, index, into, peers })) as unknown as JsonValue
  }

  /** Away when its cluster went over, this node finds nobody of it any more: one of those it knew tells it. */
  async #seek(): Promise<void> {
    const { coordination, links, storage, toolbox } = this.#context
    const here = coordination()
    if (!here || this.#isMoving || here.knowledge().leader !== undefined) return
    const strangers = toolbox.counters.snapshot()[FOREIGN] ?? 0
    if (strangers === this.#strangers) return
    this.#strangers = strangers
    const known = await storage.readPeers()
    const peer = known[this.#sought++ % Math.max(1, known.length)]
    if (peer === undefined || links.get(peer.id)) return
    try {
      const limit = AbortSignal.any([this.#over.signal, toolbox.clock.timeout(VISIT_TIMEOUT_MS)])
      await visit(this.#context, peer.address, limit, async (host) => {
        if (host.id !== peer.id) return
        const asked = { op: 'moved', from: here.clusterId }
        const moves = (await host.ask(SUBJECT, asked, { signal: limit })) as unknown as readonly StoredMove[]
        const move = moves.find(({ from }) => from === here.clusterId)
        if (move) void this.#move(move, false)
      })
    } catch {
      // Not there, or it knows nothing of it: the next one, in a while.
      toolbox.counters.add('merge-nobody-told')
    }
  }
}

/** Whoever is gone may have left its address to somebody else. */
function isHere({ state }: { readonly state: string }): boolean {
  return state !== 'left' && state !== 'down'
}

function badAddress(address: unknown): ClusterError {
  const problem = `the address (${String(address)}) must be a text, HOST:PORT`
  return new ClusterError('ERR_BAD_OPTIONS', problem, { problems: [problem] })
}
