// Who may connect, asked by libp2p for each connection before a byte of it is read: everybody, within the bounds of the
// table of half-open connections. Whether a peer is a member is decided above, by the cluster secret.

import type { ConnectionGater, Connection as Libp2pConnection, MultiaddrConnection } from '@libp2p/interface'
import { streamAddress } from '../../network-address.ts'
import { type HalfOpen, type HalfOpenLimits, HalfOpenTable, type RefusedReason } from '../half-open.ts'
import { shownAddress } from './addresses.ts'
import { boundReads } from './bounded-reads.ts'
import { joinWrites } from './joined-writes.ts'

export interface AdmissionOptions {
  readonly limits: HalfOpenLimits
  readonly onRefused: (reason: RefusedReason, remoteAddress: string) => void
}

/** Where the bytes of a raw connection come in: the class has it, the interface does not show it. */
interface Incoming {
  onData?(data: { readonly byteLength: number }): void
}

export class Admission {
  readonly #options: AdmissionOptions
  readonly #table: HalfOpenTable
  /** By the timeline, the one object that a raw connection and the one made of it have in common. */
  readonly #entries = new WeakMap<object, HalfOpen>()

  readonly gater: ConnectionGater = {
    denyInboundConnection: (raw) => {
      this.#meet(raw)
      return false
    },
    denyInboundUpgradedConnection: (_peer, raw) => {
      const entry = this.#entries.get(raw.timeline)
      if (entry !== undefined) entry.isProven = true
      // Nobody else is shown the raw connection.
      joinWrites(raw)
      boundReads(raw)
      return false
    },
    denyOutboundUpgradedConnection: (_peer, raw) => {
      joinWrites(raw)
      boundReads(raw)
      return false
    },
  }

  constructor(options: AdmissionOptions) {
    this.#options = options
    this.#table = new HalfOpenTable(options.limits)
  }

  /** Connections that are accepted and not yet admitted. */
  get size(): number {
    return this.#table.size
  }

  /** No stranger any more. */
  admit({ timeline }: Libp2pConnection): void {
    const entry = this.#entries.get(timeline)
    if (entry !== undefined) this.#table.remove(entry)
  }

  #meet(raw: MultiaddrConnection): void {
    const address = shownAddress(raw.remoteAddr.toString())
    let bytes = 0
    const entry: HalfOpen = {
      remoteAddress: streamAddress(address)?.host ?? address,
      isProven: false,
      bytesRead: () => bytes,
      refuse: (reason) => {
        if (!entry.isProven) this.#options.onRefused(reason, address)
        raw.abort(new Error(`not admitted: ${reason}`))
      },
    }
    const incoming = raw as Incoming
    const receive = incoming.onData?.bind(raw)
    if (receive !== undefined) {
      incoming.onData = (data) => {
        bytes += data.byteLength
        if (!entry.isProven && bytes > this.#options.limits.maxHandshakeBytes) {
          this.#table.remove(entry)
          entry.refuse('too-many-bytes')
        } else receive(data)
      }
    }
    this.#entries.set(raw.timeline, entry)
    this.#table.add(entry)
    raw.addEventListener('close', ({ error }) => {
      this.#table.remove(entry)
      if (!entry.isProven && error?.name === 'EncryptionFailedError') this.#options.onRefused('not-libp2p', address)
    })
  }
}
