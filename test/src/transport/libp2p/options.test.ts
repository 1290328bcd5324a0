import assert from 'node:assert/strict'
import { it } from 'node:test'
import { libp2p } from '../../../../src/transport/libp2p/libp2p.ts'

it('libp2p is told by options of an object', () => {
  for (const options of [null, 3, ['/ip4/127.0.0.1/tcp/1'], { gossipsub: null }, { gossipsub: ['news'] }])
    assert.throws(() => libp2p(options as never), { code: 'ERR_BAD_OPTIONS' }, JSON.stringify(options))
  assert.equal(libp2p({}).name, 'libp2p')
})
