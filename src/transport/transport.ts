// A transport moves bytes between two nodes whose identities it has proven. It knows no frames, no cluster and no
// secret: those are `wire/` and above. Every sentence of these comments is a case in `testing/compliance/transport.ts`.

import type { OpenTopics } from './open-topics.ts'

/** What a connection tells its owner. Called on the event loop, never before {@link Connection.start} returned. */
export interface ConnectionHandler {
  /** Bytes as they came, in order, cut anywhere. The array is the handler's: nobody writes into it again. */
  data(bytes: Uint8Array): void
  /** The queue fell below the low-water mark after `write` had answered `false`. */
  drain(): void
  /** Exactly once, last. `error` is undefined when the other end closed in order. */
  close(error: Error | undefined): void
}

/** One authenticated, encrypted, ordered stream of bytes between two nodes. */
export interface Connection {
  /** The id that the other end proved to own. */
  readonly peer: string
  /** `dialer` opened it. Exactly one end is. */
  readonly side: 'dialer' | 'acceptor'
  /** `host:port` of the other end as this one sees it, for logs and limits. */
  readonly remoteAddress: string
  /**
   * 32 bytes that both ends of this connection have and no other connection ever has (TLS exporter, RFC 8446 section
   * 7.5).
   */
  readonly binding: Uint8Array
  /** Hands over what comes from now on; bytes that came before are kept (bounded) and delivered first. Called once. */
  start(handler: ConnectionHandler): void
  /**
   * Queues bytes; the array must not be changed before `onWritten`. `false`: more than the high-water mark is queued,
   * wait for `drain`. After `close` it does nothing and answers `false`. `onWritten` is called on a later turn, in the
   * order of the writes, when the bytes are the kernel's; it need not be when the connection ends first.
   */
  write(bytes: Uint8Array, onWritten?: () => void): boolean
  /**
   * Gives what is queued to the kernel now, as far as it takes it, not when this turn ends. Absent: nothing waits for
   * the end of a turn.
   */
  flush?(): void
  /** Bytes queued and not yet given to the kernel. */
  readonly queuedBytes: number
  /**
   * The memory of what it hands on is the handler's too, who may free a buffer that holds nothing else but at most so
   * many bytes in front. Undefined: others may look at it.
   */
  readonly handsOverMemory?: number | undefined
  /**
   * The upper layer has checked the peer: the connection leaves the table of half-open ones. Does nothing on a dialed
   * one.
   */
  admit(): void
  /** Sends what is queued (for a bounded time), then closes. Idempotent. */
  close(): Promise<void>
  /** Closes at once and drops what is queued. */
  destroy(): void
}

/** What a knock on an address shows. `silent`: neither yes nor no within the time, so no evidence of anything. */
export type Reachability = 'accepts' | 'refuses' | 'silent'

export interface Transport {
  /** The id this transport proves to others. */
  readonly id: string
  /** Topics that it carries beyond the cluster; absent: none. */
  readonly openTopics?: OpenTopics | undefined
  /**
   * Accepts connections at `host:port` (port 0: any) and resolves to the address that was bound. `onConnection` gets
   * each one once its identity is proven. Not admitted within `handshakeTimeoutMs`, or past `maxHandshakeBytes` before
   * its identity is proven, it is closed; at most `maxHalfOpenPerAddress` per remote address are half open, and past
   * that the oldest one goes, never the newcomer. Rejects with `ERR_ADDRESS_IN_USE` when the port is taken.
   */
  listen(address: string, onConnection: (connection: Connection) => void): Promise<string>
  /**
   * Connects and proves both identities. Rejects when refused, silent past the handshake time, or aborted by `signal`.
   */
  dial(address: string, signal: AbortSignal): Promise<Connection>
  /** Knocks without identifying: does anything accept at `address`? Never rejects but on `signal`. */
  reach(address: string, signal: AbortSignal): Promise<Reachability>
  /** Stops listening and destroys every connection. Idempotent; afterwards no handle is left. */
  close(): Promise<void>
}
