// What the core's refusals are called towards callers. None of what was refused has happened or will.

import type { RaftOptions, RejectCode } from '../../consensus/index.ts'
import { ClusterError } from '../errors.ts'

/** Whose time is over when the core says so. */
export const RAFT_OPERATION = 'raft'

export function refusal(code: RejectCode, leader: string | undefined, raft: RaftOptions): ClusterError {
  switch (code) {
    case 'busy': {
      const limit = raft.maxUncommittedEntries
      return new ClusterError('ERR_BUFFER_FULL', `${limit} entries are not committed yet`, { queue: 'log', limit })
    }
    case 'in-progress':
      return new ClusterError('ERR_BUFFER_FULL', 'another change is under way', { queue: 'changes', limit: 1 })
    case 'not-caught-up':
      return badRequest('it lacks entries of the log, or does not answer')
    case 'invalid':
      return badRequest('no such voter')
    case 'timed-out': {
      const timeoutMs = raft.electionTimeoutMinMs
      const details = { operation: RAFT_OPERATION, timeoutMs }
      return new ClusterError('ERR_TIMEOUT', `not answered within ${timeoutMs} ms`, details)
    }
    case 'transferring':
      return new ClusterError('ERR_NOT_LEADER', 'leadership is being handed over', { leader })
    case 'not-leader':
    case 'unsettled':
      return new ClusterError('ERR_NOT_LEADER', 'this voter does not lead, or does not yet', { leader })
  }
}

/** Not everybody who holds the log can apply it yet. */
export function upgradePending(level: number, agreed: number): ClusterError {
  const message = `it takes level ${level}, and not everybody who holds the log can apply more than ${agreed}`
  return new ClusterError('ERR_UPGRADE_PENDING', message, { level, agreed })
}

function badRequest(problem: string): ClusterError {
  return new ClusterError('ERR_BAD_REQUEST', problem, { problem })
}
