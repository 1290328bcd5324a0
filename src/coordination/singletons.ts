// `node.singletons` at work. A host holds a claim of the log, and with it a lease and a token; whoever also offers
// waits in the queue. A hand-over goes in this order, so that no call is lost and no two hosts overlap:
//
//   no more calls are taken (they wait at their callers) -> those under way end -> its signal aborts
//   -> the singleton is disposed -> the claim is ended -> the next one begins

import { checkFunction } from '../call-options.ts'
import { encodePayload, type Payload } from '../channels/payload.ts'
import type { IncomingRequest, RequestOptions, Requests } from '../channels/requests.ts'
import { ClusterError, isClusterError } from '../errors.ts'
import type { Logger } from '../observability/logger.ts'
import type { Time } from '../runtime/clock.ts'
import { beginWait, endsWithin, nodeStopping, pause, rejectedBy } from '../wait.ts'
import type { HeldLease } from './held-lease.ts'
import { checkedName, type Leases } from './leases.ts'
import type { HostedSingleton, NodeSingletons, SingletonFactory, SingletonHolder } from './singleton-interface.ts'
import type { Questions } from './store.ts'

export interface SingletonsOptions {
  readonly clock: Time
  readonly leases: Leases
  readonly reads: Questions
  readonly requests: () => Requests
  readonly logger: Logger
  readonly nodeName: string
  readonly nameOf: (id: string) => string
  /** The id of a member by its name. Throws what is wrong with it. */
  readonly route: (name: string) => string
  readonly stopping: AbortSignal
}

const SUBJECT = 'trellis.singleton.'
const LEASE_MS = 5_000
const DEFAULT_TIMEOUT_MS = 5_000
/** Between two looks for a host while there is none. */
const LOOK_AGAIN_MS = 25
/** Between two looks whether others host fewer. */
const BALANCE_MS = 1_000
/** After a try to host that failed. */
const RETRY_MS = 500
/** Calls under way, and the clean-up, may take so long in a hand-over. */
const DRAIN_MS = 5_000

interface Hosting {
  readonly lease: HeldLease
  readonly singleton: HostedSingleton | undefined
  isDraining: boolean
  readonly running: Set<Promise<unknown>>
}

export class LocalSingletons implements NodeSingletons {
  readonly #options: SingletonsOptions
  readonly #offers = new Map<string, Offer>()
  #isClosed = false

  constructor(options: SingletonsOptions) {
    this.#options = options
  }

