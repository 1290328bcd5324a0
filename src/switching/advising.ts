// The adviser at work: counts what this node sends and to how many, asks a few others the same, counts how often
// members come and go, and asks the rules every few seconds. It only says what it would do. Where the option
// `topologyAuto` asks for it, the leader also orders what is due: a switch like any other. One that did not come about
// is not ordered again before the rest is over, like one that did.

import { type Advice, Adviser, type OverlayDefinition, type Situation, type SwimEvent } from '../../topology/index.ts'
import type { NodeContext, NodePart } from '../node-part.ts'
import type { Timer } from '../runtime/clock.ts'
import { LINK_BYTES, LINK_MS } from './link-cost.ts'
import type { SwitchReport } from './report.ts'
import { type Traffic, TrafficSurvey } from './traffic-survey.ts'

/** What is measured is of the last minute or two: a window is closed and begun anew. */
const WINDOW_MS = 60_000
/**
 * By so much of it, drawn anew each time, a window is shorter: members that started together do not go on asking each
 * other at the same moment.
 */
const WINDOW_SPREAD = 0.5
const SAMPLE_MS = 5_000
/** Rules that need less time to hold are asked more often, but not more often than this. */
const LEAST_SAMPLE_MS = 100

export interface AdvisingOptions {
  readonly context: Pick<NodeContext, 'members' | 'overlays' | 'toolbox' | 'emit' | 'options' | 'requests' | 'self'>
  /** The topology now, and when a switch last ended or was given up, by the wall clock. */
  readonly topology: () => { readonly name: string; readonly lastSwitchAt: number | undefined }
  /** User messages sent so far, and to how many different members since the last call. */
  readonly traffic: () => { readonly messages: number; readonly recipients: number }
  /** This node leads, and no switch is under way. */
  readonly maySwitch: () => boolean
  readonly switch: (name: string, options: { readonly expectFrom: string }) => Promise<SwitchReport>
}

interface Window {
  readonly since: number
  readonly ms: number
  readonly messages: number
  churn: number
}

export class Advising implements NodePart {
  readonly #options: AdvisingOptions
  readonly #adviser: Adviser
  readonly #sampleMs: number
  #open: Window = { since: 0, ms: WINDOW_MS, messages: 0, churn: 0 }
  /** This node's own, of its last whole window. */
  #own: Traffic | undefined
  /** Of an average member. */
  #traffic: Traffic = { messagesPerSecond: 0, fanOut: 0 }
  #churnPerMinute = 0
  #survey: TrafficSurvey | undefined
  #timer: Timer | undefined
  /** When this node last ordered what was due. */
  #orderedAt = Number.NEGATIVE_INFINITY
  #isOrdering = false
  #isClosed = false

  constructor(options: AdvisingOptions) {
    this.#options = options
    const { topologyAuto } = options.context.options
    this.#adviser = new Adviser(topologyAuto)
    this.#sampleMs = Math.min(SAMPLE_MS, Math.max(LEAST_SAMPLE_MS, topologyAuto?.stableMs ?? SAMPLE_MS))
  }

  /** See `NodeTopology.advise`. */
  advise(): Advice {
    const { context, topology } = this.#options
    const { name, lastSwitchAt } = topology()
    const members = context.overlays().members
    const isAvailable = (definition: OverlayDefinition<unknown>) => definition.refusal(members) === undefined
    const available = [...context.overlays().definitions.values()].filter(isAvailable).map((each) => each.name)
    const restFrom = Math.max(lastSwitchAt ?? Number.NEGATIVE_INFINITY, this.#orderedAt)
    return this.#adviser.advise(this.#situation(), name, available, context.toolbox.clock.wall(), restFrom)
  }

  async start(): Promise<void> {
    const { context } = this.#options
    const { clock, turn } = context.toolbox
    this.#survey = new TrafficSurvey(context, () => this.#own)
    this.#open = this.#windowFrom(clock.now(), this.#options.traffic().messages)
    this.#timer = clock.setInterval(() => turn.enter(() => this.#sample()), this.#sampleMs)
    this.#timer?.unref()
  }

  member(event: Extract<SwimEvent, { type: 'member' | 'forgotten' }>): void {
    if (event.type === 'member' && isComing(event.before?.state) !== isComing(event.after.state)) this.#open.churn += 1
  }

  close(): void {
    this.#isClosed = true
    this.#survey?.[Symbol.dispose]()
    this.#timer?.[Symbol.dispose]()
  }

  /** How long advice has held is known only to who asks again and again. */
  #sample(): void {
    const now = this.#options.context.toolbox.clock.now()
    const elapsed = now - this.#open.since
    if (elapsed >= this.#open.ms) {
      const { messages, recipients } = this.#options.traffic()
      const messagesPerSecond = ((messages - this.#open.messages) / elapsed) * 1_000
      this.#churnPerMinute = (this.#open.churn / elapsed) * 60_000
      this.#open = this.#windowFrom(now, messages)
      this.#own = { messagesPerSecond, fanOut: recipients }
      void this.#askOthers(this.#own)
    }
    const advice = this.advise()
    const { context, maySwitch } = this.#options
    if (context.options.topologyAuto && advice.isDue && !this.#isOrdering && maySwitch()) void this.#order(advice)
  }

  #windowFrom(since: number, messages: number): Window {
    const ms = WINDOW_MS * (1 - WINDOW_SPREAD * this.#options.context.toolbox.random())
    return { since, ms, messages, churn: 0 }
  }

  async #askOthers(own: Traffic): Promise<void> {
    this.#traffic = (await this.#survey?.average(own)) ?? own
  }

  async #order({ current: from, recommended: to, rule, because }: Advice): Promise<void> {
    const { emit, toolbox } = this.#options.context
    const { logger, clock } = toolbox
    this.#isOrdering = true
    this.#orderedAt = clock.wall()
    logger.info('the adviser switches the topology', { from, to, rule, because })
    emit({ type: 'advice', at: clock.wall(), from, to, rule, because })
    try {
      const { outcome, reason } = await this.#options.switch(to, { expectFrom: from })
      if (outcome === 'aborted') logger.warn('the switch that the adviser ordered was given up', { from, to, reason })
    } catch (error) {
      if (!this.#isClosed) logger.warn('the switch that the adviser ordered failed', { from, to, error })
    } finally {
      this.#isOrdering = false
    }
  }

  #situation(): Situation {
    const there = this.#options.context.members().filter(({ state }) => isComing(state))
    const having = (role: string): number => there.filter(({ roles }) => roles.includes(role)).length
    return {
      members: there.length,
      servers: having('server'),
      clients: having('client'),
      ...this.#traffic,
      churnPerMinute: this.#churnPerMinute,
      linkBytes: LINK_BYTES,
      linkMs: LINK_MS,
    }
  }
}

function isComing(state: string | undefined): boolean {
  return state === 'alive' || state === 'suspect'
}
