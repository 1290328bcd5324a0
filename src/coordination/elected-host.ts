// Who leads, and hosts S5, when an engine keeps what the cluster agrees on: the holder of one claim there. The claim's
// revision is the fencing token; its lease is kept like any other, so the host stops by its own clock before anybody
// else can hold it.
//
//   candidate ── first in the queue, lease renewed ──▶ host
//       ▲                                                 │
//       └─────────── lease lost, handed over ─────────────┘  last in the queue
//
// A hand-over stops S5 first; then, in one transaction, the successor is made the first.

import type { ClusterCommand, ClusterReply } from '../../consensus/index.ts'
import type { Payload } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import type { NodeContext } from '../node-part.ts'
import { pause, waitFor } from '../wait.ts'
import type { HeldLease } from './held-lease.ts'
import type { HostOrder } from './host-driver.ts'
import type { Knowledge } from './knowledge.ts'
import { DEFAULT_CALL_TIMEOUT_MS, noQuorum } from './leader-calls.ts'
import type { NodeLeadership, TransferRequest, TransferView } from './leadership.ts'
import type { Leases } from './leases.ts'
import { LEADER, type OpenEngine } from './store.ts'

/** Asks the host to hand over. */
const SUBJECT = 'trellis.leader.hand-over'
const RETRY_MS = 250
/** A member that is to lead may be on its way into the election. */
const STANDING_MS = 2_000
const STANDING_LOOK_MS = 25
/** S5 is not hosted while the first of the queue changes under a hand-over; past this it is given up. */
const HAND_OVER_MS = 2_000
const noHost = { host: undefined, phase: 'inactive', token: undefined } as const

export class ElectedHost implements NodeLeadership {
  readonly #context: NodeContext
  readonly #engine: () => OpenEngine
  readonly #leases: Leases
  readonly #leaseMs: number
  readonly #closing = new AbortController()
  #obey: (order: HostOrder) => unknown = () => {}
  #hosting: { readonly lease: HeldLease; readonly token: number; readonly end: AbortController } | undefined
  #running: Promise<void> | undefined

  constructor(context: NodeContext, engine: () => OpenEngine, leases: Leases, leaseMs: number) {
    this.#context = context
    this.#engine = engine
    this.#leases = leases
    this.#leaseMs = leaseMs
  }

  /** Tells `obey` when to start and stop S5 here. */
  serve(obey: (order: HostOrder) => unknown): void {
    this.#obey = obey
    this.#context.requests.handle(SUBJECT, ({ payload }) => this.#answer(payload))
  }

  /** This node is a member: it stands for election from now on. */
  begin(clusterId: string): void {
    this.#running ??= this.#run(clusterId)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  knowledge(): Knowledge {
    const engine = this.#engine()
    const { self } = this.#context
    const quorum = engine.isReached
    const holder = quorum ? engine.holder({ kind: 'singleton', name: LEADER }) : undefined
    const leader = holder && idOf(holder.value)
    const isHere = leader === self.id
    // Its own lease says it sooner than the news of it, and takes it back sooner.
    const isActive = isHere ? this.holds(holder?.token ?? 0) : leader !== undefined
    return {
      role: isHere ? 'leader' : 'follower',
      term: holder?.token ?? 0,
      leader,
      commitIndex: engine.revision,
      quorum,
      voters: [],
      learners: [],
      s5: isActive
        ? { host: leader, phase: 'active', token: holder?.token }
        : { ...noHost, phase: quorum ? 'activating' : 'inactive' },
    }
  }

  /** S5 may be used under `token` at this very moment. */
  holds(token: number): boolean {
    const hosting = this.#hosting
    return hosting?.token === token && hosting.lease.leftMs() > 0
  }

  get decision(): OpenEngine['decision'] {
    return this.#engine().decision
  }

  /** Decisions of S5, and nothing else: the rest is the members' own log's. */
  async propose(command: ClusterCommand, signal: AbortSignal): Promise<ClusterReply> {
    if (command.type !== 'decide') return { type: 'refused', reason: 'unknown-command' }
    return this.#engine().decide(command.token, command.payload, { signal })
  }

  async transfer({ to, signal, timeoutMs = DEFAULT_CALL_TIMEOUT_MS }: TransferRequest = {}): Promise<TransferView> {
    const { nameOf, route, requests, self, toolbox } = this.#context
    const { clock } = toolbox
    const begun = clock.now()
    const { leader, s5 } = this.knowledge()
    if (leader === undefined || s5.token === undefined) throw noQuorum([], false)
    const successor = to === undefined ? undefined : nameOf(route(to))
    const from = nameOf(leader)
    if (successor === from) return { from, to: from, durationMs: 0 }
    const asked = { to: successor ?? null }
    if (leader === self.id) await this.#answer(asked)
    else await requests.request(leader, SUBJECT, asked, { signal, timeoutMs })
    const { token } = s5
    const isOver = (): boolean => (this.knowledge().s5.token ?? 0) > token
    await waitFor('leader.transfer', isOver, {
      clock,
      signal,
      timeoutMs: Math.max(1, timeoutMs - (clock.now() - begun)),
    })
    return { from, to: nameOf(this.knowledge().leader ?? ''), durationMs: Math.round(clock.now() - begun) }
  }