  host(name: string, factory: SingletonFactory): AsyncDisposable {
    checkedName(name)
    checkFunction('the factory of a singleton', factory)
    this.#checkOpen()
    if (this.#offers.has(name)) {
      const problem = `this node offers to host '${name}' already; dispose that first`
      throw new ClusterError('ERR_BAD_OPTIONS', problem, { problems: [problem] })
    }
    const offer = new Offer(name, factory, this.#options)
    this.#offers.set(name, offer)
    return {
      [Symbol.asyncDispose]: async () => {
        await offer.close()
        if (this.#offers.get(name) === offer) this.#offers.delete(name)
      },
    }
  }

  async call(name: string, payload: Payload, options: RequestOptions = {}): Promise<Payload> {
    const { requests, route } = this.#options
    const subject = SUBJECT + checkedName(name)
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = beginWait('singletons.call', options)
    // What cannot be sent need not wait for a host.
    encodePayload(payload)
    const deadline = this.#options.clock.now() + timeoutMs
    for (let left = timeoutMs; left > 0; left = deadline - this.#options.clock.now()) {
      this.#checkOpen()
      if (signal?.aborted)
        throw new ClusterError('ERR_ABORTED', `'${name}' was not asked any more`, { operation: 'singletons.call' })
      try {
        const holder = await this.holder(name, { signal, timeoutMs: left })
        if (holder) return await requests().request(route(holder.member), subject, payload, { signal, timeoutMs: left })
      } catch (error) {
        if (!isAbsence(error)) throw error
      }
      await pause(this.#options.clock, Math.min(LOOK_AGAIN_MS, left), signal)
    }
    const details = { operation: 'singletons.call', timeoutMs }
    throw new ClusterError('ERR_TIMEOUT', `'${name}' had no host within ${timeoutMs} ms`, details)
  }

  async holder(name: string, options: RequestOptions = {}): Promise<SingletonHolder | undefined> {
    const query = { type: 'holder', kind: 'singleton', name: checkedName(name), known: -1 } as const
    beginWait('singletons.holder', options)
    this.#checkOpen()
    // From the nearest copy: whoever is asked in vain says so, and the next look is fresher.
    const { holder } = (await this.#options.reads.stale(query, options)).answer
    return holder ? { member: holder.owner, token: holder.token } : undefined
  }

  #checkOpen(): void {
    if (this.#isClosed) throw nodeStopping()
  }

  /** Hands over all that is hosted here. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#offers.values()].map((offer) => offer.close()))
  }
}

/** One name that this node offers to host. */
class Offer {
  readonly #name: string
  readonly #factory: SingletonFactory
  readonly #options: SingletonsOptions
  readonly #closing = new AbortController()
  readonly #handler: Disposable
  readonly #over: Promise<void>
  #hosting: Hosting | undefined

  constructor(name: string, factory: SingletonFactory, options: SingletonsOptions) {
    this.#name = name
    this.#factory = factory
    this.#options = options
    this.#handler = options.requests().handle(SUBJECT + name, (request) => this.#answer(request))
    this.#over = this.#run()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#over
    this.#handler[Symbol.dispose]()
  }

  async #run(): Promise<void> {
    const signal = AbortSignal.any([this.#closing.signal, this.#options.stopping])
    while (!signal.aborted) {
      try {
        await this.#hostOnce(signal)
      } catch (error) {
        if (signal.aborted) return
        const code = error instanceof ClusterError ? error.code : 'ERR_INTERNAL'
        this.#options.logger.debug('a singleton is not hosted here', { name: this.#name, code })
        await pause(this.#options.clock, RETRY_MS, signal)
      }
    }
  }

  async #hostOnce(signal: AbortSignal): Promise<void> {
    const { leases, nodeName, logger } = this.#options
    const request = {
      kind: 'singleton',
      name: this.#name,
      owner: nodeName,
      leaseMs: LEASE_MS,
      limit: 1,
      value: '',
    } as const
    const lease = await leases.take(request, { waitMs: Number.POSITIVE_INFINITY, signal })
    const { token } = lease
    logger.info('hosting a singleton', { name: this.#name, token })
    const handingOver = new AbortController()
    const over = AbortSignal.any([lease.signal, signal])
    const made = this.#made(lease, AbortSignal.any([lease.signal, handingOver.signal]))
    try {
      // A factory that takes its time holds up no hand-over: it is told, and what it makes then is disposed.
      const singleton = await Promise.race([made, rejectedBy(over)])
      this.#hosting = { lease, singleton, isDraining: false, running: new Set() }
      await this.#untilOver(over)
    } finally {
      await this.#handOver(lease, token, made, handingOver)
      logger.info('no longer hosting a singleton', { name: this.#name })
    }
  }

  async #made(lease: HeldLease, signal: AbortSignal): Promise<HostedSingleton | undefined> {
    const name = this.#name
    try {
      const made = await this.#factory({
        name,
        get token() {
          return lease.token
        },
        signal,
      })
      return (made ?? undefined) as HostedSingleton | undefined
    } catch (error) {
      // Who was told to stop may say so.
      if (!signal.aborted) this.#options.logger.error('the factory of a singleton failed', { name, error })
      throw error
    }
  }

  /** Resolves when the lease is lost, the offer ends, or somebody else hosts too little. */
  async #untilOver(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await pause(this.#options.clock, BALANCE_MS, over)
      if (!over.aborted && (await this.#isTooMuch())) return
    }
  }

  /** This node hosts two more singletons than somebody who waits for this one. */
  async #isTooMuch(): Promise<boolean> {
    const { reads, nodeName } = this.#options
    const found = await reads.stale({ type: 'claims', after: 0 }, {}).catch(() => undefined)
    const singletons = (found?.answer.things ?? []).filter(({ kind }) => kind === 'singleton')
    const loadOf = (member: string): number => singletons.filter(({ holders }) => holders[0]?.owner === member).length
    const waiting = singletons.find(({ name }) => name === this.#name)?.waiting ?? []
    // All of them are looked at in the same moment: only as many as make up half of the difference may go, the first by
    // name.
    const rankFor = (member: string): number =>
      singletons.filter(
        (it) => it.holders[0]?.owner === nodeName && it.name < this.#name && it.waiting.includes(member),
      ).length
    return waiting.some((member) => rankFor(member) < Math.floor((loadOf(nodeName) - loadOf(member)) / 2))
  }

  async #handOver(
    lease: HeldLease,
    token: number,
    made: Promise<HostedSingleton | undefined>,
    handingOver: AbortController,
  ): Promise<void> {
    const hosting = this.#hosting
    if (hosting) {
      hosting.isDraining = true
      await this.#inTime(Promise.allSettled(hosting.running))
      this.#hosting = undefined
    }
    handingOver.abort(handedOver(this.#name, token))
    // One whose factory failed has nothing to clean up.
    const singleton = made.catch(() => undefined)
    await this.#inTime(singleton.then((it) => it?.[Symbol.asyncDispose]?.()))
    await lease.end()
  }

  /** A node that has no more time does not wait. */
  async #inTime(work: Promise<unknown>): Promise<void> {
    const { clock, logger, stopping } = this.#options
    const ended = work.catch((error: unknown) =>
      logger.error('a singleton failed while it stopped', { name: this.#name, error }),
    )
    await endsWithin(clock, DRAIN_MS, ended, stopping)
  }

  async #answer({ from, payload }: IncomingRequest): Promise<Payload> {
    const hosting = this.#hosting
    if (!hosting || hosting.isDraining || hosting.lease.leftMs() <= 0) throw notHosted(this.#name)
    const { singleton, running } = hosting
    if (!singleton?.onRequest) {
      const details = { member: this.#options.nodeName, subject: this.#name }
      throw new ClusterError('ERR_NO_HANDLER', `'${this.#name}' answers no requests`, details)
    }
    const answering = Promise.resolve(singleton.onRequest(payload, this.#options.nameOf(from)))
    running.add(answering)
    try {
      return await answering
    } catch (error) {
      throw reached(error)
    } finally {
      running.delete(answering)
    }
  }
}

/** Nothing has happened: the host was not there, or not any more. */
function isAbsence(error: unknown): boolean {
  const codes = ['ERR_NOT_LEADER', 'ERR_NO_ROUTE', 'ERR_UNKNOWN_MEMBER', 'ERR_MEMBER_DOWN', 'ERR_NO_QUORUM'] as const
  const isGone = codes.some((code) => isClusterError(error, code)) || isClusterError(error, 'ERR_NO_HANDLER')
  // The singleton itself may have no handler: then waiting does not help.
  const isItsOwn = isClusterError(error, 'ERR_NO_HANDLER') && !error.details.subject.startsWith(SUBJECT)
  return isGone && !isItsOwn && !(error as ClusterError).mayHaveHappened
}

function handedOver(name: string, token: number): ClusterError {
  const details = { lease: name, fencingToken: token }
  return new ClusterError('ERR_LEASE_LOST', `the singleton '${name}' is handed over`, details)
}

function notHosted(name: string): ClusterError {
  return new ClusterError('ERR_NOT_LEADER', `'${name}' is not hosted here`, { leader: undefined })
}

/** The handler ran: whatever it failed with, its work may be done. */
function reached(error: unknown): unknown {
  if (!(error instanceof ClusterError) || error.mayHaveHappened) return error
  return new ClusterError(error.code, error.message, error.details, { cause: error, mayHaveHappened: true })
}
