// Runs the user's S5 while this node hosts it, and only then. The consensus core says start and stop; here a start
// makes the subsystem and a stop aborts its signal before anything else. The lease is checked again at every read of
// the token and at every send, for a process that was stopped comes back in the middle of whatever it was doing.

import type { Payload } from '../channels/payload.ts'
import type { RequestOptions } from '../channels/requests.ts'
import { ClusterError } from '../errors.ts'
import type { Logger } from '../observability/logger.ts'
import type { Time } from '../runtime/clock.ts'
import { endsWithin } from '../wait.ts'
import type { S5, Subsystem, SubsystemFactory } from './subsystem.ts'

export interface S5HostOptions {
  readonly clock: Time
  /** The lease holds at this very moment, for this token. */
  readonly holds: (token: number) => boolean
  readonly command: (token: number, member: string, payload: Payload, options: RequestOptions) => Promise<Payload>
  readonly decide: (token: number, payload: Payload, options: RequestOptions) => Promise<number>
  readonly logger: Logger
}

interface Hosting {
  readonly token: number
  readonly abort: AbortController
  /** Undefined while no factory is registered, or when it made nothing. */
  subsystem: Promise<Subsystem | undefined> | undefined
  /** Requests under way. */
  readonly running: Set<Promise<unknown>>
  /** It takes no more of them. */
  isDraining: boolean
}

function hostingWith(token: number): Hosting {
  return { token, abort: new AbortController(), subsystem: undefined, running: new Set(), isDraining: false }
}

export class S5Host {
  readonly #options: S5HostOptions
  #factory: SubsystemFactory | undefined
  #hosting: Hosting | undefined
  readonly #stopping = new Set<Promise<void>>()

  constructor(options: S5HostOptions) {
    this.#options = options
  }

  /** The token this node hosts with; undefined when it does not host. */
  get token(): number | undefined {
    return this.#hosting?.token
  }

  register(factory: SubsystemFactory): Disposable {
    if (this.#factory) {
      const problem = 's5 has a factory on this node already; dispose that one first'
      throw new ClusterError('ERR_BAD_OPTIONS', problem, { problems: [problem] })
    }
    this.#factory = factory
    if (this.#hosting) this.#make(this.#hosting)
    return { [Symbol.dispose]: () => this.#unregister(factory) }
  }

  start(token: number): void {
    this.stop('replaced')
    this.#hosting = hostingWith(token)
    this.#make(this.#hosting)
  }

  /** Takes no more requests, whose callers ask the next host, lets those under way end, for `ms` at most, and stops. */
  async drain(ms: number, reason: string): Promise<void> {
    const hosting = this.#hosting
    if (!hosting) return
    hosting.isDraining = true
    const isInTime = await endsWithin(this.#options.clock, ms, Promise.allSettled(hosting.running))
    if (!isInTime) this.#options.logger.warn('s5 stops before it has answered all', { ms })
    if (this.#hosting === hosting) this.stop(reason)
  }

  /** Aborts the signal at once; the subsystem's own clean-up runs behind. */
  stop(reason: string): void {
    const hosting = this.#hosting
    if (!hosting) return
    this.#hosting = undefined
    this.#end(hosting, reason)
  }

  /**
   * Resolves when the clean-up of every stopped subsystem has ended, or after `ms`: nobody's clean-up holds up a node
   * for ever.
   */
  async stopped(ms: number): Promise<void> {
    const isInTime = await endsWithin(this.#options.clock, ms, Promise.allSettled(this.#stopping))
    if (!isInTime) this.#options.logger.error('s5 has not stopped in time', { ms })
  }

  /** Answers a request to S5. Rejects with `ERR_NOT_LEADER` when it does not run here: then it has not happened. */
  async request(payload: Payload, from: string): Promise<Payload> {
    const hosting = this.#hosting
    if (!hosting || hosting.isDraining || !this.#options.holds(hosting.token)) throw notHosted()
    const subsystem = await hosting.subsystem
    // The factory may have taken its time.
    if (hosting.isDraining || hosting.abort.signal.aborted || !this.#options.holds(hosting.token)) throw notHosted()
    if (!subsystem?.onRequest)
      throw new ClusterError('ERR_NO_HANDLER', 's5 answers no requests', { member: 's5', subject: 's5' })
    const answer = (async () => subsystem.onRequest?.(payload, from))()
    hosting.running.add(answer)
    try {
      return (await answer) as Payload
    } catch (error) {
      throw reached(error)
    } finally {
      hosting.running.delete(answer)
    }
  }

  #make(hosting: Hosting): void {
    const factory = this.#factory
    if (factory) hosting.subsystem = this.#made(factory, hosting)
  }

  async #made(factory: SubsystemFactory, hosting: Hosting): Promise<Subsystem | undefined> {
    try {
      return (await factory(this.#handle(hosting))) ?? undefined
    } catch (error) {
      this.#options.logger.error('the factory of s5 failed', { error })
      return undefined
    }
  }

  #unregister(factory: SubsystemFactory): void {
    if (this.#factory !== factory) return
    this.#factory = undefined
    const hosting = this.#hosting
    if (!hosting) return
    // The node still hosts s5, with the same token; only the user's part of it ends.
    this.#hosting = hostingWith(hosting.token)
    this.#end(hosting, 'the factory was disposed')
  }

  #end(hosting: Hosting, reason: string): void {
    hosting.abort.abort(
      new ClusterError('ERR_LEASE_LOST', `s5 stopped: ${reason}`, { lease: 's5', fencingToken: hosting.token }),
    )
    if (!hosting.subsystem) return
    const cleanUp = hosting.subsystem
      .then((subsystem) => subsystem?.[Symbol.asyncDispose]?.())
      .catch((error: unknown) => this.#options.logger.error('s5 failed while stopping', { error }))
      .finally(() => this.#stopping.delete(cleanUp))
    this.#stopping.add(cleanUp)
  }

  #handle(hosting: Hosting): S5 {
    const { holds, command, decide } = this.#options
    const held = (): number => {
      const { token, abort } = hosting
      if (!abort.signal.aborted && holds(token)) return token
      throw new ClusterError('ERR_LEASE_LOST', 'the lease of s5 is over', { lease: 's5', fencingToken: token })
    }
    return {
      get token() {
        return held()
      },
      signal: hosting.abort.signal,
      command: async (member, payload, options = {}) => command(held(), member, payload, options),
      decide: async (payload, options = {}) => decide(held(), payload, options),
    }
  }
}

function notHosted(): ClusterError {
  return new ClusterError('ERR_NOT_LEADER', 's5 is not hosted here', { leader: undefined })
}

/** The handler ran: whatever it failed with, its work may be done. */
function reached(error: unknown): unknown {
  if (!(error instanceof ClusterError) || error.mayHaveHappened) return error
  return new ClusterError(error.code, error.message, error.details, { cause: error, mayHaveHappened: true })
}
