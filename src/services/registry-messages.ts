// What registries say to each other, by requests and on the gossip channel: JSON, checked in full before a word of it
// is believed.
//
//   A ── { fingerprint } ──> B        { same: true }, or { digest } of B
//   A ── { digest, deltas } ──> B     the deltas that B lacked; { deltas } that A lacks
//   A ── { deltas } ──> everybody     something changed at A just now: on the gossip channel, unanswered;
//                                     who lacks what was before asks A

import type { JsonValue } from '../channels/payload.ts'
import type { Digest, RegistryDelta, RegistryEntry } from './registry.ts'
import { parseFacts, type ServiceFacts } from './service-facts.ts'

export type ServiceDelta = RegistryDelta<ServiceFacts>

export interface RegistryMessage {
  readonly fingerprint?: number
  readonly same?: boolean
  readonly digest?: Digest
  readonly deltas?: readonly ServiceDelta[]
}

/** Of one message; what does not fit waits for the next round. */
export const MAX_DELTA_BYTES = 512 * 1024
const MAX_OWNERS = 10_000
const MAX_DELTAS = 20_000
const MAX_ENTRIES = 2_000
const MAX_OWNER_LENGTH = 128

export function encodeMessage({ fingerprint, same, digest, deltas }: RegistryMessage): JsonValue {
  return {
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(same === undefined ? {} : { same }),
    ...(digest ? { digest: [...digest].map(([owner, { generation, count }]) => [owner, generation, count]) } : {}),
    ...(deltas ? { deltas: deltas.map(encodeDelta) } : {}),
  }
}

/** As many of the deltas, from the first on, as fit into one message. */
export function fitting(deltas: readonly ServiceDelta[], maxBytes = MAX_DELTA_BYTES): readonly ServiceDelta[] {
  let bytes = 0
  const end = deltas.findIndex((delta) => {
    bytes += Buffer.byteLength(JSON.stringify(encodeDelta(delta)))
    return bytes > maxBytes
  })
  return end === -1 ? deltas : deltas.slice(0, Math.max(1, end))
}

/** Undefined: it is no such message, or past its bounds. */
export function parseMessage(value: unknown): RegistryMessage | undefined {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return undefined
  const raw = value as Record<string, unknown>
  const digest = raw.digest === undefined ? undefined : parseDigest(raw.digest)
  const deltas = raw.deltas === undefined ? undefined : parseDeltas(raw.deltas)
  const isWrong = (raw.digest !== undefined && !digest) || (raw.deltas !== undefined && !deltas)
  if (isWrong || (raw.fingerprint !== undefined && !isCount(raw.fingerprint))) return undefined
  return {
    ...(raw.fingerprint === undefined ? {} : { fingerprint: raw.fingerprint as number }),
    ...(raw.same === true ? { same: true } : {}),
    ...(digest ? { digest } : {}),
    ...(deltas ? { deltas } : {}),
  }
}

function encodeDelta({ owner, generation, from, to, upTo, entries }: ServiceDelta): JsonValue {
  const list = entries.map(({ number, count, facts }) => [number, count, (facts ?? null) as unknown as JsonValue])
  return [owner, generation, from, to, upTo, list]
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isOwner = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= MAX_OWNER_LENGTH

function parseDigest(value: unknown): Digest | undefined {
  if (!Array.isArray(value) || value.length > MAX_OWNERS) return undefined
  const digest = new Map<string, { generation: number; count: number }>()
  for (const item of value as unknown[]) {
    if (!Array.isArray(item)) return undefined
    const [owner, generation, count] = item as unknown[]
    if (!isOwner(owner) || !isCount(generation) || !isCount(count)) return undefined
    digest.set(owner, { generation, count })
  }
  return digest
}

function parseDeltas(value: unknown): ServiceDelta[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_DELTAS) return undefined
  const deltas = (value as unknown[]).map(parseDelta)
  return deltas.every((delta) => delta !== undefined) ? deltas : undefined
}

function parseDelta(value: unknown): ServiceDelta | undefined {
  if (!Array.isArray(value)) return undefined
  const [owner, generation, from, to, upTo, list] = value as unknown[]
  const areCounts = isCount(generation) && isCount(from) && isCount(to) && isCount(upTo)
  if (!isOwner(owner) || !areCounts || !Array.isArray(list) || list.length > MAX_ENTRIES) return undefined
  const entries = (list as unknown[]).map(parseEntry)
  if (!entries.every((entry) => entry !== undefined)) return undefined
  return { owner, generation, from, to, upTo, entries }
}

function parseEntry(value: unknown): RegistryEntry<ServiceFacts> | undefined {
  if (!Array.isArray(value)) return undefined
  const [number, count, raw] = value as unknown[]
  if (!isCount(number) || !isCount(count)) return undefined
  if (raw === null) return { number, count, facts: undefined }
  const facts = parseFacts(raw)
  return facts ? { number, count, facts } : undefined
}
