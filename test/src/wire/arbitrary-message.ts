// Any message that a node could send, as fast-check draws them: within every bound, and odd in every other way.

import fc from 'fast-check'
import type { WireMessage } from '../../../src/wire/message.ts'
import type { MemberRecord } from '../../../topology/index.ts'
import { arbitraryCommand } from './arbitrary-command.ts'
import { bytes, maybe, number, text } from './arbitrary-values.ts'

const signature = fc.uint8Array({ maxLength: 72 }).map((shown) => Buffer.from(shown).toString('base64url'))

const unsigned: fc.Arbitrary<MemberRecord> = fc.record({
  id: text,
  name: text,
  address: text,
  roles: fc.array(text, { maxLength: 4 }),
  zone: text,
  livenessPort: fc.nat(65_535),
  incarnation: fc.record({ generation: number, refutation: number }),
  state: fc.constantFrom('alive', 'suspect', 'down', 'left'),
  condition: fc.constantFrom('ok', 'draining', 'stalled'),
})
const member = fc.oneof(
  unsigned,
  fc.tuple(unsigned, signature).map(([record, shown]): MemberRecord => ({ ...record, signature: shown })),
)

const update = fc.oneof(
  fc.record({ type: fc.constant('record' as const), record: member }),
  fc.record({
    type: fc.constant('accusation' as const),
    member: text,
    incarnation: fc.record({ generation: number, refutation: number }),
    by: text,
    kind: fc.constantFrom('silent' as const, 'refused' as const),
  }),
)
const updates = fc.array(update, { maxLength: 4 })

const swim: fc.Arbitrary<WireMessage> = fc
  .oneof(
    fc.record({ type: fc.constant('ping' as const), probe: number, updates }),
    fc.record({ type: fc.constantFrom('ack', 'ping-req', 'nack'), probe: number, target: text, updates }),
    fc.record({ type: fc.constant('gossip' as const), updates }),
    fc.record({
      type: fc.constant('push-pull' as const),
      reply: fc.boolean(),
      records: fc.array(member, { maxLength: 4 }),
    }),
  )
  .map((message) => ({ type: 'swim', message }))

const set = fc.array(text, { maxLength: 5 })
const forming: fc.Arbitrary<WireMessage> = fc
  .oneof(
    fc.record({ type: fc.constant('candidate' as const), expect: number, storeId: text, found: set }),
    fc.record({ type: fc.constant('confirm' as const), set, storeId: text, round: number, answers: number }),
    fc.record({ type: fc.constant('renounce' as const), set, round: number, answers: number }),
    fc.record({ type: fc.constant('inquire' as const), set, round: number }),
    fc.record({
      type: fc.constant('vouch' as const),
      set,
      founders: fc.array(fc.record({ id: text, storeId: text }), { maxLength: 3 }),
      answers: number,
    }),
    fc.record({
      type: fc.constant('formed' as const),
      set,
      founders: fc.array(fc.record({ id: text, storeId: text }), { maxLength: 3 }),
      alive: fc.boolean(),
    }),
  )
  .map((message) => ({ type: 'forming', message }))

const voters = fc.array(fc.record({ id: text, storeId: text }), { maxLength: 3 })
const configuration = fc.record({ voters, outgoing: voters, learners: voters })
const entry = fc.oneof(
  fc.record({ index: number, term: number, command: maybe(arbitraryCommand) }),
  fc.record({ index: number, term: number, command: fc.constant(undefined), configuration }),
)

const raft: fc.Arbitrary<WireMessage> = fc
  .oneof(
    fc.record({ type: fc.constantFrom('timeout-now' as const, 'read-index' as const), term: number, round: number }),
    fc.record({ type: fc.constant('read-index-reply' as const), term: number, round: number, index: maybe(number) }),
    fc.record({
      type: fc.constant('snapshot' as const),
      term: number,
      round: number,
      snapshot: fc.record({ index: number, term: number, configuration, id: text, size: number }),
      offset: number,
      bytes,
    }),
    fc.record({
      type: fc.constant('snapshot-reply' as const),
      term: number,
      round: number,
      index: number,
      id: text,
      offset: number,
    }),
    fc.record({
      type: fc.constantFrom('pre-vote' as const, 'vote' as const, 'transfer-vote' as const),
      term: number,
      round: number,
      lastIndex: number,
      lastTerm: number,
    }),
    fc.record({
      type: fc.constantFrom('pre-vote-reply' as const, 'vote-reply' as const),
      term: number,
      round: number,
      granted: fc.boolean(),
    }),
    fc.record({
      type: fc.constant('append' as const),
      term: number,
      round: number,
      previousIndex: number,
      previousTerm: number,
      commitIndex: number,
      entries: fc.array(entry, { maxLength: 4 }),
    }),
    fc.record({
      type: fc.constant('append-reply' as const),
      term: number,
      round: number,
      accepted: fc.boolean(),
      matchIndex: number,
      hintIndex: number,
      hintTerm: number,
    }),
  )
  .map((message) => ({ type: 'raft', message }))

