// One member, `a`, driven by hand: inputs go in, what it asked for is collected.

import {
  type MemberRecord,
  resolveSwimOptions,
  type Signatures,
  Swim,
  type SwimEffect,
  type SwimEvent,
  type SwimInput,
  type SwimMessage,
  type SwimOptions,
  type Update,
} from '../../../topology/index.ts'
import { generator } from '../generator.ts'
import { recordOf } from './records.ts'

/** Member `a`, driven by hand. */
export class MemberUnderTest {
  readonly swim: Swim
  effects: SwimEffect[]
  now = 0

  constructor(
    known: readonly MemberRecord[] = [],
    options: Partial<SwimOptions> = {},
    pinned: readonly string[] = [],
    signing?: Signatures,
  ) {
    const self = recordOf('a', { generation: 3 })
    const setup = { self, known, options: resolveSwimOptions(options), random: generator(1), pinned }
    this.swim = new Swim(signing ? { ...setup, signing } : setup)
    this.effects = this.swim.start(0)
    this.give({ type: 'neighbors', peers: known.map(({ id }) => id) })
  }

  give(...inputs: readonly SwimInput[]): this {
    for (const input of inputs) this.effects.push(...this.swim.step(input, this.now))
    return this
  }

  link(...peers: readonly string[]): this {
    return this.give(...peers.map((peer): SwimInput => ({ type: 'connected', peer })))
  }

  hear(from: string, ...updates: readonly Update[]): this {
    return this.give({ type: 'message', from, message: { type: 'gossip', updates } })
  }

  hearRecords(from: string, ...records: readonly MemberRecord[]): this {
    return this.hear(from, ...records.map((record): Update => ({ type: 'record', record })))
  }

  /** Forgets what was asked so far. */
  clear(): this {
    this.effects = []
    return this
  }

  get events(): SwimEvent[] {
    return this.effects.flatMap((effect) => (effect.type === 'emit' ? [effect.event] : []))
  }

  get reasons(): string[] {
    return this.events.map((event) => (event.type === 'member' ? `${event.reason} ${event.after.id}` : `${event.type}`))
  }

  get drops(): string[] {
    return this.events.flatMap((event) => (event.type === 'dropped' ? [event.reason] : []))
  }

  sent(to?: string): SwimMessage[] {
    return this.effects.flatMap((effect) =>
      effect.type === 'send' && (!to || effect.to === to) ? [effect.message] : [],
    )
  }

  stateOf(id: string): string | undefined {
    return this.swim.member(id)?.state
  }

  dueOf(timer: string): number {
    const set = this.effects.flatMap((effect) =>
      effect.type === 'set-timer' && effect.timer === timer ? [effect.at] : [],
    )
    return set.at(-1) ?? Number.NaN
  }

  fire(timer: string, at: number): this {
    this.now = at
    return this.give({ type: 'timer', timer })
  }
}

export function accusation(
  member: string,
  by: string,
  kind: 'silent' | 'refused' = 'refused',
  generation = 1,
  refutation = 0,
): Update {
  return { type: 'accusation', member, incarnation: { generation, refutation }, by, kind }
}

/** Four others in their first life. */
export const four = ['b', 'c', 'd', 'e'].map((id) => recordOf(id))
