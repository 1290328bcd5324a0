// A message of SWIM to a member that is not linked, in an envelope that a relay can pass on. It is not acknowledged:
// the protocol repeats what matters.

import type { SwimMessage } from '../../topology/index.ts'
import type { Envelope } from '../wire/envelope.ts'
import { encodeFrame, FrameDecoder } from '../wire/message.ts'
import { SIGNED_VERSION } from '../wire/versions.ts'

/** To members that read no signatures, and to all others; each written in a version of the wire format of its own. */
const UNSIGNED_SUBJECT = 'trellis.swim'
const SIGNED_SUBJECT = 'trellis.swim.2'
const versions: ReadonlyMap<string | undefined, number> = new Map([
  [UNSIGNED_SUBJECT, SIGNED_VERSION - 1],
  [SIGNED_SUBJECT, SIGNED_VERSION],
])

/** Of every message of SWIM that a relay passes on. */
export const SWIM_SUBJECTS: readonly string[] = [UNSIGNED_SUBJECT, SIGNED_SUBJECT]

export function isSwim({ subject }: Pick<Envelope, 'subject'>): boolean {
  return versions.has(subject)
}

/** The life that sends. */
export interface EnvelopeSource {
  readonly id: string
  readonly generation: number
}

/** `reads`: the destination's record shows that it reads signed records. */
export function swimEnvelope(
  source: EnvelopeSource,
  destination: string,
  message: SwimMessage,
  reads: 'signed' | 'unsigned',
): Envelope {
  const subject = reads === 'signed' ? SIGNED_SUBJECT : UNSIGNED_SUBJECT
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
    subject,
    topic: undefined,
    encoding: 'bytes',
    payload: encodeFrame({ type: 'swim', message }, versions.get(subject)),
  }
}

/** Undefined: it is none. */
export function swimMessageIn({ subject, payload }: Pick<Envelope, 'subject' | 'payload'>): SwimMessage | undefined {
  const version = versions.get(subject)
  if (version === undefined) return undefined
  try {
    const [message] = new FrameDecoder({ version }).push(payload)
    return message?.type === 'swim' ? message.message : undefined
  } catch {
    return undefined
  }
}
