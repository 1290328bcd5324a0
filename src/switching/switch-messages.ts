// The messages of a switch as they travel: JSON in a request of their own subject, for they are few and go to members
// that may be some links away. The empty answer only says that the other end knows what a switch is.

import type { SwitchMessage } from '../../topology/index.ts'
import type { Payload } from '../channels/payload.ts'

export const STEP_SUBJECT = 'trellis.topology.step'

type Field = 'number' | 'string'

/** By type: its fields beside `type` and `proposal`. */
const fields: Readonly<Record<SwitchMessage['type'], Readonly<Record<string, Field>>>> = {
  prepare: { epoch: 'number', from: 'string', to: 'string' },
  prepared: {},
  refused: { reason: 'string' },
  verify: { round: 'number' },
  verified: { round: 'number' },
  decided: { outcome: 'string', epoch: 'number', name: 'string' },
  adopted: {},
  close: {},
  closed: {},
  ask: {},
}

export function encodeSwitchMessage(message: SwitchMessage): Payload {
  return { ...message }
}

/** Throws a `TypeError` on anything else. */
export function parseSwitchMessage(payload: Payload): SwitchMessage {
  const message = payload as Record<string, unknown> | null
  const expected = typeof message?.type === 'string' && Object.hasOwn(fields, message.type)
  if (!expected) throw new TypeError('not a message of a switch')
  const table = { proposal: 'number', ...fields[message.type as SwitchMessage['type']] }
  for (const [name, type] of Object.entries(table)) {
    const value = message[name]
    if (typeof value !== type || (type === 'number' && !Number.isSafeInteger(value)))
      throw new TypeError(`'${message.type}' of a switch has no ${name}`)
  }
  if (message.type === 'decided' && message.outcome !== 'committed' && message.outcome !== 'aborted')
    throw new TypeError('a switch ends committed or aborted')
  return message as unknown as SwitchMessage
}
