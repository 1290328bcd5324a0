import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dnsDiscovery } from '../../../src/discovery/dns.ts'
import { parseDnsAddress } from '../../../src/discovery/dns-address.ts'
import { isClusterError } from '../../../src/errors.ts'

describe('an address in DNS', () => {
  it('is a name with a port, or the name of SRV records', () => {
    const host = { kind: 'host', name: 'peers.example', port: 7400, resolver: undefined }
    assert.deepEqual(parseDnsAddress('dns://peers.example:7400'), host)
    const srv = { kind: 'srv', name: '_trellis._tcp.peers', port: 0, resolver: '[::1]:53' }
    assert.deepEqual(parseDnsAddress('dns+srv://_trellis._tcp.peers?resolver=[::1]:53'), srv)
  })

  const wrong: readonly [text: string, why: RegExp][] = [
    ['dns://', /NAME:PORT/],
    ['dns://peers', /NAME:PORT/],
    ['dns://peers:0', /port 0/],
    ['dns://[::1]:7400', /NAME:PORT/],
    ['dns://user@peers:7400', /NAME:PORT/],
    ['dns://peers:7400/path', /must be dns/],
    ['dns+srv://peers:7400', /without a port/],
    ['dns+srv://', /without a port/],
    ['dns+srv://a..b', /without a port/],
    ['dns://peers:7400?ttl=5', /'ttl'/],
    ['dns://peers:7400?resolver=here', /not one HOST:PORT/],
    ['dns://peers:7400?resolver=a:1&resolver=b:2', /not one HOST:PORT/],
    ['dns+tcp://peers:7400', /must be dns/],
  ]
  for (const [text, why] of wrong)
    it(`is not '${text}'`, () => {
      assert.match(String(parseDnsAddress(text)), why)
      assert.throws(
        () => dnsDiscovery(text),
        (error) => isClusterError(error, 'ERR_BAD_OPTIONS'),
      )
    })
})
