// One message of every number, small enough to be read as bytes. Their golden bytes stand in `golden/`.

import type { Envelope } from '../../../src/wire/envelope.ts'
import type { Hello } from '../../../src/wire/hello.ts'
import type { WireMessage } from '../../../src/wire/message.ts'
import type { ClusterRecord } from '../../../src/wire/record.ts'
import type { MemberRecord } from '../../../topology/index.ts'

export const sampleHello: Hello = {
  magic: 0x54524c53,
  versionMin: 1,
  versionMax: 2,
  features: 0,
  clusterName: 'trellis',
  clusterId: 'cluster-1',
  id: 'id-a',
  name: 'a',
  generation: 3,
  instance: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  address: '127.0.0.1:7401',
  storeId: 'store-a',
  fresh: true,
  expect: 5,
  roles: ['server', 'client'],
  zone: 'z',
  channel: 'coordination',
  ticket: undefined,
  proof: Uint8Array.from({ length: 32 }, (_, index) => index),
}

const member: MemberRecord = {
  id: 'id-b',
  name: 'b',
  address: '[::1]:7402',
  roles: [],
  zone: '',
  livenessPort: 7402,
  incarnation: { generation: 300, refutation: 1 },
  state: 'suspect',
  condition: 'stalled',
}

const updates = [
  { type: 'record', record: member },
  {
    type: 'accusation',
    member: 'id-b',
    incarnation: { generation: 300, refutation: 1 },
    by: 'id-a',
    kind: 'refused',
  },
] as const

const record: ClusterRecord = {
  clusterId: 'cluster-1',
  index: 12,
  term: 3,
  leader: 'id-a',
  voters: [{ id: 'id-a', storeId: 'store-a' }],
  learners: [{ id: 'id-b', storeId: 'store-b' }],
  topology: { name: 'full-mesh', epoch: 0 },
  s5: { host: 'id-a', token: 11, active: true },
  beat: 7,
}

const envelope: Envelope = {
  kind: 'request',
  id: 5,
  source: 'id-a',
  sourceGeneration: 3,
  destination: 'id-b',
  destinationGeneration: 300,
  channel: 'data',
  sequence: 9,
  floor: 8,
  key: 'customer-7',
  epoch: 1,
  hops: 2,
  trace: undefined,
  deadlineMs: 200,
  subject: 'billing',
  topic: undefined,
  encoding: 'json',
  payload: Uint8Array.of(123, 125),
}

const raft = { term: 4, round: 6 } as const

const configuration = {
  voters: [
    { id: 'id-a', storeId: 'store-a' },
    { id: 'id-c', storeId: 'store-c' },
  ],
  outgoing: [{ id: 'id-a', storeId: 'store-a' }],
  learners: [{ id: 'id-d', storeId: 'store-d' }],
}

