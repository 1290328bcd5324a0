// Claims about values that came out of a file: is it the shape that was put in? One function per stored value; each
// answers undefined, or false, to anything else, and lets unknown fields pass so that a later release may add some.

import type { LogPosition, StoredHardState } from './log-store.ts'
import type { StoredCluster, StoredMove, StoredPeer, StoredSeeds } from './node-storage.ts'

type Fields = Readonly<Record<string, unknown>>

/** The value as an object whose fields can be looked at; undefined when it is none. */
export function recordOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}

export function isVoterList(value: unknown): value is { id: string; storeId: string }[] {
  return isListOf(value, 'id', 'storeId')
}

export function parsePosition(value: unknown): LogPosition | undefined {
  const { index, term } = recordOf(value) ?? {}
  return isCount(index) && isCount(term) ? { index, term } : undefined
}

export function parseHardState(value: unknown): StoredHardState | undefined {
  const { term, votedFor } = recordOf(value) ?? {}
  return isCount(term) && (votedFor === undefined || typeof votedFor === 'string') ? { term, votedFor } : undefined
}

/** What `node.json` says: whose directory this is. */
export interface StoredNode {
  readonly id: string
  readonly cluster: string
  readonly name: string | undefined
}

export function parseNode(value: unknown): StoredNode | undefined {
  const { id, cluster, name } = recordOf(value) ?? {}
  if (typeof id !== 'string' || typeof cluster !== 'string') return undefined
  return name === undefined || typeof name === 'string' ? { id, cluster, name } : undefined
}

/** What `store.json` says. `logMade`: there was a log with this id; if it is gone, so is the vote. */
export interface StoredStore {
  readonly storeId: string
  readonly logMade: boolean
}

export function parseStore(value: unknown): StoredStore | undefined {
  const { storeId, logMade } = recordOf(value) ?? {}
  return typeof storeId === 'string' && typeof logMade === 'boolean' ? { storeId, logMade } : undefined
}

export function parseGeneration(value: unknown): number | undefined {
  return isCount(value) && value > 0 ? value : undefined
}

export function parseCluster(value: unknown): StoredCluster | undefined {
  const { clusterId, founders, voters, admitted, names } = recordOf(value) ?? {}
  if (typeof clusterId !== 'string' || typeof admitted !== 'boolean' || !isTextList(founders)) return undefined
  if (!isVoterList(voters) || !isListOf(names, 'name', 'id')) return undefined
  return { clusterId, founders, voters, admitted, names }
}

export function parseCondemned(value: unknown): { readonly seen: number } | undefined {
  const { seen } = recordOf(value) ?? {}
  return isCount(seen) ? { seen } : undefined
}

export function parseMove(value: unknown): StoredMove | undefined {
  const { from, index, into, peers } = recordOf(value) ?? {}
  if (typeof from !== 'string' || typeof into !== 'string' || !isCount(index)) return undefined
  return isListOf(peers, 'id', 'name', 'address') ? { from, index, into, peers } : undefined
}

export function parseMoves(value: unknown): readonly StoredMove[] | undefined {
  if (!Array.isArray(value)) return undefined
  const moves = value.map(parseMove)
  return moves.every((move) => move !== undefined) ? moves : undefined
}

export function parsePeers(value: unknown): readonly StoredPeer[] | undefined {
  return isListOf(value, 'id', 'name', 'address') ? value : undefined
}

export function parseFencing(value: unknown): ReadonlyMap<string, number> | undefined {
  if (!Array.isArray(value)) return undefined
  const tokens = new Map<string, number>()
  for (const item of value) {
    const { singleton, token } = recordOf(item) ?? {}
    if (typeof singleton !== 'string' || !isCount(token)) return undefined
    tokens.set(singleton, token)
  }
  return tokens
}

export function parseSeeds(value: unknown): StoredSeeds | undefined {
  const { addresses, expect } = recordOf(value) ?? {}
  if (!isTextList(addresses)) return undefined
  return expect === undefined || (isCount(expect) && expect > 0) ? { addresses, expect } : undefined
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isListOf<Key extends string>(value: unknown, ...keys: Key[]): value is Record<Key, string>[] {
  return Array.isArray(value) && value.every((item) => keys.every((key) => typeof recordOf(item)?.[key] === 'string'))
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
