// The shape that all protocols of this folder share: an input and the time go in, effects come out. Nothing else
// happens: no timer fires by itself, nothing is sent but by the driver that executes the effects in order.

import type { MemberId } from './types.ts'

/** What every protocol can be told. A protocol adds its own inputs to this union. */
export type Input<Message> =
  | { readonly type: 'message'; readonly from: MemberId; readonly message: Message }
  | { readonly type: 'timer'; readonly timer: string }
  /** A link to this peer is up: messages to it now have a way. */
  | { readonly type: 'connected'; readonly peer: MemberId }
  /** The link is gone. `announced`: one end said goodbye, so the close is no evidence of anything. */
  | { readonly type: 'disconnected'; readonly peer: MemberId; readonly announced: boolean }

/** What every protocol may ask for. The driver executes effects in array order. */
export type Effect<Message, Event> =
  | { readonly type: 'send'; readonly to: MemberId; readonly message: Message }
  /** Same name: replaced. `at` is in the unit of `now`: milliseconds of a monotonic clock. */
  | { readonly type: 'set-timer'; readonly timer: string; readonly at: number }
  | { readonly type: 'clear-timer'; readonly timer: string }
  | { readonly type: 'emit'; readonly event: Event }

/** A protocol as a machine. `step` is synchronous, never throws on what a remote sent, and never keeps its result. */
export interface Core<In, Out> {
  step(input: In, now: number): readonly Out[]
}
