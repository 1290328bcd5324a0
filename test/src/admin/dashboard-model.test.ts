import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lifeOf, otherLinks, picture, sentenceOf, stateText } from '../../../src/admin/dashboard/model.ts'
import { markRadius, roomForNames, slots } from '../../../src/admin/dashboard/slots.ts'
import { eventLine, missedLines, shortened } from '../../../src/admin/dashboard/words.ts'
import type { LinkMap, MappedLink } from '../../../src/link-survey/link-map.ts'
import { incarnationNumber, type LinkView, type MemberView } from '../../../src/node-interface.ts'
import { fakeNode, memberView } from './fake-node.ts'

function drawn(members: readonly MemberView[], peers: readonly string[], overlay = 'full-mesh') {
  const node = fakeNode()
  node.change({ topology: { name: overlay } })
  const links = peers.map((peer): LinkView => ({ peer, kind: 'overlay', channels: ['coordination'], pinned: false }))
  const topology = { ...node.status().topology, links, history: [] }
  return picture({ status: node.status(), members, topology, otherLinks: [] })
}

describe('the picture of a cluster', () => {
  const members = [
    memberView('node-10'),
    memberView('node-2', { state: 'suspect' }),
    memberView('node-1'),
    memberView('node-3', { state: 'down' }),
  ]

  it('has the members in the order of their numbers', () => {
    assert.deepEqual(
      drawn(members, []).dots.map(({ member }) => member.name),
      ['node-1', 'node-2', 'node-3', 'node-10'],
    )
  })

  it('tells links that are up from links that are missing, and wants none to a member that is down', () => {
    const { dots, ownLinks } = drawn(members, ['node-2'])
    assert.deepEqual(
      dots.map(({ ownLink }) => ownLink),
      ['none', 'up', 'none', 'missing'],
    )
    assert.equal(ownLinks, 1)
  })

  it('misses no link in an overlay that may want none', () => {
    const { dots } = drawn(members, [], 'hyparview')
    assert.ok(dots.every(({ ownLink }) => ownLink === 'none'))
  })

  it('misses no link before the links have been told', () => {
    const { dots } = picture({
      status: fakeNode().status(),
      members,
      topology: undefined,
      otherLinks: [],
    })
    assert.ok(dots.every(({ ownLink }) => ownLink === 'none'))
  })

  it('crowns whoever has the name now, not a member that left under it', () => {
    const { dots } = drawn([memberView('node-1'), memberView('node-1', { id: 'old', state: 'left' })], [])
    assert.deepEqual(
      dots.map(({ isLeader }) => isLeader),
      [true, false],
    )
  })

  it('says all of a member in one sentence', () => {
    const { dots } = drawn([memberView('node-1', { condition: 'stalled' })], [])
    assert.equal(sentenceOf(dots[0]!), 'node-1, alive, stalled, this node, leader, hosts S5 with token 2, voter')
    assert.equal(stateText(dots[0]!.member), '● alive, ‖ stalled')
    assert.equal(stateText(memberView('a', { state: 'down', condition: 'stalled' })), '✕ down')
  })

  it('takes an incarnation apart as it was put together', () => {
    const incarnation = { generation: 7, refutation: 3 }
    assert.deepEqual(lifeOf(memberView('a', { incarnation: incarnationNumber(incarnation) })), incarnation)
  })
})

describe('the links between the others', () => {
  const members = ['node-1', 'node-2', 'node-3', 'node-4'].map((name) => memberView(name))
  const self = members[0]!.id
  const map = (...links: readonly MappedLink[]): LinkMap => {
    return { links, told: ['node-1', 'node-2'], unanswered: [], notAsked: 0 }
  }
  const between = (a: string, b: string, kind: LinkView['kind'] = 'overlay'): MappedLink => {
    return { ends: [a, b], kind, pinned: false }
  }
  const said = (overlay: string, told: LinkMap | undefined, all = members): string[] =>
    otherLinks({ self, overlay, members: all, map: told }).map(({ ends, state, kind }) => {
      return [...ends.map((id) => id.slice(-1)), state, kind].join(' ')
    })

  it('are expected in a mesh before anybody told, and not known in another overlay', () => {
    assert.deepEqual(said('full-mesh', undefined), [
      '2 3 expected overlay',
      '2 4 expected overlay',
      '3 4 expected overlay',
    ])
    assert.deepEqual(said('hyparview', undefined), [])
  })

  it('are those that were told, missing where one who told has none, and expected where neither told', () => {
    const told = map(between('node-1', 'node-2'), between('node-2', 'node-3'))
    assert.deepEqual(said('full-mesh', told), ['2 3 up overlay', '2 4 missing overlay', '3 4 expected overlay'])
    assert.deepEqual(said('hyparview', map(between('node-2', 'node-4', 'pinned'))), ['2 4 up pinned'])
  })

  it('are none with a member that is down', () => {
    const told = map(between('node-2', 'node-3'), between('node-3', 'node-4'))
    const all = members.with(2, memberView('node-3', { state: 'down' }))
    assert.deepEqual(said('full-mesh', told, all), ['2 4 missing overlay'])
  })
})

