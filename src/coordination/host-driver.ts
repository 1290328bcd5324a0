// Drives the core that says who hosts S5: gives it what Raft and the machine say after each step, executes what it asks
// for.

import type {
  ClusterCommand,
  ClusterMachine,
  HostEffect,
  HostInput,
  HostPhase,
  RaftOptions,
  RaftView,
} from '../../consensus/index.ts'
import { SingletonHost } from '../../consensus/index.ts'
import type { Time } from '../runtime/clock.ts'
import { NamedTimers } from '../runtime/named-timers.ts'
import type { Turn } from '../runtime/turn.ts'

/** What whoever runs S5 is told. `drain` comes before the `stop` of a hand-over. */
export type HostOrder = Extract<HostEffect, { type: 'start' | 'stop' }> | { readonly type: 'drain' }

export interface HostDriverOptions {
  readonly self: string
  readonly raft: RaftOptions
  /** This member may host S5. */
  readonly mayHost: () => boolean
  readonly clock: Time
  readonly turn: Turn
  readonly propose: (command: ClusterCommand) => Promise<unknown>
  /** S5 starts or stops here. A stop takes effect before anything else happens; what a drain answers is waited for. */
  readonly onHost: (order: HostOrder) => unknown
}

export class HostDriver {
  readonly #options: HostDriverOptions
  readonly #host: SingletonHost
  readonly #timers: NamedTimers
  #isClosed = false

  constructor(options: HostDriverOptions) {
    const { self, raft, clock, turn, mayHost } = options
    this.#options = options
    this.#host = new SingletonHost({ self, singleton: 's5', options: raft, mayHost })
    this.#timers = new NamedTimers(clock, (timer) =>
      turn.enter(() => this.#step({ type: 'timer', timer: timer as 'lease' | 'activate' })),
    )
  }

  /** S5 as this voter may use it at this very moment. */
  holds(token: number): boolean {
    return this.#host.token === token && this.#host.holds(this.#options.clock.now())
  }

  phase(): HostPhase {
    return this.#host.phase(this.#options.clock.now())
  }

  /** In the same turn as every step of Raft and every applied entry. */
  observe(view: RaftView, machine: ClusterMachine, applied: { readonly index: number; readonly term: number }): void {
    this.#step({ type: 'observe', view, record: machine.singleton('s5'), applied })
  }

  away(): void {
    this.#step({ type: 'away' })
  }

  /** Before `release`: S5 takes nothing more, and what it has begun comes to its end. */
  async drain(): Promise<void> {
    await this.#options.onHost({ type: 'drain' })
  }

  /** Stops hosting in this term, and proposes to say so in the log: a successor need not wait. */
  release(): void {
    this.#step({ type: 'release' })
  }

  /** What it was released for did not come to pass. */
  resume(): void {
    this.#step({ type: 'resume' })
  }

  close(): void {
    this.#isClosed = true
    this.#timers.clearAll()
  }

  #step(input: HostInput): void {
    if (this.#isClosed) return
    for (const effect of this.#host.step(input, this.#options.clock.now())) {
      switch (effect.type) {
        case 'propose':
          void this.#propose(effect.command)
          break
        case 'start':
        case 'stop':
          this.#options.onHost(effect)
          break
        case 'set-timer':
          this.#timers.set(effect.timer, effect.at)
          break
        case 'clear-timer':
          this.#timers.clear(effect.timer)
          break
        default:
          effect satisfies never
      }
    }
  }

  async #propose(command: ClusterCommand): Promise<void> {
    try {
      await this.#options.propose(command)
    } catch {
      // Not accepted, or lost with the leadership: the host's core decides whether to ask again.
      this.#options.turn.enter(() => this.#step({ type: 'proposal-lost' }))
    }
  }
}
