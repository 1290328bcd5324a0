import { type ClusterCommand, ClusterMachine, type ClusterReply, type ClusterState } from '../../../consensus/index.ts'
import { testStateMachine } from '../../../src/testing/compliance/state-machine.ts'

const payload = new Uint8Array([4, 5, 6])
const proposal = { request: 'r', required: ['id-1', 'id-2'], timeoutMs: 30_000, at: 5 }

testStateMachine<ClusterCommand, ClusterReply, ClusterState>('cluster', {
  create: () => new ClusterMachine(),
  history: [
    { term: 1, command: { type: 'bind-name', name: 'alpha', id: 'id-1', replaces: undefined } },
    { term: 1, command: { type: 'bind-name', name: 'beta', id: 'id-2', replaces: undefined } },
    { term: 1, command: { type: 'activate', singleton: 's5', host: 'id-1', term: 1 } },
    { term: 1, command: { type: 'decide', singleton: 's5', token: 3, payload } },
    { term: 1, command: { type: 'bind-name', name: 'beta', id: 'id-3', replaces: 'id-2' } },
    { term: 1, command: { type: 'release', singleton: 's5', token: 3 } },
    { term: 2, command: { type: 'activate', singleton: 's5', host: 'id-2', term: 2 } },
    { term: 2, command: { type: 'decide', singleton: 's5', token: 7, payload } },
    { term: 2, command: { type: 'found-topology', name: 'hyparview' } },
    { term: 2, command: { type: 'propose-topology', ...proposal, epoch: 0, to: 'full-mesh' } },
    { term: 2, command: { type: 'strike-member', proposal: 10, member: 'id-2' } },
    { term: 2, command: { type: 'commit-topology', proposal: 10 } },
    { term: 2, command: { type: 'propose-topology', ...proposal, epoch: 1, to: 'client-server' } },
    { term: 3, command: { type: 'abort-topology', proposal: 13, reason: 'deadline' } },
    { term: 3, command: { type: 'propose-topology', ...proposal, epoch: 1, to: 'hyparview' } },
  ],
  harmless: {
    term: 3,
    commands: [
      { type: 'bind-name', name: 'alpha', id: 'id-9', replaces: undefined },
      { type: 'bind-name', name: 'beta', id: 'id-9', replaces: 'id-2' },
      { type: 'bind-name', name: 'alpha', id: 'id-1', replaces: undefined },
      { type: 'bind-name', name: '', id: 'id-9', replaces: undefined },
      { type: 'activate', singleton: 's5', host: 'id-9', term: 2 },
      { type: 'release', singleton: 's5', token: 3 },
      { type: 'release', singleton: 's4', token: 3 },
      { type: 'decide', singleton: 's5', token: 3, payload },
      { type: 'decide', singleton: 's4', token: 3, payload },
      { type: 'found-topology', name: 'client-server' },
      { type: 'propose-topology', ...proposal, epoch: 1, to: 'client-server' },
      { type: 'strike-member', proposal: 15, member: 'id-9' },
      { type: 'strike-member', proposal: 13, member: 'id-1' },
      { type: 'commit-topology', proposal: 13 },
      { type: 'abort-topology', proposal: 10, reason: 'deadline' },
    ],
  },
  unknown: { type: 'set-topology', name: 'ring' } as unknown as ClusterCommand,
})
