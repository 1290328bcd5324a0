import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatAddress, isLoopback, isWildcard, parseAddress, streamAddress } from '../../src/network-address.ts'

describe('parseAddress', () => {
  for (const [text, host, port] of [
    ['127.0.0.1:7400', '127.0.0.1', 7400],
    ['localhost:0', 'localhost', 0],
    ['node-1.a_b.example:65535', 'node-1.a_b.example', 65_535],
    ['[::1]:7400', '::1', 7400],
    ['[fe80::1]:1', 'fe80::1', 1],
  ] as const)
    it(`reads ${text}, and formats it again`, () => {
      const parsed = parseAddress(text)
      assert.ok(typeof parsed !== 'string', String(parsed))
      assert.deepEqual(parsed, { host, port })
      assert.equal(formatAddress(parsed), text)
    })

  for (const text of [
    '',
    ':',
    'a',
    'a:',
    ':1',
    'a:b',
    'a:-1',
    'a:65536',
    'a:1:2',
    '::1:1',
    '[a]:1',
    '[::1]',
    '1.2.3:1',
    '1.2.3.4.5:1',
    'a b:1',
    '-a:1',
    'a..b:1',
    `${'a'.repeat(254)}:1`,
    'a:1\n',
  ])
    it(`says what is wrong with ${JSON.stringify(text.slice(0, 20))}`, () =>
      assert.equal(typeof parseAddress(text), 'string'))
})

describe('isLoopback', () => {
  it('is true for what only this machine reaches', () => {
    for (const host of [
      '127.0.0.1',
      '127.255.0.3',
      'localhost',
      'LOCALHOST',
      '::1',
      '0:0:0:0:0:0:0:1',
      '::ffff:127.0.0.1',
    ])
      assert.ok(isLoopback(host), host)
  })

  it('is false for everything else, names that look like it too', () => {
    for (const host of ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', 'localhost.example', '127.example', 'example', ''])
      assert.ok(!isLoopback(host), host)
  })
})

describe('isWildcard', () => {
  it('is true for every interface only', () => {
    for (const host of ['0.0.0.0', '::']) assert.ok(isWildcard(host), host)
    for (const host of ['127.0.0.1', '::1', 'example']) assert.ok(!isWildcard(host), host)
  })
})

describe('streamAddress', () => {
  it('finds host and port in whatever a member announces', () => {
    for (const [announced, expected] of [
      ['127.0.0.1:1', { host: '127.0.0.1', port: 1 }],
      ['/ip6/::1/tcp/2/ws', { host: '::1', port: 2 }],
      ['/dns4/relay.example/tcp/3/p2p/x', { host: 'relay.example', port: 3 }],
      ['/ip4/1.2.3.4/udp/9,db:4', { host: 'db', port: 4 }],
      ['/p2p/x', undefined],
      ['/ip4/1.2.3.4/tcp/70000', undefined],
    ] as const)
      assert.deepEqual(streamAddress(announced), expected, announced)
  })
})
