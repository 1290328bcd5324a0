// `node.vsm`: hosts S5 while the consensus core says so, sends and takes its fenced commands, and finds it for whoever
// asks, wherever it runs. Units (`s1/<unit>`) are singletons: see `units.ts`.

import type { ClusterReply } from '../../consensus/index.ts'
import { checkFunction } from '../call-options.ts'
import { encodePayload, type Payload, type Sendable } from '../channels/payload.ts'
import type { IncomingRequest, RequestOptions, Requests } from '../channels/requests.ts'
import type { Coordination } from '../coordination/coordination.ts'
import type { HostOrder } from '../coordination/host-driver.ts'
import type { NodeSingletons } from '../coordination/singleton-interface.ts'
import { ClusterError, isClusterError } from '../errors.ts'
import type { Logger } from '../observability/logger.ts'
import { traced } from '../observability/tracing.ts'
import { MAX_DELAY_MS, type Time } from '../runtime/clock.ts'
import type { NodeStorage } from '../storage/node-storage.ts'
import { beginWait, nodeStopping, pause } from '../wait.ts'
import { Fence } from './fence.ts'
import { decodeCommand, decodeDecision, encodeCommand, encodeDecision } from './fenced.ts'
import { S5Host } from './s5-host.ts'
import type { S5Command, SubsystemFactory, UnitFactory, UnitName, Vsm } from './subsystem.ts'
import { checkedSubsystem, hostUnit } from './units.ts'

export interface LocalVsmOptions {
  readonly clock: Time
  /** Who hosts, and what S5 has decided. */
  readonly coordination: () => Pick<Coordination, 'knowledge' | 'holds' | 'propose' | 'decision'> | undefined
  /** Lets an absence that has just ended, and that nobody has noticed yet, take its effect. */
  readonly checkClocks: () => void
  readonly requests: Requests
  /** Units are some of them. */
  readonly singletons: () => NodeSingletons
  readonly storage: NodeStorage
  readonly logger: Logger
  readonly nameOf: (id: string) => string
  /** Resolves a member's name or id to the id to send to; throws what is wrong with it. */
  readonly route: (member: string) => string
  /** A token could not be made durable. */
  readonly onDiskFailure: (error: unknown) => void
}

const COMMAND_SUBJECT = 'trellis.s5.command'
const REQUEST_SUBJECT = 'trellis.s5.request'
const DEFAULT_TIMEOUT_MS = 5_000
/** Between two looks for a host while there is none. */
const LOOK_AGAIN_MS = 25
/** How long a stopping node waits for the clean-up of its S5: half of what `stop` takes by default. */
const CLEAN_UP_TIMEOUT_MS = 5_000
/**
 * How long a hand-over waits for what S5 has begun, and for its clean-up: together less than what a stopping node has
 * for all of it.
 */
const DRAIN_TIMEOUT_MS = 500
const HANDOVER_CLEAN_UP_MS = 250

export class LocalVsm implements Vsm {
  readonly #options: LocalVsmOptions
  readonly #fence: Fence
  readonly #host: S5Host
  #isClosed = false
  #onCommand: ((command: S5Command) => Sendable | Promise<Sendable>) | undefined

