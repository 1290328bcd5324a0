// The end of a cluster in its log: decided once, refused while there is something to lose, and the last thing that is
// applied.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ClusterCommand, ClusterMachine } from '../../../consensus/index.ts'

const dissolve = (dropsData = false, into = 'other'): ClusterCommand => {
  return { type: 'dissolve', into, members: [{ id: 'x', name: 'x', address: 'x:1' }], dropsData }
}
const count: ClusterCommand = { type: 'count', name: 'c', add: 1, subtract: 0 }

function machineThat(...commands: ClusterCommand[]): { machine: ClusterMachine; last: string } {
  const machine = new ClusterMachine()
  let last = ''
  commands.forEach((command, i) => {
    const reply = machine.apply({ index: i + 1, term: 1 }, command)
    last = reply.type === 'refused' ? reply.reason : reply.type
  })
  return { machine, last }
}

describe('a cluster that dissolves', () => {
  it('applies nothing any more', () => {
    const { machine, last } = machineThat(dissolve(), { type: 'bind-name', name: 'a', id: 'a', replaces: undefined })
    assert.equal(last, 'dissolved')
    assert.equal(machine.names.holder('a'), undefined)
    assert.equal(machine.dissolution?.index, 1)
  })

  it('does not while it holds what users have put into it, unless that is to be dropped', () => {
    assert.equal(machineThat(count, dissolve()).last, 'holds-data')
    assert.equal(machineThat(count, dissolve()).machine.dissolution, undefined)
    assert.equal(machineThat(count, dissolve(true)).last, 'ok')
  })

  it('goes to one place, however often it is said', () => {
    const { machine, last } = machineThat(dissolve(), dissolve(), dissolve(true, 'third'))
    assert.equal(last, 'dissolved')
    assert.deepEqual([machine.dissolution?.into, machine.dissolution?.index], ['other', 1])
    assert.equal(machineThat(dissolve(), dissolve()).last, 'ok')
  })

  it('stays dissolved in a snapshot; one of an earlier release says nothing of it', () => {
    const { machine } = machineThat(dissolve())
    const other = new ClusterMachine()
    other.restore(machine.snapshot())
    assert.deepEqual(other.dissolution, machine.dissolution)
    const { dissolution: _, ...former } = machine.snapshot()
    other.restore(former)
    assert.equal(other.dissolution, undefined)
  })
})