export const sampleMessages: readonly WireMessage[] = [
  { type: 'hello', hello: sampleHello },
  { type: 'hello', hello: { ...sampleHello, roles: [], fresh: false, ticket: Uint8Array.of(9, 9) } },
  { type: 'accept' },
  { type: 'accept', wall: 1_767_225_600_000 },
  { type: 'refuse', code: 'name-taken', detail: 'id-b' },
  { type: 'goodbye', reason: 'leaving' },
  { type: 'swim', message: { type: 'ping', probe: 1, updates } },
  { type: 'swim', message: { type: 'ack', probe: 1, target: 'id-b', updates: [] } },
  { type: 'swim', message: { type: 'ping-req', probe: 2, target: 'id-b', updates: [] } },
  { type: 'swim', message: { type: 'nack', probe: 2, target: 'id-b', updates: [] } },
  { type: 'swim', message: { type: 'gossip', updates } },
  { type: 'swim', message: { type: 'push-pull', reply: true, records: [member] } },
  { type: 'forming', message: { type: 'candidate', expect: 3, storeId: 'store-a', found: ['id-a', 'id-b'] } },
  { type: 'forming', message: { type: 'confirm', set: ['id-a', 'id-b'], storeId: 'store-a', round: 77, answers: 0 } },
  { type: 'forming', message: { type: 'renounce', set: ['id-a', 'id-b'], round: 0, answers: 77 } },
  {
    type: 'forming',
    message: { type: 'formed', set: ['id-a'], founders: [{ id: 'id-a', storeId: 'store-a' }], alive: true },
  },
  { type: 'raft', message: { type: 'pre-vote', ...raft, lastIndex: 10, lastTerm: 3 } },
  { type: 'raft', message: { type: 'pre-vote-reply', ...raft, granted: false } },
  { type: 'raft', message: { type: 'vote', ...raft, lastIndex: 10, lastTerm: 3 } },
  { type: 'raft', message: { type: 'vote-reply', ...raft, granted: true } },
  {
    type: 'raft',
    message: {
      type: 'append',
      ...raft,
      previousIndex: 10,
      previousTerm: 3,
      commitIndex: 9,
      entries: [
        { index: 11, term: 4, command: undefined },
        { index: 12, term: 4, command: { type: 'bind-name', name: 'a', id: 'id-a', replaces: undefined } },
        { index: 13, term: 4, command: { type: 'bind-name', name: 'a', id: 'id-c', replaces: 'id-a' } },
        { index: 14, term: 4, command: { type: 'activate', singleton: 's5', host: 'id-a', term: 4 } },
        { index: 15, term: 4, command: { type: 'release', singleton: 's5', token: 14 } },
        { index: 16, term: 4, command: { type: 'decide', singleton: 's5', token: 14, payload: Uint8Array.of(255) } },
      ],
    },
  },
  {
    type: 'raft',
    message: { type: 'append-reply', ...raft, accepted: false, matchIndex: 0, hintIndex: 8, hintTerm: 2 },
  },
  {
    type: 'contacts',
    contacts: [
      { id: member.id, address: member.address },
      { id: 'b', address: '[::1]:7402' },
    ],
  },
  { type: 'record', record },
  { type: 'envelope', envelope },
  {
    type: 'envelope',
    envelope: { ...envelope, kind: 'message', key: undefined, subject: undefined, topic: 'orders.*', trace: '00-ab' },
  },
  { type: 'overlay', epoch: 300, payload: Uint8Array.of(1, 2, 255) },
  {
    type: 'raft',
    message: {
      type: 'append',
      ...raft,
      previousIndex: 16,
      previousTerm: 4,
      commitIndex: 9,
      entries: [{ index: 17, term: 4, command: undefined, configuration }],
    },
  },
  { type: 'raft', message: { type: 'timeout-now', ...raft } },
  { type: 'raft', message: { type: 'transfer-vote', ...raft, lastIndex: 10, lastTerm: 3 } },
  { type: 'raft', message: { type: 'read-index', ...raft } },
  { type: 'raft', message: { type: 'read-index-reply', ...raft, index: 300 } },
  { type: 'raft', message: { type: 'read-index-reply', ...raft, index: undefined } },
  {
    type: 'raft',
    message: {
      type: 'snapshot',
      ...raft,
      snapshot: { index: 300, term: 3, configuration, id: 'store-a/300', size: 4_000 },
      offset: 200,
      bytes: Uint8Array.of(0, 1, 255),
    },
  },
  { type: 'raft', message: { type: 'snapshot-reply', ...raft, index: 300, id: 'store-a/300', offset: 203 } },
  { type: 'hold', kind: 'overlay' },
  {
    type: 'plumtree',
    message: {
      type: 'push',
      id: { origin: 'id-a', generation: 300, sequence: 7 },
      hops: 3,
      payload: Uint8Array.of(1, 2),
    },
  },
  {
    type: 'plumtree',
    message: { type: 'i-have', announcements: [{ id: { origin: 'id-a', generation: 300, sequence: 7 }, hops: 3 }] },
  },
  { type: 'plumtree', message: { type: 'graft', id: { origin: 'id-a', generation: 300, sequence: 7 } } },
  { type: 'plumtree', message: { type: 'graft', id: undefined } },
  { type: 'plumtree', message: { type: 'prune' } },
]

/** What is in these exists since version 2. */
export const versionTwoMessages: readonly WireMessage[] = [
  { type: 'refuse', code: 'rolled-back', detail: '9', evidence: Uint8Array.of(9, 8, 7) },
  { type: 'swim', message: { type: 'push-pull', reply: false, records: [{ ...member, signature: 'AQID_-8' }] } },
  {
    type: 'swim',
    message: { type: 'gossip', updates: [{ type: 'record', record: { ...member, signature: 'AQID' } }, ...updates] },
  },
  { type: 'forming', message: { type: 'inquire', set: ['id-a', 'id-b'], round: 77 } },
  {
    type: 'forming',
    message: { type: 'vouch', set: ['id-a'], founders: [{ id: 'id-a', storeId: 'store-a' }], answers: 77 },
  },
]

/** What a message is called in the golden file. */
export function nameOf(message: WireMessage): string {
  switch (message.type) {
    case 'swim':
    case 'forming':
    case 'plumtree':
    case 'raft':
      return `${message.type} ${message.message.type}`
    case 'envelope':
      return `envelope ${message.envelope.kind}`
    case 'lane':
      return `lane ${message.kind}`
    default:
      return message.type
  }
}
