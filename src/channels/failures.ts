// How sending fails, as errors: the code says what, `mayHaveHappened` whether a handler may have seen the message.

import type { FailedReason } from '../../topology/index.ts'
import { ClusterError } from '../errors.ts'
import { callAborted, nodeStopping } from '../wait.ts'
import { MAX_REASSEMBLY_BYTES } from './lane-limits.ts'
import type { OutgoingMessage } from './outgoing-message.ts'
import { decodeFailure } from './payload.ts'

/** Why delivery gave a message up. */
export function failureOf(
  message: OutgoingMessage,
  reason: FailedReason,
  failure: Uint8Array | undefined,
): ClusterError {
  const mayHaveHappened = message.sequence > 0
  switch (reason) {
    case 'handler':
      return handlerFailure(message, failure)
    case 'expired':
      return expired(message, mayHaveHappened)
    case 'aborted':
      return callAborted(operationOf(message), mayHaveHappened)
    case 'closed':
      return nodeStopping(mayHaveHappened)
    case 'life':
    case 'down':
      return memberDown(message.destination.name, mayHaveHappened)
    default:
      return reason satisfies never
  }
}

function handlerFailure(
  { destination: { name }, channel }: OutgoingMessage,
  failure: Uint8Array | undefined,
): ClusterError {
  try {
    return decodeFailure({ encoding: 'json', payload: failure ?? new Uint8Array() })
  } catch (cause) {
    const details = { member: name, subject: channel, reason: 'it cannot be read' }
    const text = `the handler of '${channel}' on ${name} failed`
    return new ClusterError('ERR_HANDLER_FAILED', text, details, { cause, mayHaveHappened: true })
  }
}

/** As errors call it. */
export function operationOf({ channel, destination }: OutgoingMessage): string {
  return `${channel} to ${destination.name}`
}

/** Nobody waits any more: because of its deadline, or of the caller's patience. */
export function expired(message: OutgoingMessage, mayHaveHappened: boolean): ClusterError {
  const { deadlineAt, expiresAt, createdAt } = message
  const operation = operationOf(message)
  if (deadlineAt <= expiresAt) {
    const deadlineMs = Math.round(deadlineAt - createdAt)
    const text = `'${operation}' was not done before its deadline of ${deadlineMs} ms`
    return new ClusterError('ERR_DEADLINE_EXCEEDED', text, { operation, deadlineMs }, { mayHaveHappened })
  }
  const timeoutMs = Math.round(expiresAt - createdAt)
  const text = `'${operation}' was not done within ${timeoutMs} ms`
  return new ClusterError('ERR_TIMEOUT', text, { operation, timeoutMs }, { mayHaveHappened })
}

export function memberDown(member: string, mayHaveHappened: boolean): ClusterError {
  const text = `${member} went away${mayHaveHappened ? ' before it answered' : ''}`
  return new ClusterError('ERR_MEMBER_DOWN', text, { member }, { mayHaveHappened })
}

export function noRoute(member: string, mayHaveHappened = false): ClusterError {
  return new ClusterError('ERR_NO_ROUTE', `there is no way to ${member} now`, { member }, { mayHaveHappened })
}

export function queueFull(queue: string, limit: number, unit: 'messages' | 'bytes'): ClusterError {
  return new ClusterError('ERR_BUFFER_FULL', `'${queue}' is full (${limit} ${unit})`, { queue, limit })
}

/** The other end put together as much as it may, or the connection broke under it. */
export function transferRefused({ destination: { name }, channel }: OutgoingMessage): ClusterError {
  const text = `${name} has no memory for so large a message now, or its connection broke`
  const details = { queue: channel, limit: MAX_REASSEMBLY_BYTES }
  return new ClusterError('ERR_BUFFER_FULL', text, details, { mayHaveHappened: true })
}
