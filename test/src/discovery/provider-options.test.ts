import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KubeConfig } from '@kubernetes/client-node'
import { consulDiscovery } from '../../../src/discovery/consul.ts'
import type { Discovery } from '../../../src/discovery/discovery.ts'
import { dnsDiscovery } from '../../../src/discovery/dns.ts'
import { kubernetesDiscovery } from '../../../src/discovery/kubernetes.ts'
import { staticDiscovery } from '../../../src/discovery/static.ts'
import { ClusterError } from '../../../src/errors.ts'

/** Whoever has no types may give anything. */
type Any = (...given: unknown[]) => unknown
const ofList = staticDiscovery as Any
const dns = dnsDiscovery as Any
const consul = consulDiscovery as Any
const kubernetes = kubernetesDiscovery as Any

const config = new KubeConfig()
config.loadFromClusterAndUser({ name: 'c', server: 'http://127.0.0.1:1', skipTLSVerify: false }, { name: 'u' })

const refused: readonly [title: string, make: () => unknown, ...problems: RegExp[]][] = [
  ['a number as a list', () => ofList(3), /^staticDiscovery: the addresses \(3\) must be a list of HOST:PORT$/],
  ['one text as a list', () => ofList('host:1'), /^staticDiscovery: the addresses \('host:1'\) must be a list/],
  ['no list', () => ofList(), /must be a list of HOST:PORT/],
  ['null as a list', () => ofList(null), /must be a list of HOST:PORT/],
  [
    'what is in a list and cannot be dialed',
    () => ofList(['a:0', 'b', 'c:3', 4, ['d:1'], '0.0.0.0:1']),
    /^staticDiscovery: 'a:0' cannot have port 0$/,
    /^staticDiscovery: 'b' must be HOST:PORT$/,
    /^staticDiscovery: 4 must be HOST:PORT$/,
    /^staticDiscovery: \["d:1"\] must be HOST:PORT$/,
    /^staticDiscovery: '0.0.0.0:1' cannot be dialed$/,
  ],
  ['a number as a name in DNS', () => dns(3), /^dnsDiscovery: 3 must be dns:\/\/NAME:PORT/],
  ['a port 0 in DNS', () => dns('dns://a:0'), /^dnsDiscovery: 'dns:\/\/a:0' cannot have port 0$/],
  ['a pace that is none', () => dns('dns://a:1', 3), /^dnsDiscovery: the options must be an object$/],
  [
    'a pace that cannot be kept',
    () => dns('dns://a:1', { minIntervalMs: -1, maxIntervalMs: 'x', queryTimeoutMs: 0, pace: 1 }),
    /^dnsDiscovery: minIntervalMs \(-1\) must be a number from 1 /,
    /^dnsDiscovery: maxIntervalMs \('x'\) must be/,
    /^dnsDiscovery: queryTimeoutMs \(0\) must be/,
    /^dnsDiscovery: unknown option 'pace'$/,
  ],
  ['no options of Consul', () => consul('http://127.0.0.1:8500'), /^consulDiscovery: the options must be an object$/],
  ['null for options of Consul', () => consul(null), /^consulDiscovery: the options must be an object$/],
  [
    'options of Consul that cannot be',
    () => consul({ url: 3, token: 4, service: 5, register: 'no', ttlMs: '20000', waitMs: 1, tll: 1 }),
    /^consulDiscovery: url \(3\) must be a URL$/,
    /^consulDiscovery: token must be a text$/,
    /^consulDiscovery: service \(5\) must be a DNS label$/,
    /^consulDiscovery: register must be true or false$/,
    /^consulDiscovery: ttlMs \('20000'\) must be a number from 1000 /,
    /^consulDiscovery: waitMs \(1\) must be a number from 1000 to 600000$/,
    /^consulDiscovery: unknown option 'tll'/,
  ],
  ['no options of Kubernetes', () => kubernetes([]), /^kubernetesDiscovery: the options must be an object$/],
  ['no Service of Kubernetes', () => kubernetes({ config }), /^kubernetesDiscovery: service is missing$/],
  [
    'options of Kubernetes that cannot be',
    () => kubernetes({ service: 3, namespace: 'A', port: 0, config: 3, names: 1 }),
    /^kubernetesDiscovery: service \(3\) must be the name of a Service$/,
    /^kubernetesDiscovery: namespace \('A'\) must be the name of a namespace$/,
    /^kubernetesDiscovery: port \(0\) must be a port or the name of one$/,
    /^kubernetesDiscovery: config must be a KubeConfig$/,
    /^kubernetesDiscovery: unknown option 'names'/,
  ],
  ['an odd port', () => kubernetes({ service: 'a', port: {}, config }), /port \(\{\}\) must be a port/],
]

describe('a provider of peers', () => {
  for (const [title, make, ...problems] of refused)
    it(`refuses ${title}`, () => {
      assert.throws(make, (error) => {
        assert.ok(error instanceof ClusterError, String(error))
        assert.equal(error.code, 'ERR_BAD_OPTIONS')
        const found = error.details.problems as readonly string[]
        for (const problem of problems)
          assert.ok(
            found.some((each) => problem.test(each)),
            `${problem} is not in ${found.join('; ')}`,
          )
        assert.equal(found.length, problems.length, found.join('; '))
        return true
      })
    })

  it('takes an option that is undefined for left out', () => {
    const { name } = consul({ service: undefined }) as Discovery
    assert.equal(name, 'consul trellis at http://127.0.0.1:8500')
    assert.ok(dns('dns://a:1', { minIntervalMs: undefined }))
    assert.ok(kubernetes({ service: 'a', namespace: undefined, port: undefined, config }))
    assert.equal(staticDiscovery(new Set(['a:1', 'b:2'])).name, '2 addresses')
  })
})
