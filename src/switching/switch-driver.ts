// The two machines of a switch at work on this node: the member that it always is, and the leader that it may be. Their
// messages travel as requests, for the other end may be some links away; what the leader proposes goes to the log.

import {
  type LeaderEvent,
  type LeaderInput,
  type MemberEvent,
  type MemberInput,
  type SwitchCommand,
  SwitchLeader,
  SwitchMember,
  type SwitchMessage,
} from '../../topology/index.ts'
import type { Requests } from '../channels/requests.ts'
import { isClusterError } from '../errors.ts'
import type { Overlays } from '../membership/overlays.ts'
import { Mailbox } from '../runtime/mailbox.ts'
import { NamedTimers } from '../runtime/named-timers.ts'
import type { Toolbox } from '../runtime/toolbox.ts'
import { encodeSwitchMessage, parseSwitchMessage, STEP_SUBJECT } from './switch-messages.ts'

/** What was not answered by then is said again by the machines. */
const ANSWER_TIMEOUT_MS = 2_000

export interface SwitchDriverOptions {
  readonly self: string
  /** What this node begins with, before it knows what its cluster has agreed on. */
  readonly topology: string
  readonly toolbox: Toolbox
  readonly requests: () => Pick<Requests, 'request' | 'handle'>
  readonly overlays: () => Overlays
  /** Rejects when it did not get into the log. */
  readonly propose: (command: SwitchCommand) => Promise<unknown>
  readonly onMember: (event: MemberEvent) => void
  readonly onLeader: (event: LeaderEvent) => void
}

type To =
  | { readonly to: 'member'; readonly input: MemberInput }
  | { readonly to: 'leader'; readonly input: LeaderInput }

export class SwitchDriver {
  readonly member: SwitchMember
  readonly #leader: SwitchLeader
  readonly #options: SwitchDriverOptions
  /** One for both: what one of them sends to itself comes in its turn. */
  readonly #mailbox: Mailbox<To>
  readonly #memberTimers: NamedTimers
  readonly #leaderTimers: NamedTimers
  readonly #over = new AbortController()
  #handling: Disposable | undefined

  constructor(options: SwitchDriverOptions) {
    const { self, topology, toolbox, overlays } = options
    const { clock, turn } = toolbox
    this.#options = options
    this.member = new SwitchMember({ epoch: 0, name: topology }, (name) => overlays().definitions.has(name))
    this.#leader = new SwitchLeader(self)
    this.#mailbox = new Mailbox((input) => this.#take(input))
    this.#memberTimers = new NamedTimers(clock, (timer) => turn.enter(() => this.tellMember({ type: 'timer', timer })))
    this.#leaderTimers = new NamedTimers(clock, (timer) => turn.enter(() => this.tellLeader({ type: 'timer', timer })))
  }

  /** Opens the overlay that this node begins with, and listens. */
  start(): void {
    const { requests, toolbox } = this.#options
    this.#handling = requests().handle(STEP_SUBJECT, ({ from, payload }) => {
      const message = parseSwitchMessage(payload)
      toolbox.turn.enter(() => this.#receive(from, message))
      return null
    })
    const overlays = this.#options.overlays()
    overlays.open(0, 0, this.#options.topology)
    overlays.use(0)
  }

  tellMember(input: MemberInput): void {
    if (!this.#over.signal.aborted) this.#mailbox.put({ to: 'member', input })
  }

  tellLeader(input: LeaderInput): void {
    if (!this.#over.signal.aborted) this.#mailbox.put({ to: 'leader', input })
  }

  close(): void {
    this.#over.abort(new Error('the node is stopping'))
    this.#handling?.[Symbol.dispose]()
    this.#memberTimers.clearAll()
    this.#leaderTimers.clearAll()
  }

  /** Each machine takes what is its own, and lets the rest pass. */
  #receive(from: string, message: SwitchMessage): void {
    this.tellMember({ type: 'message', from, message })
    this.tellLeader({ type: 'message', from, message })
  }

  #take(work: To): void {
    if (this.#over.signal.aborted) return
    const now = this.#options.toolbox.clock.now()
    if (work.to === 'member') for (const effect of this.member.step(work.input, now)) this.#executeOfMember(effect)
    else for (const effect of this.#leader.step(work.input, now)) this.#executeOfLeader(effect)
  }

  #executeOfMember(effect: ReturnType<SwitchMember['step']>[number]): void {
    const overlays = this.#options.overlays()
    switch (effect.type) {
      case 'send':
        void this.#send(effect.to, effect.message)
        break
      case 'set-timer':
        this.#memberTimers.set(effect.timer, effect.at)
        break
      case 'clear-timer':
        this.#memberTimers.clear(effect.timer)
        break
      case 'open':
        overlays.open(effect.key, effect.epoch, effect.name)
        break
      case 'use':
        overlays.use(effect.key)
        break
      case 'close':
        overlays.close(effect.key)
        break
      case 'emit':
        this.#options.onMember(effect.event)
        break
      default:
        effect satisfies never
    }
  }

  #executeOfLeader(effect: ReturnType<SwitchLeader['step']>[number]): void {
    switch (effect.type) {
      case 'send':
        void this.#send(effect.to, effect.message)
        break
      case 'set-timer':
        this.#leaderTimers.set(effect.timer, effect.at)
        break
      case 'clear-timer':
        this.#leaderTimers.clear(effect.timer)
        break
      case 'propose':
        this.#options.propose(effect.command).catch(() => {
          this.#options.toolbox.turn.enter(() => this.tellLeader({ type: 'proposal-lost' }))
        })
        break
      case 'emit':
        this.#options.onLeader(effect.event)
        break
      default:
        effect satisfies never
    }
  }

  async #send(to: string, message: SwitchMessage): Promise<void> {
    const { requests, toolbox } = this.#options
    const options = { timeoutMs: ANSWER_TIMEOUT_MS, signal: this.#over.signal }
    try {
      await requests().request(to, STEP_SUBJECT, encodeSwitchMessage(message), options)
    } catch (error) {
      // Lost or late: the machines say it again. One that does not know the subject never will.
      if (!isClusterError(error, 'ERR_NO_HANDLER')) return toolbox.counters.add('switch-unanswered')
      toolbox.turn.enter(() => this.tellLeader({ type: 'incapable', from: to }))
    }
  }
}
