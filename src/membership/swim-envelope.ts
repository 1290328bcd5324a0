// A message of SWIM to a member that is not linked, in an envelope that a relay can pass on. It is not acknowledged: the
// protocol repeats what matters.

import type { SwimMessage } from '../../topology/index.ts'
import type { Envelope } from '../wire/envelope.ts'
import { encodeFrame, FrameDecoder } from '../wire/message.ts'

export const SWIM_SUBJECT = 'trellis.swim'

/** The life that sends. */
export interface EnvelopeSource {
  readonly id: string
  readonly generation: number
}

export function swimEnvelope(source: EnvelopeSource, destination: string, message: SwimMessage): Envelope {
  return {
    kind: 'message',
    id: 1,
    source: source.id,
    sourceGeneration: source.generation,
    destination,
    destinationGeneration: 0,
    channel: 'coordination',
    sequence: 0,
    floor: 0,
    key: undefined,
    epoch: 0,
    hops: 0,
    trace: undefined,
    deadlineMs: undefined,
    subject: SWIM_SUBJECT,
    topic: undefined,
    encoding: 'bytes',
    payload: encodeFrame({ type: 'swim', message }),
  }
}

/** Undefined: it is none. */
export function swimMessageIn({ payload }: Pick<Envelope, 'payload'>): SwimMessage | undefined {
  try {
    const [message] = new FrameDecoder().push(payload)
    return message?.type === 'swim' ? message.message : undefined
  } catch {
    return undefined
  }
}
