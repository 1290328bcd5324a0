// `node.singletons`: whatever has to run in one place of the cluster, called by its name from anywhere.

import type { Payload, Sendable } from '../channels/payload.ts'
import type { RequestOptions } from '../channels/requests.ts'

/** Handed to the factory. */
export interface SingletonHandle {
  readonly name: string
  /**
   * Larger than that of every host before. Every read checks the lease at that moment and throws `ERR_LEASE_LOST` once
   * it is over. Hand it to every outside resource that is changed, and let the resource refuse smaller ones: see
   * `fence()`.
   */
  readonly token: number
  /**
   * Aborts when this host must stop: handed over, lease over, node stopping. In a hand-over once no call is under way
   * any more; the lease is held until the clean-up has ended.
   */
  readonly signal: AbortSignal
}

/** What a factory makes. Everything is optional. */
export interface HostedSingleton {
  /** Answers `singletons.call(name, …)` of any member. */
  onRequest?(payload: Payload, from: string): Sendable | Promise<Sendable>
  /**
   * Called once when the host stops, after `signal` has aborted; in a hand-over before anybody else begins. Waited for
   * up to 5 s, and up to 1 s by a node that stops.
   */
  [Symbol.asyncDispose]?(): PromiseLike<void> | Promise<void>
}

/** What a factory makes: a {@link HostedSingleton}, an object of any other class, or nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: a factory may simply return nothing.
type Made = HostedSingleton | object | undefined | void

/**
 * Makes the singleton each time this node becomes its host. When it fails, that is logged, and another member gets its
 * turn.
 */
export type SingletonFactory = (handle: SingletonHandle) => Made | Promise<Made>

/** Where a singleton runs. */
export interface SingletonHolder {
  /** Name of the member. */
  readonly member: string
  readonly token: number
}

export interface NodeSingletons {
  /**
   * Offers to host `name`, until the result is disposed. Of all members that offer, one hosts; a member that hosts two
   * more than another one could hands one over. A host that dies is followed when its lease (5 s) is over, one that
   * stops in order at once.
   */
  host(name: string, factory: SingletonFactory): AsyncDisposable
  /**
   * Asks the singleton, wherever it runs; waits for a host while there is none, so a hand-over loses no call.
   * `ERR_TIMEOUT` (default 5,000 ms), `ERR_NO_HANDLER`, `ERR_ABORTED`, or what the singleton throws. A request that may
   * have reached a host is never sent again.
   */
  call(name: string, payload: Sendable, options?: RequestOptions): Promise<Payload>
  /** Undefined: it runs nowhere. */
  holder(name: string, options?: RequestOptions): Promise<SingletonHolder | undefined>
}