describe('the places in the picture', () => {
  for (const count of [1, 2, 3, 5, 14, 15, 50, 300]) {
    it(`are inside of it and apart from each other: ${count} members`, () => {
      const members = Array.from({ length: count }, (_, index) => memberView(`node-${index + 1}`))
      const places = [...slots(drawn(members, []).dots, 300, 1.2).values()]
      assert.equal(places.length, count)
      for (const [index, a] of places.entries()) {
        assert.ok(Math.hypot(a.x / 1.2, a.y) <= 300.001)
        for (const b of places.slice(index + 1)) assert.ok(Math.hypot(a.x - b.x, a.y - b.y) > 14, `${count}`)
      }
    })
  }

  it('put a member that is down outside of the ring, and move nobody else', () => {
    const members = ['node-1', 'node-2', 'node-3'].map((name) => memberView(name))
    const before = slots(drawn(members, []).dots, 300)
    const after = slots(drawn(members.with(1, memberView('node-2', { state: 'down' })), []).dots, 300)
    const { id } = members[1]!
    const distance = ({ x, y }: { x: number; y: number }): number => Math.hypot(x, y)
    assert.ok(distance(after.get(id)!) > distance(before.get(id)!) + 20)
    for (const other of [members[0]!, members[2]!]) assert.deepEqual(after.get(other.id), before.get(other.id))
  })
})

describe('names below the marks', () => {
  it('have room on a ring however small it is, for marks become smaller with it', () => {
    assert.deepEqual(
      [3, 6, 12].map((count) => markRadius(count, 250)),
      [30, 30, 24],
    )
    // A phone.
    for (const count of [2, 3, 6, 12, 14]) {
      const apart = (2 * Math.sin(Math.PI / count) * 124) / 1.17
      assert.ok(apart - 2 * markRadius(count, 124) >= 18, `${count}`)
      assert.ok(roomForNames(count, 124) >= 7)
    }
  })

  it('are left out where many would cover each other, and shortened where they are long', () => {
    assert.equal(roomForNames(50, 124), 0)
    assert.ok(roomForNames(50, 240, 1.35) >= 'node-50'.length)
    assert.equal(shortened('node-12', 7), 'node-12')
    assert.equal(shortened('payments-worker-0001', 11), 'payme…-0001')
    assert.equal(shortened('payments-worker-0001', 10), 'payme…0001')
    assert.equal([...shortened('🙂'.repeat(20), 7)].length, 7)
  })
})

describe('the words of the time line', () => {
  it('say what changed, with a sign', () => {
    const alive = memberView('b')
    const down = memberView('b', { state: 'down' })
    const changed = eventLine({ type: 'member', at: 1, change: { type: 'changed', member: down, previous: alive } })
    assert.deepEqual(changed, { kind: 'bad', sign: '✕', text: 'b: alive → down' })
    assert.equal(eventLine({ type: 'leader', at: 1, leader: null, term: 4 }).text, 'no leader is known (term 4)')
    const s5 = eventLine({ type: 's5', at: 1, host: 'b', phase: 'active', fencingToken: 9 })
    assert.equal(s5.text, 'S5 is active on b, token 9')
    const link = eventLine({ type: 'link', at: 1, peer: 'b', state: 'down', reason: 'closed' })
    assert.equal(link.text, 'link to b is down: closed')
  })

  it('say what became of members while nobody listened', () => {
    const lines = missedLines(
      [memberView('a'), memberView('b')],
      [memberView('a', { state: 'down' }), memberView('b'), memberView('c')],
    )
    assert.deepEqual(
      lines.map(({ text }) => text),
      ['a: alive → down (meanwhile)', 'c joined, alive (meanwhile)'],
    )
  })
})