  async replication(): Promise<never> {
    throw new ClusterError('ERR_UNSUPPORTED', 'the engine keeps the log, and shows it to nobody here', {
      feature: 'leadership.replication',
      engine: this.#context.options.coordination?.name ?? '',
    })
  }

  async #run(clusterId: string): Promise<void> {
    const { toolbox, fail } = this.#context
    const { signal } = this.#closing
    try {
      await this.#engine().enter(clusterId)
    } catch (error) {
      if (!signal.aborted) fail(error)
      return
    }
    while (!signal.aborted) {
      try {
        await this.#hostOnce(signal)
      } catch (error) {
        if (signal.aborted) return
        // A former life of this node may still hold the claim; etcd may be out of reach.
        const code = error instanceof ClusterError ? error.code : 'ERR_INTERNAL'
        toolbox.logger.debug('not in the election of the leader', { code })
        await pause(toolbox.clock, RETRY_MS, signal)
      }
    }
  }

  async #hostOnce(signal: AbortSignal): Promise<void> {
    const { self } = this.#context
    const value = JSON.stringify({ id: self.id })
    const request = {
      kind: 'singleton',
      name: LEADER,
      owner: self.name,
      leaseMs: this.#leaseMs,
      limit: 1,
      value,
    } as const
    const lease = await this.#leases.take(request, { waitMs: Number.POSITIVE_INFINITY, signal })
    const { token } = lease
    const end = new AbortController()
    this.#hosting = { lease, token, end }
    this.#obey({ type: 'start', token })
    const over = AbortSignal.any([lease.signal, signal, end.signal])
    // At once, whatever else waits: nothing may be done under a lease that is over.
    over.addEventListener('abort', () => this.#stop(token), { once: true })
    if (over.aborted) this.#stop(token)
    await new Promise<void>((resolve) => {
      over.addEventListener('abort', () => resolve(), { once: true })
      if (over.aborted) resolve()
    })
    if (!end.signal.aborted) await lease.end()
  }

  #stop(token: number): void {
    if (this.#hosting?.token !== token) return
    const { end } = this.#hosting
    this.#hosting = undefined
    const reason = this.#closing.signal.aborted || end.signal.aborted ? 'released' : 'lease-lapsed'
    this.#obey({ type: 'stop', token, reason })
  }

  /** This node hosts: S5 stops here, and whoever is wanted is the next. */
  async #answer(payload: Payload): Promise<Payload> {
    const { to } = (payload ?? {}) as { to?: unknown }
    const hosting = this.#hosting
    const { clock } = this.#context.toolbox
    if (!hosting) throw notHosted()
    const wanted = typeof to === 'string' ? to : undefined
    const deadline = clock.now() + HAND_OVER_MS
    let successor = await this.#standing(wanted)
    await this.#obey({ type: 'drain' })
    hosting.end.abort()
    try {
      // Whoever was just found can lose its place before it is made the first, and stands again at once.
      while (!(await this.#engine().handOver(LEADER, hosting.token, successor))) {
        if (hosting.lease.signal.aborted) throw notHosted()
        if (clock.now() >= deadline) throw badRequest('the queue has changed')
        await pause(clock, STANDING_LOOK_MS, this.#closing.signal)
        successor = await this.#standing(wanted)
      }
      return null
    } finally {
      // Given back in any case: what was handed over is gone already.
      await hosting.lease.end()
    }
  }

  /**
   * `wanted`, or whoever is next, once it stands for election: who has just led needs a moment to. `ERR_BAD_REQUEST`
   * when it does not.
   */
  async #standing(wanted: string | undefined): Promise<string> {
    const { clock } = this.#context.toolbox
    const deadline = clock.now() + STANDING_MS
    for (;;) {
      const { things } = await this.#engine().linearizable('leader.transfer', { type: 'claims', after: 0 }, {})
      const waiting = things.find(({ kind, name }) => kind === 'singleton' && name === LEADER)?.waiting ?? []
      const found = wanted === undefined ? waiting[0] : waiting.find((owner) => owner === wanted)
      if (found !== undefined) return found
      if (clock.now() >= deadline) {
        throw badRequest(`${wanted === undefined ? 'nobody else stands' : `'${wanted}' does not stand`} for election`)
      }
      await pause(clock, STANDING_LOOK_MS, this.#closing.signal)
    }
  }
}

const notHosted = (): ClusterError => new ClusterError('ERR_NOT_LEADER', 's5 is not hosted here', { leader: undefined })

const badRequest = (problem: string): ClusterError => new ClusterError('ERR_BAD_REQUEST', problem, { problem })

function idOf(value: string): string | undefined {
  try {
    const { id } = JSON.parse(value) as { id?: unknown }
    return typeof id === 'string' ? id : undefined
  } catch {
    return undefined
  }
}