const record: fc.Arbitrary<WireMessage> = fc
  .record({
    clusterId: text,
    index: number,
    term: number,
    leader: text,
    voters: fc.array(fc.record({ id: text, storeId: text }), { maxLength: 5 }),
    learners: voters,
    topology: fc.record({ name: text, epoch: number }),
    s5: fc.record({ host: text, token: number, active: fc.boolean() }),
    beat: number,
  })
  .map((value) => ({ type: 'record', record: value }))

const contacts: fc.Arbitrary<WireMessage> = fc
  .array(fc.record({ id: text, address: text }), { maxLength: 4 })
  .map((value) => ({ type: 'contacts', contacts: value }))

const envelope: fc.Arbitrary<WireMessage> = fc
  .record({
    kind: fc.constantFrom('message' as const, 'request' as const, 'reply' as const, 'error' as const),
    id: number,
    source: text,
    sourceGeneration: number,
    destination: text,
    destinationGeneration: number,
    channel: fc.constantFrom('coordination' as const, 'events' as const, 'gossip' as const, 'data' as const),
    sequence: number,
    floor: number,
    key: maybe(text),
    epoch: number,
    hops: fc.nat(255),
    trace: maybe(text),
    deadlineMs: maybe(number),
    subject: maybe(text),
    topic: maybe(text),
    encoding: fc.constantFrom('bytes' as const, 'json' as const),
    payload: bytes,
  })
  .map((value) => ({ type: 'envelope', envelope: value }))

const broadcastId = fc.record({ origin: text, generation: number, sequence: number })
const plumtree: fc.Arbitrary<WireMessage> = fc
  .oneof(
    fc.record({ type: fc.constant('push' as const), id: broadcastId, hops: fc.nat(255), payload: bytes }),
    fc.record({
      type: fc.constant('i-have' as const),
      announcements: fc.array(fc.record({ id: broadcastId, hops: fc.nat(255) }), { maxLength: 4 }),
    }),
    fc.record({ type: fc.constant('graft' as const), id: maybe(broadcastId) }),
    fc.record({ type: fc.constant('prune' as const) }),
  )
  .map((message) => ({ type: 'plumtree', message }))

const hold: fc.Arbitrary<WireMessage> = fc.record({
  type: fc.constant('hold' as const),
  kind: fc.constantFrom('none' as const, 'on-demand' as const, 'overlay' as const, 'pinned' as const),
})

const overlay: fc.Arbitrary<WireMessage> = fc.record({
  type: fc.constant('overlay' as const),
  epoch: number,
  payload: bytes,
})

const helloFields = {
  magic: fc.nat(0xffffffff),
  versionMin: number,
  versionMax: number,
  features: fc.nat(0xffffffff),
  clusterName: text,
  clusterId: text,
  id: text,
  name: text,
  generation: number,
  instance: fc.uint8Array({ minLength: 8, maxLength: 8 }),
  address: text,
  storeId: text,
  fresh: fc.boolean(),
  expect: number,
  roles: fc.array(text, { maxLength: 3 }),
  zone: text,
  channel: fc.constantFrom('coordination' as const, 'data' as const),
  ticket: maybe(bytes),
  evidence: bytes,
  proof: fc.uint8Array({ minLength: 32, maxLength: 32 }),
}
const { evidence: _, ...ofFormer } = helloFields
const hello: fc.Arbitrary<WireMessage> = fc
  .oneof(fc.record(helloFields), fc.record(ofFormer))
  .map((value) => ({ type: 'hello', hello: value }))

const around: fc.Arbitrary<WireMessage> = fc.oneof(
  fc.record({ type: fc.constant('accept' as const), wall: fc.nat() }, { requiredKeys: ['type'] }),
  fc.record({ type: fc.constant('refuse' as const), code: text, detail: text }),
  fc.record({ type: fc.constant('goodbye' as const), reason: text }),
)

/** Cloned, because fast-check likes objects without a prototype and a decoder makes plain ones. */
export const arbitraryMessage: fc.Arbitrary<WireMessage> = fc
  .oneof(swim, forming, contacts, raft, record, envelope, plumtree, overlay, hold, hello, around)
  .map((message) => structuredClone(message))
