import assert from 'node:assert/strict'
import { it } from 'node:test'
import { etcd } from '../../../../src/coordination/etcd/etcd.ts'

it('etcd is told by options of an object, and its hosts by a text or a list of texts', () => {
  for (const options of [null, 3, 'etcd:2379', ['etcd:2379'], { hosts: 3 }, { hosts: null }, { hosts: [2379] }])
    assert.throws(() => etcd(options as never), { code: 'ERR_BAD_OPTIONS' }, JSON.stringify(options))
  assert.equal(etcd({ hosts: ['etcd:2379'] }).name, 'etcd')
})
