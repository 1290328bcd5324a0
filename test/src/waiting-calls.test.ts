import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ClusterError, type LeaseOptions, service, type TrellisNode } from '../../src/index.ts'
import type { WaitOptions } from '../../src/node-interface.ts'
import { agreed, failureOf, form } from './local-nodes.ts'

type Call = (node: TrellisNode, options: WaitOptions) => Promise<unknown>

/** Every call of the API that waits. */
const calls: { readonly [name: string]: Call } = {
  ready: (node, options) => node.ready(options),
  why: (node, options) => node.why('a', options),
  backup: (node, options) => node.backup(options),
  merge: (node, options) => node.merge('127.0.0.1:1', options),
  'topology.switch': (node, options) => node.topology.switch('hyparview', options),
  'topology.links': (node, options) => node.topology.links(options),
  'config.get': (node, options) => node.config.get('x', options),
  'config.get of a stale value': (node, options) => node.config.get('x', { ...options, consistency: 'stale' }),
  'config.list': (node, options) => node.config.list('', options),
  'config.set': (node, options) => node.config.set('x', 1, options),
  'config.compareAndSet': (node, options) => node.config.compareAndSet('x', 0, 1, options),
  'config.delete': (node, options) => node.config.delete('x', options),
  'config.transaction': (node, options) => node.config.transaction({ do: [{ delete: 'x' }] }, options),
  'config.history': (node, options) => node.config.history('x', options),
  'config.rollback': (node, options) => node.config.rollback('x', 1, options),
  'config.offline.get': (node, options) => node.config.offline('y', 'counter').get(options),
  'config.offline.merged': (node, options) => node.config.offline('y', 'counter').merged(options),
  'locks.acquire': (node, options) => node.locks.acquire('x', options),
  'locks.release': (node, options) => node.locks.release('x', 1, options),
  'locks.list': (node, options) => node.locks.list(options),
  'semaphores.acquire': (node, options) => node.semaphores.acquire('x', { ...options, permits: 1 }),
  'barriers.enter': (node, options) => node.barriers.enter('x', { ...options, parties: 1 }),
  'elections.campaign': (node, options) => node.elections.campaign('x', options),
  'elections.leader': (node, options) => node.elections.leader('x', options),
  'counters.get': (node, options) => node.counters.get('x', options),
  'counters.add': (node, options) => node.counters.add('x', 1, options),
  'leadership.transfer': (node, options) => node.leadership.transfer(options),
  'leadership.replication': (node, options) => node.leadership.replication(options),
  'singletons.call': (node, options) => node.singletons.call('x', 1, options),
  'singletons.holder': (node, options) => node.singletons.holder('x', options),
  'vsm.call': (node, options) => node.vsm.call('s5', 1, options),
  'services.waitFor': (node, options) => node.services.waitFor('x', options),
  'services.call': (node, options) => node.services.call('x', 'y', null, options),
  'services.callGraph': (node, options) => node.services.callGraph(options),
  'services.remove': (node, options) => node.services.remove('x', options),
  'channel.send': (node, options) => node.channel('data').send('a', 1, options),
  'channel.sendMany': (node, options) => node.channel('data').sendMany('a', [1], options),
  'channel.broadcast': (node, options) => node.channel('data').broadcast(1, options),
  'channel.publish': (node, options) => node.channel('data').publish('x', 1, options),
  'channel.request': (node, options) => node.channel('data').request('a', 1, options),
}

/** Their options are made here, of what they are given. */
const spreadOptions: ReadonlySet<string> = new Set([
  'config.get of a stale value',
  'semaphores.acquire',
  'barriers.enter',
])

/** What would do nothing more on a node that has stopped. */
const offers: { readonly [name: string]: Call } = {
  'vsm.host': async (node) => node.vsm.host('s5', () => {}),
  'vsm.onCommand': async (node) => node.vsm.onCommand(() => null),
  'singletons.host': async (node) => node.singletons.host('x', () => undefined),
  'services.register': async (node) => node.services.register('x', {}),
  'channel.onMessage': async (node) => node.channel('data').onMessage(() => {}),
  'channel.onRequest': async (node) => node.channel('data').onRequest(() => null),
  'channel.subscribe': async (node) => node.channel('data').subscribe('x', () => {}),
}

