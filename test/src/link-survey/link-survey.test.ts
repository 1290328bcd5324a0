import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { watchLinks } from '../../../src/admin/link-watch.ts'
import { isClusterError } from '../../../src/index.ts'
import { heard, type LinkMap, merge, tell } from '../../../src/link-survey/link-map.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { ask } from '../admin/client.ts'
import { fakeNode } from '../admin/fake-node.ts'
import { runInProcess } from '../cli/run-in-process.ts'
import { form } from '../local-nodes.ts'

describe('the links of all members', () => {
  it('are asked for at any one of them', async () => {
    const [a] = await form(['a', 'b', 'c'], () => ({ admin: '127.0.0.1:0' }))
    assert.ok(a)
    const map = await a.topology.links()
    assert.deepEqual(
      map.links.map(({ ends, kind, pinned }) => [...ends, kind, pinned]),
      [
        ['a', 'b', 'overlay', true],
        ['a', 'c', 'overlay', true],
        ['b', 'c', 'overlay', true],
      ],
    )
    assert.deepEqual([map.told, map.unanswered, map.notAsked], [['a', 'b', 'c'], [], 0])
    assert.deepEqual((await ask(`${a.admin}/v1/topology/links`)).json, map)
    const { code, out } = await runInProcess(['topology', 'links', '--admin', a.admin ?? ''])
    assert.equal(code, 0)
    assert.match(out, /^MEMBER +MEMBER +KIND\na +b +overlay, pinned\n/)
  })

  it('are what the others tell; who does not is named', async () => {
    const [a, b] = await form(['a', 'b'], () => ({ allowFaults: true }))
    assert.ok(a && b)
    b.faults.set({ block: ['a'], direction: 'in' })
    const { told, unanswered } = await a.topology.links({ timeoutMs: 50 })
    assert.deepEqual([told, unanswered], [['a'], [{ name: 'b', problem: 'ERR_TIMEOUT' }]])
  })

  it('are not waited for by who aborts', async () => {
    const [a] = await form(['a', 'b'], () => ({}))
    const signal = AbortSignal.abort()
    await assert.rejects(a!.topology.links({ signal }), (error) => isClusterError(error, 'ERR_ABORTED'))
  })
})

describe('the map of links', () => {
  it('has each link once, for the stronger reason of its ends', () => {
    const link = { channels: ['coordination'], pinned: false }
    const told = new Map([
      ['b', tell([{ ...link, peer: 'a', kind: 'on-demand' }])],
      ['a', tell([{ ...link, peer: 'b', kind: 'pinned', pinned: true }])],
    ])
    assert.deepEqual(merge(told), [{ ends: ['a', 'b'], kind: 'pinned', pinned: true }])
  })

  it('leaves out what is no link, and refuses what is no answer', () => {
    assert.deepEqual(heard([['a', 0, 1], ['b', 7, 0], [3, 0, 0], 'c', null], 'x', 's'), [['a', 0, 1]])
    assert.equal(
      heard(
        Array.from({ length: 5_000 }, (_, index) => [`n${index}`, 0, 0]),
        'x',
        's',
      ).length,
      1_000,
    )
    for (const senseless of [null, {}, 'a', 3])
      assert.throws(
        () => heard(senseless, 'x', 's'),
        (error) => isClusterError(error, 'ERR_HANDLER_FAILED'),
      )
  })
})

describe('the watch on the links', () => {
  it('asks again after an event, and not when nobody looks', async () => {
    const node = fakeNode()
    const maps: LinkMap[] = []
    const watch = watchLinks(node, (map) => maps.push(map), { restMs: 3_600_000, soonMs: 1 })
    watch.poke()
    watch.begin()
    await waitUntil(() => maps.length === 1)
    watch.poke()
    await waitUntil(() => maps.length === 2)
    watch.end()
    watch.poke()
    watch.begin()
    await waitUntil(() => maps.length === 3)
    watch.end()
  })
})
