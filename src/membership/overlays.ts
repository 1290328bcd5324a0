// The overlays of this node: one in use, and during a switch another one beside it. All hear of the same members and
// links; each holds the links that it wants; messages are routed by the one in use.

import { fullMesh, type MemberRecord, type OverlayDefinition, type OverlayInput } from '../../topology/index.ts'
import type { OverlayFrame } from '../wire/overlay.ts'
import type { OverlayFailed } from './guarded-overlays.ts'
import { OverlayHost, type OverlayHostOptions } from './overlay-host.ts'

export interface OverlaysOptions extends Omit<OverlayHostOptions, 'key' | 'epoch' | 'definition'> {
  readonly definitions: readonly OverlayDefinition<unknown>[]
  /** One of a user's threw, or answered what it must not. */
  readonly onFailed: OverlayFailed
}

export class Overlays {
  readonly #options: OverlaysOptions
  readonly #definitions: ReadonlyMap<string, OverlayDefinition<unknown>>
  readonly #open = new Map<number, OverlayHost>()
  #current: OverlayHost | undefined
  #members: readonly MemberRecord[] = []
  #voters: readonly string[] = []
  readonly #linked = new Set<string>()
  readonly #present = new Set<string>()

  constructor(options: OverlaysOptions) {
    this.#options = options
    this.#definitions = new Map(options.definitions.map((definition) => [definition.name, definition]))
  }

  /** Everyone known. */
  get members(): readonly MemberRecord[] {
    return this.#members
  }

  /** What a cluster can be switched to, by name. */
  get definitions(): ReadonlyMap<string, OverlayDefinition<unknown>> {
    return this.#definitions
  }

  /**
   * Makes the overlay `name`, which this node knows, and tells it what there is. It holds its links beside those of
   * others. One that cannot be made is told of, and is never formed; the first one throws, and the node does not start.
   */
  open(key: number, epoch: number, name: string): void {
    const definition = this.#definitions.get(name)
    if (!definition) return
    let host: OverlayHost
    try {
      host = new OverlayHost({ ...this.#options, key, epoch, definition })
    } catch (error) {
      if (this.#open.size === 0) throw error
      this.#options.onFailed(name, error)
      return
    }
    this.#open.set(key, host)
    host.put({ type: 'voters', voters: this.#voters })
    for (const peer of this.#linked) host.put({ type: 'connected', peer })
    if (this.#members.length > 0) host.put({ type: 'members', members: this.#members })
    this.#options.onChange()
  }

  use(key: number): void {
    this.#current = this.#open.get(key)
    this.#options.onChange()
  }

  close(key: number): void {
    this.#open.get(key)?.close()
    this.#open.delete(key)
    this.#options.onChange()
  }

  closeAll(): void {
    for (const key of [...this.#open.keys()]) this.close(key)
  }

  setMembers(members: readonly MemberRecord[]): void {
    this.#members = members
    this.#present.clear()
    for (const { id, state } of members) if (state === 'alive' || state === 'suspect') this.#present.add(id)
    this.#put({ type: 'members', members })
  }

  setVoters(voters: readonly string[]): void {
    if (voters.join() === this.#voters.join()) return
    this.#voters = voters
    this.#put({ type: 'voters', voters })
  }

  connected(peer: string): void {
    this.#linked.add(peer)
    this.#put({ type: 'connected', peer })
  }

  disconnected(peer: string, announced: boolean): void {
    this.#linked.delete(peer)
    this.#put({ type: 'disconnected', peer, announced })
  }

  unreachable(peer: string): void {
    for (const host of this.#open.values()) if (host.neighbors().includes(peer)) host.put({ type: 'unreachable', peer })
  }

  receive(from: string, { epoch, payload }: OverlayFrame): void {
    const host = [...this.#open.values()].find((open) => open.epoch === epoch)
    if (host) host.receive(from, payload)
    else this.#options.count('overlay-other-epoch')
  }

  /** Whom the open overlays want links to. */
  neighbors(): readonly string[] {
    return [...new Set([...this.#open.values()].flatMap((host) => host.neighbors()))]
  }

  /** The overlay in use does not link everybody to everybody. */
  get isSparse(): boolean {
    return this.#current !== undefined && this.#current.name !== fullMesh.name
  }

  /** Neighbors of the overlay in use, over links that are up. */
  linkedNeighbors(): readonly string[] {
    return this.#current?.linkedNeighbors() ?? []
  }

  /** By the overlay in use: the linked neighbor to hand a message for `to` to. */
  nextHop(to: string): string | undefined {
    return this.#current?.nextHop(to)
  }

  /** How each open overlay stands, by key. */
  states(): { readonly key: number; readonly isFormed: boolean; readonly neighbors: readonly string[] }[] {
    return [...this.#open].map(([key, host]) => {
      const isFormed = host.isFormed((member) => this.#present.has(member))
      return { key, isFormed, neighbors: host.linkedNeighbors() }
    })
  }

  #put(input: OverlayInput<unknown>): void {
    for (const host of this.#open.values()) host.put(input)
  }
}
