// What a broken member sends: messages of every kind with numbers at their ends and the names of real members in odd
// places, requests of every subject with payloads that make no sense, frames with flipped, missing and repeated bytes.
// All of it is drawn from a seed.

import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import type { Prng } from '../../../src/testing/simulator/random.ts'
import type { Envelope } from '../../../src/wire/envelope.ts'
import { MAX_UPDATES_PER_MESSAGE } from '../../../src/wire/limits.ts'
import type { WireMessage } from '../../../src/wire/message.ts'
import type { MemberRecord } from '../../../topology/index.ts'
import { arbitraryMessage } from '../../src/wire/arbitrary-message.ts'
import type { Victim } from './broken-member.ts'

const subjects = [
  ...['swim', 'registry', 'topology.step', 'topology.switch', 'service.remove', 'service.calls', 'why', 'admit'],
  ...['singleton.x', 'read', 'submit', 'transfer', 'links', 's5.command', 's5.request', 'no such subject'],
].map((name) => `trellis.${name}`)
const numbers = [0, 1, 2, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1]
const namedKeys = new Set(['id', 'target', 'member', 'by', 'leader', 'host', 'source', 'destination', 'name', 'origin'])
/** More than any frame may have. */
const oversize = 8 * 1_048_576

export interface Stage {
  readonly victims: readonly Victim[]
  readonly clusterId: string
  readonly self: string
  readonly random: Prng
}

/** Messages as they are drawn, `count` of them, with the names of real members and odd numbers in them. */
export function drawMessages(stage: Stage, count: number): WireMessage[] {
  const drawn = fc.sample(arbitraryMessage, { seed: stage.random.integer(2 ** 31), numRuns: count })
  return drawn
    .filter(({ type }) => type !== 'goodbye' && type !== 'refuse')
    .map((message) => twist(stage, message) as WireMessage)
}

/**
 * That the members of `records` have begun later lives, are elsewhere, and are gone, under the signatures that they
 * gave for what they did say.
 */
export function laterLives(records: readonly MemberRecord[]): WireMessage {
  const lives = [1, 2, 1_000_000].flatMap((later) =>
    records.flatMap((record) => {
      const { generation } = record.incarnation
      const incarnation = { generation: generation + later, refutation: 2 ** 32 - 1 }
      const lie = { ...record, incarnation, address: '127.0.0.1:1' }
      const { signature: _, ...unsigned } = lie
      return (['alive', 'left'] as const).flatMap((state) => [
        { ...lie, state },
        { ...unsigned, state },
      ])
    }),
  )
  const updates = lives.map((record) => ({ type: 'record', record }) as const)
  return { type: 'swim', message: { type: 'gossip', updates: updates.slice(0, MAX_UPDATES_PER_MESSAGE) } }
}

function twist(stage: Stage, value: unknown, key = ''): unknown {
  const { random, victims, clusterId, self } = stage
  if (value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map((item) => twist(stage, item, key))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, twist(stage, inner, name)]))
  if (key === 'clusterId') return random.chance(0.9) ? clusterId : value
  if (typeof value === 'string' && namedKeys.has(key) && random.chance(0.7))
    return random.pick([self, ...victims.map(({ id, name }) => (key === 'name' ? name : id))])
  if (typeof value === 'number' && key !== 'hops' && key !== 'livenessPort' && key !== 'offset' && random.chance(0.3))
    return random.pick(numbers)
  return value
}

/** A request, a message or an acknowledgement whose payload makes no sense to whoever gets it. */
export function drawEnvelope({ random, victims, self }: Stage, victim: Victim): Envelope {
  const encoding = random.pick(['bytes', 'json'] as const)
  return {
    kind: random.pick(['message', 'request', 'request', 'reply', 'error', 'ack', 'newest', 'causal'] as const),
    id: random.pick(numbers),
    source: random.pick([self, self, ...victims.map(({ id }) => id)]),
    sourceGeneration: random.pick([1, ...numbers]),
    destination: random.chance(0.8) ? victim.id : random.pick(victims).id,
    destinationGeneration: random.pick([0, victim.generation, ...numbers]),
    channel: 'coordination',
    sequence: random.pick(numbers),
    floor: random.pick(numbers),
    key: random.chance(0.3) ? 'a key' : undefined,
    epoch: random.pick(numbers),
    hops: random.pick([0, 1, 15, 16]),
    trace: undefined,
    deadlineMs: random.chance(0.5) ? random.pick(numbers) : undefined,
    subject: random.chance(0.9) ? random.pick(subjects) : undefined,
    topic: random.chance(0.1) ? 'a.topic' : undefined,
    encoding,
    payload: encoding === 'json' ? Buffer.from(drawJson(random)) : drawBytes(random, random.integer(200)),
  }
}

/** Text that is JSON, most of the time. */
export function drawJson(random: Prng): string {
  const value = random.pick<unknown>([
    null,
    [],
    {},
    '',
    -1,
    { type: 'count', name: 'n', add: 1e308 },
    { query: { type: 'config' }, kind: 'awaited' },
    { entries: [{ id: '__proto__', owner: {} }], digest: { a: 2 ** 53 } },
    { member: { toString: 1 }, name: [[[[[]]]]] },
    Array.from({ length: 2_000 }, (_, i) => i),
  ])
  const text = JSON.stringify(value)
  return random.chance(0.1) ? text.slice(0, -1) : random.chance(0.05) ? '['.repeat(20_000) : text
}

export function drawBytes(random: Prng, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.integer(256))
}

/** Some of its bytes changed, cut off, or said to be more than there are. */
export function damage({ random }: Stage, frame: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(frame)
  const draw = random.next()
  if (draw < 0.1) return bytes.subarray(0, random.integer(bytes.length + 1))
  if (draw < 0.15) return Buffer.concat([bytes, bytes])
  if (draw < 0.2) new DataView(bytes.buffer).setUint32(0, random.pick([0, oversize, 2 ** 31, 2 ** 32 - 1]))
  else
    for (let flips = 1 + random.integer(4); flips > 0; flips--)
      bytes[4 + random.integer(Math.max(1, bytes.length - 4))] = random.integer(256)
  return bytes
}
