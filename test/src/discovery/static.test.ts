import assert from 'node:assert/strict'
import { it } from 'node:test'
import { staticDiscovery } from '../../../src/discovery/static.ts'
import { testDiscovery } from '../../../src/testing/compliance/discovery.ts'

testDiscovery('static', {
  has: [],
  async open() {
    return {
      provider: staticDiscovery(['127.0.0.1:7001', '127.0.0.1:7002']),
      name: async () => {},
      fail: async () => {},
      mend: async () => {},
      announced: async () => [],
      close: async () => {},
    }
  },
})

it('a static list with what is no address is refused', () => {
  assert.throws(() => staticDiscovery(['a:1', 'b']), /'b' must be HOST:PORT/)
})
