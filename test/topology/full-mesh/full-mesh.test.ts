import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import { testOverlay } from '../../../src/testing/compliance/overlay.ts'
import { FullMesh, InvariantError, type MemberRecord, type OverlayEffect } from '../../../topology/index.ts'
import { recordOf } from '../swim/records.ts'

testOverlay('full-mesh', { create: (self) => new FullMesh(self) })

type Effects = readonly OverlayEffect<never, never>[]

function meshOf(self: string, members: readonly MemberRecord[], maxLinks = 100): { mesh: FullMesh; effects: Effects } {
  const mesh = new FullMesh(self, { dialGraceMs: 500, maxLinks })
  return { mesh, effects: mesh.step({ type: 'members', members }, 0) }
}

describe('full mesh', () => {
  it('lets the lower id dial at once, and the other after a grace period', () => {
    const { effects } = meshOf('b', [recordOf('a'), recordOf('b'), recordOf('c')])
    assert.deepEqual(effects, [
      { type: 'link', peer: 'a', after: 500 },
      { type: 'link', peer: 'c', after: 0 },
    ])
  })

  it('links members that are down too, after those that surely answer: that heals a partition', () => {
    const { mesh } = meshOf('a', [
      recordOf('b', { state: 'down' }),
      recordOf('c', { state: 'suspect' }),
      recordOf('d'),
      recordOf('e', { state: 'left' }),
    ])
    assert.deepEqual(mesh.neighbors(), ['d', 'c', 'b'])
  })

  it('leaves out members that are down first when there is not room for all', () => {
    const { mesh } = meshOf('a', [recordOf('b', { state: 'down' }), recordOf('c'), recordOf('d')], 2)
    assert.deepEqual(mesh.neighbors(), ['c', 'd'])
  })

  it('asks for a link anew when it goes down, and for none that it does not want', () => {
    const { mesh } = meshOf('a', [recordOf('b')])
    mesh.step({ type: 'connected', peer: 'b' }, 1)
    assert.equal(mesh.nextHop('b'), 'b')
    const down = mesh.step({ type: 'disconnected', peer: 'b', announced: false }, 2)
    assert.deepEqual(down, [{ type: 'link', peer: 'b', after: 0 }])
    assert.equal(mesh.nextHop('b'), undefined)
    assert.deepEqual(mesh.step({ type: 'disconnected', peer: 'x', announced: false }, 2), [])
  })

  it('unlinks whoever left, and does not close the link of its new life', () => {
    const { mesh } = meshOf('a', [recordOf('b')])
    const left = recordOf('b', { state: 'left' })
    assert.deepEqual(mesh.step({ type: 'members', members: [left] }, 1), [{ type: 'unlink', peer: 'b' }])
    assert.deepEqual(mesh.step({ type: 'connected', peer: 'b' }, 2), [])
    const back = recordOf('b', { generation: 2 })
    assert.deepEqual(mesh.step({ type: 'members', members: [back] }, 3), [{ type: 'link', peer: 'b', after: 0 }])
    assert.equal(mesh.nextHop('b'), 'b')
  })

  it('refuses options out of range', () => {
    for (const changes of [{ dialGraceMs: -1 }, { dialGraceMs: Number.NaN }, { maxLinks: 0 }, { maxLinks: 1.5 }])
      assert.throws(() => new FullMesh('a', changes), InvariantError)
  })
})
