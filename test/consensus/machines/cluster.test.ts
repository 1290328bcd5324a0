import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ClusterCommand, ClusterMachine, type ClusterReply, type ClusterState } from '../../../consensus/index.ts'
import { testStateMachine } from '../../../src/testing/compliance/state-machine.ts'

const payload = new Uint8Array([4, 5, 6])

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
    ],
  },
  unknown: { type: 'set-topology', name: 'ring' } as unknown as ClusterCommand,
})

describe('cluster machine', () => {
  it('begins with a full mesh at epoch 0', () => {
    assert.deepEqual(new ClusterMachine().topology, { epoch: 0, name: 'full-mesh' })
  })

  it('takes up the topology of a snapshot', () => {
    const machine = new ClusterMachine()
    machine.restore({ names: [], singletons: [], topology: { epoch: 2, name: 'hyparview' } })
    assert.deepEqual(machine.topology, { epoch: 2, name: 'hyparview' })
  })
})
