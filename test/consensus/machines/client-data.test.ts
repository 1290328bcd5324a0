import {
  type ClaimKind,
  type ClientCommand,
  type ClusterCommand,
  ClusterMachine,
  type ClusterReply,
  type ClusterState,
  defaultClusterBounds,
} from '../../../consensus/index.ts'
import { testStateMachine } from '../../../src/testing/compliance/state-machine.ts'

const write = (operations: Extract<ClientCommand, { type: 'write' }>['operations']): ClientCommand => ({
  type: 'write',
  conditions: [],
  operations,
  otherwise: undefined,
})
const set = (key: string, value: string): ClientCommand => write([{ type: 'set', key, value }])
const inSession = (sequence: number, command: ClientCommand, floor = 1): ClusterCommand => ({
  type: 'in-session',
  session: 1,
  sequence,
  floor,
  command,
})

const claim = (owner: string, kind: ClaimKind = 'lock', limit = 1): ClientCommand => ({
  type: 'claim',
  kind,
  name: 'n',
  owner,
  leaseMs: 1_000,
  limit,
  waits: true,
  value: 'null',
})
const thing = { kind: 'lock', name: 'n' } as const

const commands: readonly ClusterCommand[] = [
  { type: 'open-session' },
  inSession(1, set('a', '1')),
  inSession(1, set('a', '1')),
  inSession(2, set('b', '"x"')),
  set('c', '3'),
  inSession(
    3,
    write([
      { type: 'delete', key: 'b' },
      { type: 'set', key: 'd', value: '4' },
    ]),
    2,
  ),
  inSession(5, write([{ type: 'rollback', key: 'b', revision: 4 }]), 2),
  { type: 'open-session' },
  { ...inSession(1, set('e', '5')), session: 8 } as ClusterCommand,
  inSession(6, claim('a')),
  inSession(7, claim('b')),
  claim('c'),
  { type: 'renew-claim', ...thing, claim: 11 },
  inSession(8, { type: 'end-claim', ...thing, claim: 10 }),
  { type: 'expire-claim', ...thing, claim: 11, renewedAt: 13 },
  claim('a', 'semaphore', 2),
  claim('a', 'barrier', 2),
  claim('b', 'barrier', 2),
  claim('b', 'barrier', 2),
  claim('a', 'singleton'),
  inSession(9, { type: 'count', name: 'n', add: 5, subtract: 0 }),
  inSession(9, { type: 'count', name: 'n', add: 5, subtract: 0 }),
]

testStateMachine<ClusterCommand, ClusterReply, ClusterState>('client data', {
  create: () => new ClusterMachine({ ...defaultClusterBounds, maxHistoryChanges: 4 }),
  history: commands.map((command) => ({ term: 1, command })),
  harmless: {
    term: 2,
    commands: [
      { type: 'write', conditions: [{ type: 'exists', key: 'z' }], operations: [], otherwise: undefined },
      write([{ type: 'delete', key: 'z' }]),
      write([{ type: 'rollback', key: 'a', revision: 1 }]),
      set('', '1'),
      { ...inSession(1, set('z', '1')), session: 7 } as ClusterCommand,
      inSession(1, set('z', '1')),
      claim('c'),
      { ...claim('z'), waits: false } as ClusterCommand,
      claim('z', 'semaphore', 3),
      { type: 'renew-claim', ...thing, claim: 10 },
      { type: 'end-claim', ...thing, claim: 10 },
      { type: 'expire-claim', ...thing, claim: 12, renewedAt: 11 },
      { type: 'count', name: '', add: 1, subtract: 0 },
    ],
  },
  unknown: { type: 'set-topology', name: 'ring' } as unknown as ClusterCommand,
})