/** Every call that takes a name. */
const named: { readonly [name: string]: (node: TrellisNode, name: never) => unknown } = {
  channel: (node, name) => node.channel(name),
  'channel.send': (node, name) => node.channel('data').send(name, 1),
  'channel.send of a service': (node, name) => node.channel('data').send({ service: name }, 1),
  'channel.sendMany': (node, name) => node.channel('data').sendMany(name, [1]),
  'channel.request': (node, name) => node.channel('data').request(name, 1),
  'channel.publish': (node, name) => node.channel('data').publish(name, 1),
  'channel.subscribe': (node, name) => node.channel('data').subscribe(name, () => {}),
  why: (node, name) => node.why(name),
  merge: (node, name) => node.merge(name),
  'topology.switch': (node, name) => node.topology.switch(name),
  'leadership.transfer': (node, name) => node.leadership.transfer({ to: name ?? 5 }),
  'config.get': (node, name) => node.config.get(name),
  'config.set': (node, name) => node.config.set(name, 1),
  'locks.acquire': (node, name) => node.locks.acquire(name),
  'locks.grant': (node, name) => node.locks.grant(name, { owner: 'x' }),
  'locks.release': (node, name) => node.locks.release(name, 1),
  'semaphores.acquire': (node, name) => node.semaphores.acquire(name, { permits: 1 }),
  'elections.campaign': (node, name) => node.elections.campaign(name),
  'elections.leader': (node, name) => node.elections.leader(name),
  'barriers.enter': (node, name) => node.barriers.enter(name, { parties: 1 }),
  'counters.add': (node, name) => node.counters.add(name),
  'singletons.host': (node, name) => node.singletons.host(name, () => undefined),
  'singletons.call': (node, name) => node.singletons.call(name, 1),
  'singletons.holder': (node, name) => node.singletons.holder(name),
  'vsm.host': (node, name) => node.vsm.host(name, () => {}),
  'vsm.call': (node, name) => node.vsm.call(name, 1),
  'services.register': (node, name) => node.services.register(name, {}),
  'services.find': (node, name) => node.services.find({ name: name ?? 5 }),
  'services.call': (node, name) => node.services.call(name, 'y'),
  'services.call of a method': (node, name) => node.services.call('x', name),
  'services.stream': (node, name) => node.services.stream(name, 'y'),
  'services.remove': (node, name) => node.services.remove(name),
  'services.impact': (node, name) => node.services.impact(name),
}

/** Every call that keeps or sends a value. */
const valued: { readonly [name: string]: (node: TrellisNode, value: never) => unknown } = {
  'config.set': (node, value) => node.config.set('x', value),
  'config.compareAndSet': (node, value) => node.config.compareAndSet('x', 0, value),
  'config.transaction': (node, value) => node.config.transaction({ do: [{ set: 'x', value }] }),
  'config.offline, last writer': (node, value) => node.config.offline('y', 'last-writer').set(value),
  'config.offline, set': (node, value) => node.config.offline('z', 'set').add(value),
  'elections.campaign': (node, value) => node.elections.campaign('x', { value }),
  'singletons.call': (node, value) => node.singletons.call('x', value),
  'vsm.call': (node, value) => node.vsm.call('s5', value),
  'services.call': (node, value) => node.services.call('x', 'y', value),
  'channel.send': (node, value) => node.channel('data').send('a', value),
  'channel.sendMany': (node, value) => node.channel('data').sendMany('a', [value]),
  'channel.broadcast': (node, value) => node.channel('data').broadcast(value),
  'channel.publish': (node, value) => node.channel('data').publish('x', value),
  'channel.request': (node, value) => node.channel('data').request('a', value),
}

