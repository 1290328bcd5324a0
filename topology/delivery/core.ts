// What delivery can be told and what it may ask for. Messages go in and come out in batches: one input and one effect
// for all that one turn brought of one stream, never one for each message.

import type { MemberId } from '../types.ts'
import type { ChannelName } from './envelope.ts'
import type { InboxDropReason } from './inbox.ts'
import type { Acknowledgement, Floor, Incoming, Outgoing } from './messages.ts'
import type { FailedReason } from './outbox.ts'

/** The other end of a stream: one life of a member on one channel. */
export interface StreamEnd {
  readonly peer: MemberId
  readonly generation: number
  readonly channel: ChannelName
}

/** What delivery can be told. */
export type DeliveryInput<Out extends Outgoing, In extends Incoming, Failure> =
  /**
   * Messages to be acknowledged. They wait, unbounded here, while there is no way or no room: the runtime bounds
   * `size`.
   */
  | (StreamEnd & { readonly type: 'send'; readonly messages: readonly Out[] })
  /**
   * Messages that are not acknowledged and whose key is to be kept in order: they are numbered and transmitted at once,
   * and kept no longer.
   */
  | (StreamEnd & { readonly type: 'send-ordered'; readonly messages: readonly Out[] })
  /** Nobody waits for this message any more. */
  | (StreamEnd & { readonly type: 'abort'; readonly message: Out })
  /** Messages with a sequence, as they came. */
  | (StreamEnd & { readonly type: 'receive'; readonly messages: readonly In[] })
  /** The handlers of these acknowledged messages have finished. */
  | (StreamEnd & { readonly type: 'finished'; readonly messages: readonly In[] })
  /** The handler of this message failed, or there is none. */
  | (StreamEnd & { readonly type: 'handler-failed'; readonly message: In; readonly failure: Failure })
  | (StreamEnd & { readonly type: 'acknowledged'; readonly acknowledgement: Acknowledgement<Failure> })
  | (StreamEnd & { readonly type: 'floor'; readonly floor: Floor })
  /** There is a way to the peer, or another than before. `generation`: the life it leads to. */
  | { readonly type: 'connected'; readonly peer: MemberId; readonly generation: number }
  | { readonly type: 'disconnected'; readonly peer: MemberId }
  /** The peer is believed to be gone; what waits for it fails. It may come back in the same life. */
  | { readonly type: 'down'; readonly peer: MemberId }
  /** Membership has forgotten the peer, and so does delivery. */
  | { readonly type: 'forgotten'; readonly peer: MemberId }
  /** All that this turn brought has been told: whoever is owed an acknowledgement gets one. */
  | { readonly type: 'flush' }
  | { readonly type: 'timer'; readonly timer: string }
  /** The node stops: everything that waits fails. */
  | { readonly type: 'close' }

/** Why a message that came was not handed over. */
export type DeliveryDropReason =
  | InboxDropReason
  /** Of or for an earlier life of its source. */
  | 'earlier-life'

/** What delivery may ask for. */
export type DeliveryEffect<Out extends Outgoing, In extends Incoming, Failure> =
  /** Send these, in this order, with their `sequence` and this floor. The first time or again. */
  | (StreamEnd & { readonly type: 'transmit'; readonly messages: readonly Out[]; readonly floor: number })
  | (StreamEnd & { readonly type: 'acknowledge'; readonly acknowledgement: Acknowledgement<Failure> })
  | (StreamEnd & { readonly type: 'tell-floor'; readonly floor: Floor })
  /** Hand these over, those with the same key in this order; tell `finished` of each that has a floor. */
  | (StreamEnd & { readonly type: 'deliver'; readonly messages: readonly In[] })
  /**
   * These wait here for earlier ones of their stream: whatever their way costs must not be withheld, or the earlier
   * ones could not come.
   */
  | (StreamEnd & { readonly type: 'held'; readonly messages: readonly In[] })
  | (StreamEnd & { readonly type: 'dropped'; readonly messages: readonly In[]; readonly reason: DeliveryDropReason })
  /** `superseded`: a newer one with the same key took its place before it was transmitted. */
  | { readonly type: 'settled'; readonly messages: readonly Out[]; readonly outcome: 'acknowledged' | 'superseded' }
  /** Settled otherwise. It may have happened if its `sequence` is not 0. */
  | {
      readonly type: 'failed'
      readonly message: Out
      readonly reason: FailedReason
      readonly failure: Failure | undefined
    }
  /** Same name: replaced. */
  | { readonly type: 'set-timer'; readonly timer: string; readonly at: number }
