// The adviser at work: counts what this node sends and to how many, how often members come and go, and asks the rules every few
// seconds. It only says what it would do; to do it is a switch like any other.

import { type Advice, Adviser, type OverlayDefinition, type Situation, type SwimEvent } from '../../topology/index.ts'
import type { NodeContext, NodePart } from '../node-part.ts'

/** What is measured is of the last minute or two: a window is closed and begun anew. */
const WINDOW_MS = 60_000
const SAMPLE_MS = 5_000
/**
 * One end of a link: resident memory and processor time of a full mesh of 6 to 24 nodes in one process, Node 24, fitted over its links. To be measured
 * again with the transport.
 */
const LINK_BYTES = 230_000
const LINK_MS = 3

export interface AdvisingOptions {
  readonly context: Pick<NodeContext, 'members' | 'overlays' | 'toolbox'>
  /** The topology now, and when it was last switched, by the wall clock. */
  readonly topology: () => { readonly name: string; readonly lastSwitchAt: number | undefined }
  /** User messages sent so far, and to how many different members since the last call. */
  readonly traffic: () => { readonly messages: number; readonly recipients: number }
}

interface Window {
  readonly since: number
  readonly messages: number
  churn: number
}

export class Advising implements NodePart {
  readonly #options: AdvisingOptions
  readonly #adviser = new Adviser()
  #open: Window = { since: 0, messages: 0, churn: 0 }
  /** Of the last window: each a minute, or per second. */
  #measured = { messagesPerSecond: 0, fanOut: 0, churnPerMinute: 0 }
  #timer: NodeJS.Timeout | undefined

  constructor(options: AdvisingOptions) {
    this.#options = options
  }

  /** See `NodeTopology.advise`. */
  advise(): Advice {
    const { context, topology } = this.#options
    const { name, lastSwitchAt } = topology()
    const members = context.overlays().members
    const isAvailable = (definition: OverlayDefinition<unknown>) => definition.refusal(members) === undefined
    const available = [...context.overlays().definitions.values()].filter(isAvailable).map((each) => each.name)
    return this.#adviser.advise(this.#situation(), name, available, context.toolbox.clock.wall(), lastSwitchAt)
  }

  async start(): Promise<void> {
    const { clock, turn } = this.#options.context.toolbox
    this.#open = { since: clock.now(), messages: this.#options.traffic().messages, churn: 0 }
    this.#timer = setInterval(() => turn.enter(() => this.#sample()), SAMPLE_MS)
    this.#timer.unref()
  }

  member(event: Extract<SwimEvent, { type: 'member' | 'forgotten' }>): void {
    if (event.type === 'member' && isComing(event.before?.state) !== isComing(event.after.state)) this.#open.churn += 1
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** How long advice has held is known only to who asks again and again. */
  #sample(): void {
    const now = this.#options.context.toolbox.clock.now()
    const elapsed = now - this.#open.since
    if (elapsed >= WINDOW_MS) {
      const { messages, recipients } = this.#options.traffic()
      this.#measured = {
        messagesPerSecond: ((messages - this.#open.messages) / elapsed) * 1_000,
        fanOut: recipients,
        churnPerMinute: (this.#open.churn / elapsed) * 60_000,
      }
      this.#open = { since: now, messages, churn: 0 }
    }
    this.advise()
  }

  #situation(): Situation {
    const there = this.#options.context.members().filter(({ state }) => isComing(state))
    const having = (role: string): number => there.filter(({ roles }) => roles.includes(role)).length
    return {
      members: there.length,
      servers: having('server'),
      clients: having('client'),
      ...this.#measured,
      linkBytes: LINK_BYTES,
      linkMs: LINK_MS,
    }
  }
}

function isComing(state: string | undefined): boolean {
  return state === 'alive' || state === 'suspect'
}
