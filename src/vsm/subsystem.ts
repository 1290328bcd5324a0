// What users host and what they are given. S5, the policy subsystem of the Viable System Model (Beer, "Brain of the
// Firm"), is a singleton: it runs where the leader is, at most one counts, and its fencing token says which.
// `s1/<unit>` is what one unit does: a singleton, too, wherever one of those that offer it is.

import type { Payload, Sendable } from '../channels/payload.ts'
import type { RequestOptions } from '../channels/requests.ts'
import type { SingletonHandle } from '../coordination/singleton-interface.ts'

/** Handed to the factory of S5; valid until `signal` aborts. */
export interface S5 {
  /**
   * The log index of the entry that activated this host. Every read checks the lease at that moment and throws
   * `ERR_LEASE_LOST` once it is over. Hand it to every outside resource that S5 changes, and let the resource refuse
   * smaller ones.
   */
  readonly token: number
  /** Aborts when this host must stop: lease over, leadership lost, node stopping. */
  readonly signal: AbortSignal
  /**
   * Commands a member (name or id); its `vsm.onCommand` handler answers. Throws `ERR_LEASE_LOST` when the lease is
   * over, `ERR_STALE_TOKEN` when the member has seen a larger token, `ERR_UNKNOWN_MEMBER`, `ERR_MEMBER_DOWN`,
   * `ERR_NO_ROUTE`, `ERR_NO_HANDLER`, `ERR_HANDLER_FAILED`, `ERR_TIMEOUT`.
   */
  command(member: string, payload: Sendable, options?: RequestOptions): Promise<Payload>
  /**
   * Writes a decision into the log and resolves to its index once a majority has it on disk. The newest one is
   * {@link Vsm.decision}, on this host's successor too. At most 64 KiB. `ERR_LEASE_LOST`, `ERR_STALE_TOKEN`,
   * `ERR_NOT_LEADER`, `ERR_TIMEOUT`.
   */
  decide(payload: Sendable, options?: RequestOptions): Promise<number>
}

/** What a factory may return. Everything is optional. */
export interface Subsystem {
  /**
   * Answers `vsm.call('s5', …)` of any member. Those under way when the host hands over or stops have 500 ms to end
   * under its token.
   */
  onRequest?(payload: Payload, from: string): Sendable | Promise<Sendable>
  /**
   * Called once when the host stops, after `signal` has aborted. A stopping node waits for it up to 5 s, a hand-over up
   * to 250 ms.
   */
  [Symbol.asyncDispose]?(): PromiseLike<void> | Promise<void>
}

/** What a factory makes: a {@link Subsystem}, an object of any other class, or nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: a factory may simply return nothing.
type Made = Subsystem | object | undefined | void

/**
 * Makes the subsystem each time this node becomes its host. An error stops nothing: it is logged, and S5 stays active
 * without it.
 */
export type SubsystemFactory = (s5: S5) => Made | Promise<Made>

/** An operational subsystem: `s1/` and a name of 1 to 125 bytes. */
export type UnitName = `s1/${string}`

/** Makes the unit each time this node becomes its host. When it fails, another member gets its turn. */
export type UnitFactory = (unit: SingletonHandle) => Made | Promise<Made>

/** A command of S5, as a member receives it. */
export interface S5Command {
  /** Name of the host that sent it. */
  readonly from: string
  /** Its fencing token: already checked, and durable here as the smallest that is accepted from now on. */
  readonly token: number
  readonly payload: Payload
}

/** `node.vsm`. Subsystems other than `s5` and `s1/<unit>` come with a later release. */
export interface Vsm {
  /**
   * Runs `factory` whenever this node hosts S5, until the result is disposed; at once if it does now. `ERR_BAD_OPTIONS`
   * for another name, or when there is a factory already.
   */
  host(name: 's5', factory: SubsystemFactory): Disposable
  /**
   * Offers to host the unit, until the result is disposed: of all members that offer it one does, as
   * `node.singletons.host` says. Of `[Symbol.asyncDispose]` the hand-over is awaited. Where it runs says
   * `node.singletons.holder`.
   */
  host(name: UnitName, factory: UnitFactory): Disposable & AsyncDisposable
  /** Takes the commands that S5 sends to this member, until disposed. Without it they fail with `ERR_NO_HANDLER`. */
  onCommand(handler: (command: S5Command) => Sendable | Promise<Sendable>): Disposable
  /**
   * Asks S5, or a unit, wherever it runs; waits for a host while there is none. `ERR_TIMEOUT` (default 5,000 ms),
   * `ERR_NO_HANDLER` when the host has no `onRequest`, `ERR_BAD_OPTIONS`, `ERR_ABORTED`. A request that may have
   * reached a host is never sent again.
   */
  call(name: 's5' | UnitName, payload: Sendable, options?: RequestOptions): Promise<Payload>
  /** The last decision this node knows to be committed. Undefined before the first, and on members that hold no log. */
  readonly decision: { readonly index: number; readonly payload: Payload } | undefined
}
