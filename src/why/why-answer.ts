// One member's part of an answer, as it comes from another process: possibly another release, possibly broken. What
// does not have the shape that it must have is left out; what the sender says of itself is put under the name it is
// known by.

import { ClusterError } from '../errors.ts'
import { MAX_ENTRIES_PER_MEMBER } from './evidence-book.ts'
import type { Belief, Evidence } from './why-interface.ts'

export interface Answer {
  readonly belief: Belief
  readonly evidence: readonly Evidence[]
}

const types: ReadonlySet<unknown> = new Set<Evidence['type']>(['verdict', 'link', 'absence', 'leader'])

const noLog: Belief['log'] = { role: 'none', term: 0, commitIndex: 0 }

/** Throws `ERR_HANDLER_FAILED` for what is no answer at all. */
export function parseAnswer(value: unknown, observer: string): Answer {
  const { belief, evidence } = (isObject(value) ? value : {}) as Partial<Answer>
  if (!isObject(belief) || !Array.isArray(evidence)) throw senseless(observer)
  const { state = null, condition = null, incarnation = null, suspicion = null, log = noLog } = belief
  const entries = evidence.slice(-MAX_ENTRIES_PER_MEMBER).filter(isEvidence)
  return {
    belief: { name: observer, state, condition, incarnation, log, suspicion },
    evidence: entries.map((entry) => ({ ...entry, observer })),
  }
}

function isEvidence(value: unknown): value is Evidence {
  if (!isObject(value) || !types.has(value.type)) return false
  const numbers = [value.sequence, value.at, value.incarnation].every((number) => Number.isSafeInteger(number))
  return numbers && (value.type !== 'verdict' || (Array.isArray(value.accusers) && value.accusers.every(isObject)))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function senseless(member: string): ClusterError {
  const details = { member, subject: 'trellis.why', reason: 'the answer makes no sense' }
  return new ClusterError('ERR_HANDLER_FAILED', `${member} answered what makes no sense`, details)
}
