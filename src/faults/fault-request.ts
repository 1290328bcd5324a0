// What may stand in a request for faults. It comes from people and programs alike, so all of it is checked; what is
// left out is nothing: no member blocked, both directions, no stall.

import { ClusterError } from '../errors.ts'
import type { FaultDirection, FaultsView } from '../node-interface.ts'

/** As many as `createNode` takes addresses. */
export const MAX_BLOCKED_MEMBERS = 1_000
/** Ten minutes: longer than every timeout of a cluster. */
export const MAX_STALL_MS = 600_000

const directions: readonly FaultDirection[] = ['in', 'out', 'both']

/** Throws `ERR_BAD_REQUEST` with all problems. Whether the names are known is not checked here. */
export function parseFaultRequest(value: unknown): FaultsView {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad('faults are a JSON object')
  const { block = [], direction = 'both', stallMs = 0, ...unknown } = value as Record<string, unknown>
  if (Object.keys(unknown).length === 0 && isNames(block) && isDirection(direction) && isStall(stallMs))
    return { block, direction, stallMs }
  const problems = Object.keys(unknown).map((name) => `'${name.slice(0, 50)}' is none of block, direction, stallMs`)
  if (!isNames(block)) problems.push(`block must be a list of at most ${MAX_BLOCKED_MEMBERS} member names`)
  if (!isDirection(direction)) problems.push(`direction must be ${directions.join(', ')}`)
  if (!isStall(stallMs)) problems.push(`stallMs must be a whole number of milliseconds from 0 to ${MAX_STALL_MS}`)
  throw bad(problems.join('; '))
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= MAX_BLOCKED_MEMBERS && value.every((name) => typeof name === 'string')
}

function isDirection(value: unknown): value is FaultDirection {
  return (directions as readonly unknown[]).includes(value)
}

function isStall(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_STALL_MS
}

function bad(problem: string): ClusterError {
  return new ClusterError('ERR_BAD_REQUEST', problem, { problem })
}
