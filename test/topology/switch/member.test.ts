import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SwitchMember } from '../../../topology/index.ts'

/** It was away, and adopts at time 0 what the others have agreed on. */
function adopting(): SwitchMember {
  const member = new SwitchMember({ epoch: 0, name: 'full-mesh' }, () => true)
  member.step({ type: 'agreed', epoch: 3, name: 'hyparview', leader: 'a' }, 0)
  assert.equal(member.phase, 'draining')
  return member
}

const formed = { type: 'overlay', key: 1, isFormed: true, neighbors: [] } as const

describe('the former overlay', () => {
  it('goes as soon as the new one has formed, when its time was over before', () => {
    const member = adopting()
    member.step({ type: 'timer', timer: 'drain' }, 2_000)
    assert.equal(member.phase, 'draining')
    const effects = member.step(formed, 2_100)
    assert.deepEqual(effects[0], { type: 'close', key: 0 })
    assert.equal(member.phase, 'stable')
  })

  it('stays its time when the new one forms soon', () => {
    const member = adopting()
    member.step(formed, 100)
    assert.equal(member.phase, 'draining')
    member.step({ type: 'timer', timer: 'drain' }, 2_000)
    assert.equal(member.phase, 'stable')
  })

  it('goes in the end, too, when the new one does not form', () => {
    const member = adopting()
    member.step({ type: 'timer', timer: 'drain' }, 2_000)
    member.step({ type: 'timer', timer: 'drain' }, 15_000)
    assert.equal(member.phase, 'stable')
  })
})