  private constructor(options: LocalVsmOptions, fence: Fence) {
    const { clock, coordination, logger, requests } = options
    this.#options = options
    this.#fence = fence
    this.#host = new S5Host({
      clock,
      logger,
      holds: (token) => {
        options.checkClocks()
        return coordination()?.holds(token) ?? false
      },
      command: (token, member, payload, sending) => {
        const attributes = { 'trellis.member': member, 'trellis.s5.fencing_token': token }
        return traced('trellis.s5.command', { attributes }, () => this.#command(token, member, payload, sending))
      },
      decide: (token, payload, sending) => {
        const attributes = { 'trellis.s5.fencing_token': token }
        return traced('trellis.s5.decide', { attributes }, () => this.#decide(token, payload, sending))
      },
    })
    requests.handle(COMMAND_SUBJECT, (request) => this.#take(request))
    requests.handle(REQUEST_SUBJECT, ({ from, payload }) => this.#host.request(payload, options.nameOf(from)))
  }

  static async open(options: LocalVsmOptions): Promise<LocalVsm> {
    return new LocalVsm(options, await Fence.open(options.storage, 's5'))
  }

  host(name: 's5', factory: SubsystemFactory): Disposable
  host(name: UnitName, factory: UnitFactory): Disposable & AsyncDisposable
  host(name: 's5' | UnitName, factory: SubsystemFactory | UnitFactory): Disposable {
    checkedSubsystem(name)
    checkFunction('the factory of a subsystem', factory)
    this.#checkOpen()
    if (name !== 's5') return hostUnit(this.#options.singletons(), name, factory as UnitFactory)
    return this.#host.register(factory as SubsystemFactory)
  }

  onCommand(handler: (command: S5Command) => Sendable | Promise<Sendable>): Disposable {
    checkFunction('the handler of commands', handler)
    this.#checkOpen()
    this.#onCommand = handler
    return {
      [Symbol.dispose]: () => {
        if (this.#onCommand === handler) this.#onCommand = undefined
      },
    }
  }

  async call(name: 's5' | UnitName, payload: Payload, options: RequestOptions = {}): Promise<Payload> {
    checkedSubsystem(name)
    if (name !== 's5') return this.#options.singletons().call(name, payload, options)
    return traced('trellis.s5.call', {}, () => this.#call(payload, options))
  }

  get decision(): { readonly index: number; readonly payload: Payload } | undefined {
    const decision = this.#options.coordination()?.decision
    return decision && { index: decision.index, payload: decodeDecision(decision.payload) }
  }

  /** The consensus core says start or stop; whoever hands over says drain, and waits for it. */
  obey(order: HostOrder): Promise<void> | undefined {
    const { logger } = this.#options
    switch (order.type) {
      case 'start':
        logger.info('hosting s5', { token: order.token })
        this.#host.start(order.token)
        return undefined
      case 'stop':
        logger.info('no longer hosting s5', { token: order.token, reason: order.reason })
        this.#host.stop(order.reason)
        return undefined
      case 'drain':
        return this.#drain()
    }
  }

  /** Whoever learns that a larger token is active refuses smaller ones from then on (design rule 5). */
  observe(): void {
    const token = this.#options.coordination()?.knowledge().s5.token ?? 0
    if (token <= this.#fence.highest) return
    this.#fence.observe(token)
    this.#options.storage.raiseFencing('s5', token).catch(this.#options.onDiskFailure)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#host.drain(DRAIN_TIMEOUT_MS, 'the node is stopping')
    await this.#host.stopped(CLEAN_UP_TIMEOUT_MS)
  }

  async #drain(): Promise<void> {
    await this.#host.drain(DRAIN_TIMEOUT_MS, 'it is handed over')
    await this.#host.stopped(HANDOVER_CLEAN_UP_MS)
  }

  #checkOpen(): void {
    if (this.#isClosed) throw nodeStopping()
  }

  async #call(payload: Payload, options: RequestOptions): Promise<Payload> {
    beginWait('vsm.call', options)
    // What cannot be sent need not wait for a host.
    encodePayload(payload)
    const { requests, coordination } = this.#options
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const deadline = this.#options.clock.now() + timeoutMs
    for (let left = timeoutMs; left > 0; left = deadline - this.#options.clock.now()) {
      this.#checkOpen()
      const { host } = coordination()?.knowledge().s5 ?? {}
      if (host !== undefined) {
        const answer = await attempt(() =>
          requests.request(host, REQUEST_SUBJECT, payload, { ...options, timeoutMs: left }),
        )
        if (answer.type === 'answered') return answer.payload
      }
      await pause(this.#options.clock, Math.min(LOOK_AGAIN_MS, left), options.signal)
      if (options.signal?.aborted)
        throw new ClusterError('ERR_ABORTED', "'vsm.call' was aborted", { operation: 'vsm.call' })
    }
    throw new ClusterError('ERR_TIMEOUT', `s5 had no host within ${timeoutMs} ms`, { operation: 'vsm.call', timeoutMs })
  }

  async #take({ from, payload }: IncomingRequest): Promise<Payload> {
    if (!(payload instanceof Uint8Array)) throw new TypeError('a command of s5 is bytes')
    const command = decodeCommand(payload)
    await this.#passFence(command.token)
    const handler = this.#onCommand
    if (handler) return handler({ from: this.#options.nameOf(from), ...command })
    const details = { member: this.#options.nameOf(this.#options.storage.id), subject: 's5 command' }
    throw new ClusterError('ERR_NO_HANDLER', `${details.member} takes no commands of s5`, details)
  }

  async #passFence(token: number): Promise<void> {
    try {
      await this.#fence.pass(token)
    } catch (error) {
      // A member that cannot keep tokens could accept a stale one in its next life.
      if (isClusterError(error, 'ERR_DISK')) this.#options.onDiskFailure(error)
      throw error
    }
  }

  async #command(token: number, member: string, payload: Payload, options: RequestOptions): Promise<Payload> {
    beginWait('s5.command', options)
    return this.#options.requests.request(
      this.#options.route(member),
      COMMAND_SUBJECT,
      encodeCommand(token, payload),
      options,
    )
  }

  async #decide(token: number, payload: Payload, options: RequestOptions): Promise<number> {
    beginWait('s5.decide', options)
    const coordination = this.#options.coordination()
    if (!coordination)
      throw new ClusterError('ERR_LEASE_LOST', 'this node is in no cluster', { lease: 's5', fencingToken: token })
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const limited = limit(this.#options.clock, 's5.decide', timeoutMs, options.signal)
    try {
      const command = { type: 'decide', singleton: 's5', token, payload: encodeDecision(payload) } as const
      return decided(await coordination.propose(command, limited.signal), token)
    } finally {
      limited[Symbol.dispose]()
    }
  }
}

function decided(reply: ClusterReply, token: number): number {
  switch (reply.type) {
    case 'ok':
      return reply.index
    case 'stale-token':
      throw new ClusterError('ERR_STALE_TOKEN', `fencing token ${token} is stale: ${reply.current} is active`, {
        token,
        current: reply.current,
      })
    case 'not-activated':
      throw new ClusterError('ERR_LEASE_LOST', 's5 is not active any more', { lease: 's5', fencingToken: token })
    default:
      throw new ClusterError('ERR_BAD_REQUEST', `the log refuses the decision: ${reply.type}`, { problem: reply.type })
  }
}

/** A request that found no host, or one that had just stopped, did not happen: it may be sent again. */
async function attempt(
  send: () => Promise<Payload>,
): Promise<{ type: 'answered'; payload: Payload } | { type: 'not-there' }> {
  try {
    return { type: 'answered', payload: await send() }
  } catch (error) {
    const isAbsent = isClusterError(error, 'ERR_NOT_LEADER') || isClusterError(error, 'ERR_NO_ROUTE')
    if (isAbsent && !error.mayHaveHappened) return { type: 'not-there' }
    throw error
  }
}

/** A signal with a deadline whose reasons are cluster errors. What it stops may have happened. */
function limit(
  clock: Time,
  operation: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): { signal: AbortSignal } & Disposable {
  const limited = new AbortController()
  const may = { mayHaveHappened: true }
  const onAbort = (): void =>
    limited.abort(new ClusterError('ERR_ABORTED', `'${operation}' was aborted`, { operation }, may))
  const message = `'${operation}' was not done within ${timeoutMs} ms`
  const timer = clock.setTimeout(
    () => limited.abort(new ClusterError('ERR_TIMEOUT', message, { operation, timeoutMs }, may)),
    Math.min(timeoutMs, MAX_DELAY_MS),
  )
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  return {
    signal: limited.signal,
    [Symbol.dispose]: () => {
      timer?.[Symbol.dispose]()
      signal?.removeEventListener('abort', onAbort)
    },
  }
}
