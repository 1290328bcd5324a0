import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { helloOf, nameTaken, recordOf, rolledBack, type Self } from '../../src/self.ts'

const self: Self = {
  id: 'id-a',
  name: 'a',
  cluster: 'trellis',
  generation: 4,
  instance: new Uint8Array(8),
  storeId: 'store-a',
  address: '127.0.0.1:7401',
  roles: ['server'],
  zone: 'z',
}

describe('what a node says of itself', () => {
  it('in a handshake is fresh, with what it expects, until it knows its cluster', () => {
    const fresh = helloOf(self, undefined, 3)
    assert.deepEqual([fresh.fresh, fresh.expect, fresh.clusterId, fresh.clusterName], [true, 3, '', 'trellis'])
    assert.equal(helloOf(self, undefined, undefined).expect, 0)
    const member = helloOf(self, 'c', 3)
    assert.deepEqual([member.fresh, member.expect, member.clusterId], [false, 0, 'c'])
    assert.deepEqual([member.id, member.name, member.generation, member.storeId], ['id-a', 'a', 4, 'store-a'])
    assert.equal('cluster' in member, false)
  })

  it('as a member begins alive, in its generation, with nothing refuted', () => {
    assert.deepEqual(recordOf(self), {
      id: 'id-a',
      name: 'a',
      address: '127.0.0.1:7401',
      roles: ['server'],
      zone: 'z',
      livenessPort: 0,
      incarnation: { generation: 4, refutation: 0 },
      state: 'alive',
      condition: 'ok',
    })
  })

  it('when it must end names what stands against it', () => {
    assert.deepEqual(nameTaken('a', 'b').details, { name: 'a', holder: 'b' })
    assert.deepEqual(rolledBack(self, 7).details, { id: 'id-a', generation: 4, seen: 7 })
  })
})
