import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ClusterCommand, ClusterMachine, defaultClusterBounds } from '../../../consensus/index.ts'

const payload = new Uint8Array([1, 2, 3])

function activate(host: string, term: number, singleton = 's5'): ClusterCommand {
  return { type: 'activate', singleton, host, term }
}

function decide(token: number, bytes = payload): ClusterCommand {
  return { type: 'decide', singleton: 's5', token, payload: bytes }
}

/** A machine in which `a` was activated in term 3 by entry 7. */
function activated(bounds = defaultClusterBounds): ClusterMachine {
  const machine = new ClusterMachine(bounds)
  assert.deepEqual(machine.apply({ index: 7, term: 3 }, activate('a', 3)), { type: 'ok', index: 7 })
  return machine
}

describe('singletons', () => {
  it('an activation makes its own log index the token', () => {
    assert.deepEqual(activated().singleton('s5'), {
      singleton: 's5',
      host: 'a',
      token: 7,
      term: 3,
      released: false,
      decision: undefined,
    })
  })

  it('a copy that arrives in a later term activates nothing', () => {
    const machine = activated()
    assert.deepEqual(machine.apply({ index: 8, term: 4 }, activate('b', 3)), { type: 'not-activated' })
    assert.equal(machine.singleton('s5')?.host, 'a')
  })

  it('within a term nobody but its host is activated, and the host gets a larger token', () => {
    const machine = activated()
    assert.deepEqual(machine.apply({ index: 8, term: 3 }, activate('b', 3)), { type: 'not-activated' })
    machine.apply({ index: 9, term: 3 }, activate('a', 3))
    assert.equal(machine.singleton('s5')?.token, 9)
  })

  it('a decision needs the active token', () => {
    const machine = activated()
    assert.equal(machine.apply({ index: 8, term: 3 }, decide(7)).type, 'ok')
    assert.deepEqual(machine.apply({ index: 9, term: 3 }, decide(6)), { type: 'stale-token', token: 6, current: 7 })
    assert.deepEqual(machine.singleton('s5')?.decision, { index: 8, payload })
  })

  it('a decision outlives its host, whose token does not', () => {
    const machine = activated()
    machine.apply({ index: 8, term: 3 }, decide(7))
    machine.apply({ index: 9, term: 4 }, activate('b', 4))
    assert.deepEqual(machine.apply({ index: 10, term: 4 }, decide(7)), { type: 'stale-token', token: 7, current: 9 })
    assert.equal(machine.singleton('s5')?.decision?.index, 8)
  })

  it('a release ends its own token, and no other', () => {
    const machine = activated()
    const release = (token: number): ClusterCommand => ({ type: 'release', singleton: 's5', token })
    assert.equal(machine.apply({ index: 8, term: 3 }, release(6)).type, 'stale-token')
    assert.equal(machine.singleton('s5')?.released, false)
    assert.equal(machine.apply({ index: 9, term: 3 }, release(7)).type, 'ok')
    assert.equal(machine.singleton('s5')?.released, true)
    assert.equal(machine.apply({ index: 10, term: 3 }, decide(7)).type, 'stale-token')
  })

  it('nothing is decided before the first activation', () => {
    assert.deepEqual(new ClusterMachine().apply({ index: 1, term: 1 }, decide(0)), { type: 'not-activated' })
  })

  it('bounds are kept: number of singletons, length of names, bytes of a decision', () => {
    const machine = activated({ ...defaultClusterBounds, maxSingletons: 1, maxDecisionBytes: 2 })
    const refused = (reason: string) => ({ type: 'refused', reason })
    assert.deepEqual(machine.apply({ index: 8, term: 3 }, activate('a', 3, 's4')), refused('too-many-singletons'))
    assert.deepEqual(machine.apply({ index: 9, term: 3 }, activate('a', 3, '')), refused('name-length'))
    assert.deepEqual(machine.apply({ index: 10, term: 3 }, decide(7)), refused('decision-too-large'))
    assert.equal(machine.apply({ index: 11, term: 3 }, decide(7, payload.subarray(0, 2))).type, 'ok')
  })

  it('a decision is kept as it was, though the buffer it came in is used again', () => {
    const machine = activated()
    const buffer = new Uint8Array([1, 2, 3])
    machine.apply({ index: 8, term: 3 }, decide(7, buffer))
    buffer.fill(9)
    assert.deepEqual(machine.singleton('s5')?.decision?.payload, payload)
  })
})
