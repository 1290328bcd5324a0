import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { answer, type DnsServer, startDns } from '../../../src/dns/dns-server.ts'
import type { ZoneFacts } from '../../../src/dns/zone.ts'
import type { MemberView } from '../../../src/node-interface.ts'
import { newFacts } from '../../../src/services/service-facts.ts'
import type { ServiceInstance, ServiceQuery } from '../../../src/services/service-interface.ts'
import { failureOf } from '../local-nodes.ts'

const fixed = { condition: 'ok', incarnation: 1, roles: [], zone: '' } as const
const member = (name: string, address: string, state: MemberView['state'] = 'alive'): MemberView => ({
  ...fixed,
  id: name,
  name,
  address,
  state,
})
const instance = (name: string, of: string, changes: Partial<ServiceInstance>): ServiceInstance => ({
  ...newFacts(name, ''),
  id: `${of}.${name}`,
  member: of,
  state: 'alive',
  condition: 'ok',
  ...changes,
})

const members = [
  member('node-1', '127.0.0.1:7401'),
  member('node-2', '127.0.0.2:7402'),
  member('named', 'named.example:7403'),
  member('gone', '127.0.0.3:1', 'down'),
]
const instances = [
  instance('billing', 'node-1', { address: '127.0.0.1:8001', capabilities: ['eur'] }),
  instance('billing', 'node-2', { address: '127.0.0.2:8002' }),
  instance('billing', 'node-2', { id: 'x', address: '127.0.0.9:9', health: 'critical' }),
  instance('calls', 'node-2', {}),
  instance('Orders', 'node-1', { address: '127.0.0.1:8003', capabilities: ['GBP'] }),
  instance('my.mail', 'node-1', { address: '127.0.0.1:25' }),
  instance('away', 'named', { address: 'named.example:8004' }),
  instance('six', 'node-2', { address: '[2001:db8::1]:6' }),
  ...Array.from({ length: 100 }, (_, at) =>
    instance('many', 'node-1', { id: `m${at}`, address: `10.0.0.${at + 1}:80` }),
  ),
]
const facts: ZoneFacts = {
  members: () => members,
  names: () => new Set(instances.map(({ name }) => name)),
  find: ({ name, capabilities = [] }: ServiceQuery) =>
    instances.filter((each) => each.name === name && capabilities.every((one) => each.capabilities.includes(one))),
}

describe('answers to DNS', () => {
  let server: DnsServer
  let resolver: Resolver
  before(async () => {
    server = await startDns('127.0.0.1:0', facts, () => {})
    resolver = new Resolver({ timeout: 5_000, tries: 1 })
    resolver.setServers([server.address])
  })
  after(() => server.close())

  const codeOf = (query: Promise<unknown>): Promise<unknown> =>
    query.then(
      () => 'answered',
      (error: NodeJS.ErrnoException) => error.code,
    )

  it('name the instances that can be called, and those with a capability', async () => {
    assert.deepEqual((await resolver.resolve4('billing.service.trellis')).sort(), ['127.0.0.1', '127.0.0.2'])
    assert.deepEqual(await resolver.resolve4('EUR.Billing.service.trellis'), ['127.0.0.1'])
    assert.deepEqual(await resolver.resolve4('calls.service.trellis'), ['127.0.0.2'])
    for (const name of ['Orders', 'orders', 'gbp.orders'])
      assert.deepEqual(await resolver.resolve4(`${name}.service.trellis`), ['127.0.0.1'], 'in whatever case')
    assert.deepEqual(await resolver.resolve4('node-2.node.trellis'), ['127.0.0.2'])
  })

  it('give ports by SRV, in both forms, to strict readers as to lenient ones', async () => {
    for (const name of ['billing.service.trellis', '_billing._tcp.service.trellis']) {
      const records = (await resolver.resolveSrv(name)).map(({ name: target, port }) => `${target}:${port}`).sort()
      assert.deepEqual(records, ['node-1.node.trellis:8001', 'node-2.node.trellis:8002'])
    }
    const [host, port] = server.address.split(':')
    const asked = [`@${host}`, '-p', String(port), 'billing.service.trellis', 'SRV', '+short', '+time=2', '+tries=1']
    const dig = spawnSync('dig', asked, { encoding: 'utf8' })
    if (dig.error === undefined && dig.status === 0)
      assert.match(dig.stdout, /^0 1 800[12] node-[12]\.node\.trellis\.$/m)
  })

  it('know names of services with dots, and hosts that have no address', async () => {
    assert.deepEqual(await resolver.resolve4('my.mail.service.trellis'), ['127.0.0.1'])
    for (const name of ['my.mail.service.trellis', '_my.mail._tcp.service.trellis'])
      assert.equal((await resolver.resolveSrv(name))[0]?.port, 25)
    assert.equal((await resolver.resolveSrv('away.service.trellis'))[0]?.name, 'named.example')
  })

  it('come whole over TCP where UDP is too short for them', async () => {
    assert.equal((await resolver.resolve4('many.service.trellis')).length, 100)
    const targets = await resolver.resolveSrv('many.service.trellis')
    assert.equal(targets.length, 100)
    const [one] = targets.filter(({ name }) => name === '0a000001.addr.trellis')
    assert.deepEqual(await resolver.resolve4(one!.name), ['10.0.0.1'])
    assert.deepEqual(await resolver.resolve6('20010db8000000000000000000000001.addr.trellis'), ['2001:db8::1'])
    assert.deepEqual(
      (await resolver.resolveSrv('six.service.trellis'))[0]?.name,
      '20010db8000000000000000000000001.addr.trellis',
    )
  })

  it('tell what is not from what has no such record, and refuse every other zone', async () => {
    assert.equal(await codeOf(resolver.resolve4('nothing.service.trellis')), 'ENOTFOUND')
    assert.equal(await codeOf(resolver.resolve4('gone.node.trellis')), 'ENOTFOUND')
    assert.equal(await codeOf(resolver.resolve6('billing.service.trellis')), 'ENODATA')
    assert.equal(await codeOf(resolver.resolveSrv('calls.service.trellis')), 'ENODATA')
    assert.equal(await codeOf(resolver.resolve4('example.com')), 'EREFUSED')
  })

  it('survive whatever else is sent, over UDP and TCP', async () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        for (const transport of ['udp', 'tcp'] as const) answer(Buffer.from(bytes), facts, transport, () => {})
      }),
      { numRuns: 3_000 },
    )
    const [host = '', port = ''] = server.address.split(':')
    const client = connect(Number(port), host)
    client.write(Buffer.from([0xff, 0xff, 1, 2, 3]))
    await once(client, 'close')
    const socket = createSocket('udp4')
    socket.send(Buffer.alloc(20, 0xff), Number(port), host)
    assert.deepEqual(await resolver.resolve4('calls.service.trellis'), ['127.0.0.2'])
    socket.close()
  })

  it('need a port that is free', async () => {
    assert.equal((await failureOf(startDns(server.address, facts, () => {}))).code, 'ERR_ADDRESS_IN_USE')
  })
})
