// The transports of one node as one. It listens on all of them; an address it dials may name several ways, and the best
// is the first of this node's transports that the other has, too. A member is who it is by its key, whichever way it
// came.

import { ClusterError } from '../errors.ts'
import { dialError } from './address-errors.ts'
import type { OpenTopics } from './open-topics.ts'
import { splitAddress, type TransportProvider } from './provider.ts'
import type { Connection, Reachability, Transport } from './transport.ts'

export interface OwnTransport {
  readonly provider: TransportProvider
  readonly transport: Transport
}

interface Way {
  readonly transport: Transport
  readonly address: string
}

/** Further ways of one peer are dropped: a peer cannot make one dial a long one. */
const MAX_WAYS = 8

export class SeveralTransports implements Transport {
  readonly #own: readonly OwnTransport[]

  /** In the order in which they are preferred. At least one. */
  constructor(own: readonly OwnTransport[]) {
    this.#own = own
  }

  get id(): string {
    return this.#own[0]!.transport.id
  }

  get openTopics(): OpenTopics | undefined {
    return this.#own.map(({ transport }) => transport.openTopics).find((topics) => topics !== undefined)
  }

  /** Listens at every address of the list, and resolves to the list of what was bound. */
  async listen(address: string, onConnection: (connection: Connection) => void): Promise<string> {
    const bound: string[] = []
    for (const part of splitAddress(address)) {
      const own = this.#own.find(({ provider }) => provider.claims(part))
      if (own === undefined) {
        const message = `no transport of this node can listen at ${part}`
        throw new ClusterError('ERR_ADDRESS_UNUSABLE', message, { address: part })
      }
      bound.push(await own.transport.listen(part, onConnection))
    }
    return bound.join(',')
  }

  /** The first way that leads to a connection; what is wrong with the best one when none does. */
  async dial(address: string, signal: AbortSignal): Promise<Connection> {
    let first: unknown
    for (const way of this.#ways(address)) {
      try {
        return await way.transport.dial(way.address, signal)
      } catch (error) {
        first ??= error
        if (signal.aborted) break
      }
    }
    throw first ?? dialError(address, 'no-common-transport')
  }

  /** Somebody is there if any way is open, and gone if every one refuses. */
  async reach(address: string, signal: AbortSignal): Promise<Reachability> {
    const ways = this.#ways(address)
    const answers = await Promise.all(ways.map((way) => way.transport.reach(way.address, signal)))
    if (answers.includes('accepts')) return 'accepts'
    return answers.length > 0 && answers.every((answer) => answer === 'refuses') ? 'refuses' : 'silent'
  }

  async close(): Promise<void> {
    await Promise.all(this.#own.map(({ transport }) => transport.close()))
  }

  #ways(address: string): Way[] {
    const parts = splitAddress(address)
    return this.#own
      .flatMap(({ provider, transport }) =>
        parts.filter((part) => provider.claims(part)).map((part) => ({ transport, address: part })),
      )
      .slice(0, MAX_WAYS)
  }
}
