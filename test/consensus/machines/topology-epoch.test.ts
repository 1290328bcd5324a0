import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type ClusterCommand,
  ClusterMachine,
  type ClusterReply,
  defaultClusterBounds,
} from '../../../consensus/index.ts'

/** A machine, and its entries one after the other from index 1. */
function machine(bounds = defaultClusterBounds): {
  machine: ClusterMachine
  say: (command: ClusterCommand) => ClusterReply
} {
  const machine = new ClusterMachine(bounds)
  let index = 0
  return { machine, say: (command) => machine.apply({ index: ++index, term: 1 }, command) }
}

function propose(epoch: number, to: string, required = ['a', 'b', 'c']): ClusterCommand {
  return { type: 'propose-topology', epoch, to, request: `to ${to}`, required, timeoutMs: 30_000, at: 7 }
}

describe('the topology in the log', () => {
  it('is a full mesh at epoch 0 until the first leader says otherwise, once', () => {
    const { machine: cluster, say } = machine()
    assert.deepEqual([cluster.topology.name, cluster.topology.isFounded], ['full-mesh', false])
    assert.equal(say({ type: 'found-topology', name: 'hyparview' }).type, 'ok')
    assert.deepEqual(
      [cluster.topology.name, cluster.topology.epoch, cluster.topology.isFounded],
      ['hyparview', 0, true],
    )
    const late = say({ type: 'found-topology', name: 'client-server' })
    assert.deepEqual(late, { type: 'topology-moved', epoch: 0, name: 'hyparview' })
  })

  it('moves by one epoch with each committed switch, and remembers it', () => {
    const { machine: cluster, say } = machine()
    assert.deepEqual(say(propose(0, 'hyparview')), { type: 'ok', index: 1 })
    assert.equal(cluster.topology.name, 'full-mesh')
    assert.equal(say({ type: 'commit-topology', proposal: 1 }).type, 'ok')
    const { epoch, name, proposal, history } = cluster.topology
    assert.deepEqual([epoch, name, proposal], [1, 'hyparview', undefined])
    const ended = { index: 1, request: 'to hyparview', epoch: 1, from: 'full-mesh', to: 'hyparview', at: 7 }
    assert.deepEqual(history, [{ ...ended, outcome: 'committed', reason: '' }])
  })

  it('stays as it was when a switch is aborted, and remembers why', () => {
    const { machine: cluster, say } = machine()
    say(propose(0, 'hyparview'))
    assert.equal(say({ type: 'abort-topology', proposal: 1, reason: 'deadline' }).type, 'ok')
    const { epoch, name, proposal, history } = cluster.topology
    assert.deepEqual([epoch, name, proposal], [0, 'full-mesh', undefined])
    assert.deepEqual([history[0]?.outcome, history[0]?.epoch, history[0]?.reason], ['aborted', 0, 'deadline'])
  })

  it('has one switch under way at a time', () => {
    const { say } = machine()
    say(propose(0, 'hyparview'))
    assert.deepEqual(say(propose(0, 'client-server')), { type: 'switch-in-progress', proposal: 1, to: 'hyparview' })
  })

  it('begins no switch that was made for another epoch, or to where the cluster is', () => {
    const { say } = machine()
    assert.deepEqual(say(propose(1, 'hyparview')), { type: 'topology-moved', epoch: 0, name: 'full-mesh' })
    assert.deepEqual(say(propose(0, 'full-mesh')), { type: 'topology-moved', epoch: 0, name: 'full-mesh' })
  })

  it('ends a switch once: of commit and abort the first entry counts', () => {
    for (const [first, second] of [
      ['commit-topology', 'abort-topology'],
      ['abort-topology', 'commit-topology'],
    ] as const) {
      const { machine: cluster, say } = machine()
      say(propose(0, 'hyparview'))
      say({ type: first, proposal: 1, reason: 'x' })
      const { epoch } = cluster.topology
      assert.deepEqual(say({ type: second, proposal: 1, reason: 'x' }), { type: 'no-such-switch', proposal: 1 })
      assert.equal(cluster.topology.epoch, epoch)
    }
  })

  it('goes on without a struck member, and strikes nobody twice', () => {
    const { machine: cluster, say } = machine()
    say(propose(0, 'hyparview'))
    assert.equal(say({ type: 'strike-member', proposal: 1, member: 'b' }).type, 'ok')
    assert.deepEqual(cluster.topology.proposal?.required, ['a', 'c'])
    assert.equal(say({ type: 'strike-member', proposal: 1, member: 'b' }).type, 'no-such-switch')
  })

  it('refuses what passes a bound', () => {
    const { say } = machine({ ...defaultClusterBounds, maxRequiredMembers: 2, maxTopologyTextLength: 10 })
    const long = 'x'.repeat(11)
    assert.deepEqual(say(propose(0, 'ring')), { type: 'refused', reason: 'too-many-required' })
    assert.deepEqual(say(propose(0, long, ['a'])), { type: 'refused', reason: 'topology-text-length' })
    assert.deepEqual(say({ type: 'found-topology', name: '' }), { type: 'refused', reason: 'topology-text-length' })
  })

  it('forgets the oldest of too many ended switches', () => {
    const { machine: cluster, say } = machine({ ...defaultClusterBounds, maxEndedSwitches: 2 })
    const names = ['hyparview', 'full-mesh', 'client-server']
    for (const [epoch, to] of names.entries()) {
      const reply = say(propose(epoch, to))
      assert.equal(reply.type, 'ok')
      if (reply.type === 'ok') say({ type: 'commit-topology', proposal: reply.index })
    }
    assert.deepEqual(
      cluster.topology.history.map(({ epoch, to }) => [epoch, to]),
      [
        [2, 'full-mesh'],
        [3, 'client-server'],
      ],
    )
  })
})