describe('every call that waits', () => {
  it('refuses what is no signal and no time with ERR_BAD_OPTIONS, and begins nothing with a signal that has aborted', async () => {
    const [node] = await form(['a'])
    const signal = 5 as unknown as AbortSignal
    const failures: string[] = []
    for (const [name, call] of Object.entries(calls)) {
      const codes = await Promise.all(
        [
          { signal },
          { timeoutMs: 0 },
          { timeoutMs: -1 },
          { timeoutMs: Number.NaN },
          { signal: AbortSignal.abort() },
        ].map(async (options) => {
          try {
            return `resolved to ${JSON.stringify(await call(node!, options))}`
          } catch (error) {
            const { code, mayHaveHappened } = error as ClusterError
            return `${code ?? error} ${mayHaveHappened}`
          }
        }),
      )
      const told = codes.join(', ')
      const refused = 'ERR_BAD_OPTIONS false'
      if (told !== `${refused}, ${refused}, ${refused}, ${refused}, ERR_ABORTED false`)
        failures.push(`${name}: ${told}`)
    }
    assert.deepEqual(failures, [])
  })

  it('refuses options that are none, or that it does not have, with ERR_BAD_OPTIONS', async () => {
    const [node] = await form(['a'])
    const failures: string[] = []
    for (const [name, call] of Object.entries(calls)) {
      for (const options of [{ timoutMs: 5 }, ...(spreadOptions.has(name) ? [] : [null, 5, []])]) {
        try {
          failures.push(`${name}: resolved to ${JSON.stringify(await call(node!, options as WaitOptions))}`)
        } catch (error) {
          const { code } = error as { code?: string }
          if (code !== 'ERR_BAD_OPTIONS') failures.push(`${name}, ${JSON.stringify(options)}: ${code ?? error}`)
        }
      }
    }
    assert.deepEqual(failures, [])
  })

  it('tells all problems of its options at once', async () => {
    const [node] = await form(['a'])
    const bad = { leaseMs: 1, owner: 5, waitMs: -1, timeoutMs: 'x', ower: 'me' } as unknown as LeaseOptions
    const { details } = await failureOf(node!.locks.acquire('x', bad))
    const { problems } = details as { problems: readonly string[] }
    for (const name of Object.keys(bad))
      assert.ok(
        problems.some((problem) => problem.includes(name)),
        name,
      )
  })

  it('refuses what is no function, no iterable, no schema and no revision', async () => {
    const [node] = await form(['a'])
    const { config, channel, singletons, vsm, events, services } = node!
    const none = undefined as never
    const refusals: (() => unknown)[] = [
      () => events.subscribe(none),
      () => channel('data').onEvent(none),
      () => channel('data').sendMany('a', 5 as never),
      () => channel('data').messages({ signal: 5 as never }),
      () => channel('data').subscribe(none, () => {}),
      () => channel('data').send({ service: 'x', versoin: '2' } as never, 1),
      () => channel('data').send({ service: 'x', version: 'two' }, 1),
      () => channel('data').send({ service: 'x', key: 5 } as never, 1),
      () => singletons.host('x', none),
      () => vsm.host('s5', none),
      () => vsm.host('s1/x', none),
      () => vsm.onCommand(none),
      () => config.set('x', 1, { schema: 5 as never }),
      () => config.schema('x', none),
      () => config.watch('', { from: -1 }),
      () => config.watch('', { signal: 5 as never }),
      () => config.watch(5 as never),
      () => config.list(5 as never),
      () => config.transaction(none),
      () => config.transaction({ do: [], when: [] } as never),
      () => services.find({ nam: 'x' } as never),
      () => services.find(null as never),
      () => services.watch('x', null as never),
      () => services.register('x', {}, null as never),
      () => services.call('x', 'y', 1n),
      () => services.call('x', 'y', 1, { strategy: 'best' as never }),
      () => services.call('x', 'y', 1, { deadlineMs: Number.POSITIVE_INFINITY }),
      () => node!.watchMembers(null as never),
      () => node!.merge(5 as never),
      () => node!.stop(null as never),
      () => node!.leave({ timeoutMs: 0 }),
      () => services.client(service('x', {}), null as never),
    ]
    for (const call of refusals)
      assert.equal((await failureOf((async () => call())())).code, 'ERR_BAD_OPTIONS', call.toString())
  })

  it('tells what is wrong with what is sent, and to what, along with its options', async () => {
    const [node] = await form(['a'])
    const data = node!.channel('data')
    const [value, options] = [1n as never, { timeoutMs: Number.NaN, foo: 1 } as never]
    const calls: readonly (readonly [problems: number, () => Promise<unknown>])[] = [
      [4, () => data.publish('', value, options)],
      [3, () => data.publish('x', value, options)],
      [2, () => data.publish('', value)],
      [3, () => data.publish('', 1, options)],
      [3, () => data.publish(5 as never, 1, options)],
      [3, () => data.send('a', value, options)],
      [3, () => data.broadcast(value, options)],
      [3, () => data.request('a', value, options)],
      [3, () => data.sendMany('a', 5 as never, options)],
    ]
    for (const [count, call] of calls) {
      const { code, details } = await failureOf(call())
      const { problems } = details as { problems: readonly string[] }
      assert.deepEqual([code, problems?.length], ['ERR_BAD_OPTIONS', count], `${call}: ${problems?.join('; ')}`)
    }
    assert.equal((await failureOf(data.publish('', 1))).code, 'ERR_BAD_REQUEST')
  })

  it('refuses names that are no texts', async () => {
    const [node] = await form(['a'])
    const failures: string[] = []
    for (const [name, call] of Object.entries(named)) {
      for (const bad of [5, null, {}, ['a'], Symbol('a')]) {
        const { code } = await failureOf((async () => call(node!, bad as never))())
        if (code !== 'ERR_BAD_OPTIONS') failures.push(`${name}, ${String(bad)}: ${code}`)
      }
    }
    assert.deepEqual(failures, [])
  })

  it('stores and sends nothing that JSON cannot say', async () => {
    const [node] = await form(['a'])
    const cycle: unknown[] = []
    cycle.push(cycle)
    const unsayable = [Number.NaN, [undefined], { at: [1n] }, cycle, { f: () => {} }, new Map(), { a: { b: -1 / 0 } }]
    for (const value of unsayable) {
      for (const [name, call] of Object.entries(valued)) {
        const { code } = await failureOf((async () => call(node!, value as never))())
        assert.equal(code, 'ERR_BAD_OPTIONS', name)
      }
    }
    assert.deepEqual((await node!.config.list()).entries, [])
  })

  it('tells all that is wrong with it at once, arguments and options', async () => {
    const [node] = await form(['a'])
    const wrong = { timeoutMs: Number.NaN, foo: 1, signal: 5 } as unknown as WaitOptions
    const { config, services, topology } = node!
    const steps = { if: [{ key: '' }, { key: 'x', revision: -1 }], do: [{ set: '', value: 1n }, { zz: 1 }], bar: 1 }
    const cases: { readonly [name: string]: [() => unknown, number] } = {
      'config.get': [() => config.get('', { ...wrong, consistency: 'fresh' as 'stale' }), 5],
      'config.list': [() => config.list(5 as never, wrong), 4],
      'config.set': [() => config.set('', 1n, wrong), 5],
      'config.set by a schema': [() => config.set('', 1n, { ...wrong, schema: 5 as never }), 5],
      'config.compareAndSet': [() => config.compareAndSet('', Number.NaN, 1n, wrong), 6],
      'config.delete': [() => config.delete('', { ...wrong, revision: -1 }), 5],
      'config.transaction': [() => config.transaction(steps as never, wrong), 8],
      'config.transaction without steps': [() => config.transaction({ if: 5 } as never, wrong), 5],
      'config.transaction of nothing': [() => config.transaction(undefined as never, wrong), 4],
      'config.history': [() => config.history('', wrong), 4],
      'config.rollback': [() => config.rollback('', -1, wrong), 5],
      'config.watch': [() => config.watch(5 as never, { foo: 1, from: -1, signal: 5 } as never), 4],
      'config.schema': [() => config.schema(5 as never, 5 as never), 2],
      'config.offline': [() => config.offline('', 'magic' as never), 2],
      'topology.switch': [() => topology.switch('', { ...wrong, dryRun: 'x', expectFrom: 4 } as never), 6],
      'services.find': [() => services.find({ version: 'xx', zone: 4, foo: 1 } as never), 3],
      'services.watch': [() => services.watch({ foo: 1 } as never, { bar: 1, signal: 4 } as never), 3],
      'services.waitFor': [() => services.waitFor({ foo: 1, version: 'xx' } as never, wrong), 5],
      'services.call': [() => services.call(5 as never, 5 as never, 1, { ...wrong, version: 'xx', hedgeMs: 5 }), 7],
      'services.stream': [() => services.stream(5 as never, 'x', 1, { ...wrong, version: 'xx' }), 5],
      'services.remove': [() => services.remove(5 as never, wrong), 4],
      'services.client': [() => services.client({ name: '', methods: { x: 5 } } as never, wrong as never), 5],
    }
    for (const [name, [call, count]] of Object.entries(cases)) {
      const { code, details } = await failureOf((async () => call())())
      const problems = 'problems' in details ? details.problems : []
      assert.deepEqual([name, code, problems.length], [name, 'ERR_BAD_OPTIONS', count], problems.join('\n'))
    }
  })

  it('says of a question that was aborted that nothing has happened', async () => {
    const nodes = await form(['a', 'b', 'c'])
    const node = nodes.find((it) => it.status().consensus.role !== 'leader')!
    const questions = [
      'why',
      'topology.links',
      'services.callGraph',
      'leadership.replication',
      'config.get',
      'config.history',
      'locks.list',
      'elections.leader',
      'counters.get',
      'backup',
    ]
    for (const name of questions) {
      const ending = new AbortController()
      const failed = failureOf(calls[name]!(node, { signal: ending.signal }))
      ending.abort()
      const { code, mayHaveHappened } = await failed
      assert.deepEqual({ name, code, mayHaveHappened }, { name, code: 'ERR_ABORTED', mayHaveHappened: false })
    }
  })

  it('takes as much time as may be, and parts of a millisecond, on a leader too', async () => {
    const nodes = await form(['a', 'b', 'c'])
    for (const timeoutMs of [Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 32 + 5, 999.5]) {
      const { from, to } = await nodes
        .find((it) => it.status().consensus.role === 'leader')!
        .leadership.transfer({ timeoutMs })
      assert.notEqual(from, to)
      await agreed(nodes)
    }
  })

  it('is refused with ERR_SHUTTING_DOWN once the node has stopped', async () => {
    const [node] = await form(['a'])
    await node!.stop()
    const failures: string[] = []
    for (const [name, call] of Object.entries({ ...calls, ...offers })) {
      try {
        failures.push(`${name}: resolved to ${JSON.stringify(await call(node!, {}))}`)
      } catch (error) {
        const { code } = error as { code?: string }
        if (code !== 'ERR_SHUTTING_DOWN') failures.push(`${name}: ${code ?? error}`)
      }
    }
    assert.deepEqual(failures, [])
  })
})
