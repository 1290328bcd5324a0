// A fake node with as many members as a picture needs, linked to all that are there.

import type { MemberView } from '../../src/node-interface.ts'
import { type FakeNode, fakeNode, memberView } from '../src/admin/fake-node.ts'

const zones = ['eu-1', 'eu-2', 'us-1']

export function fakeCluster(count: number, changed: Readonly<Record<string, Partial<MemberView>>> = {}): FakeNode {
  const names = Array.from({ length: count }, (_, index) => `node-${index + 1}`)
  const members = names.map((name, index) =>
    memberView(name, {
      address: `127.0.0.1:${7401 + index}`,
      zone: count > 14 ? zones[index % zones.length]! : '',
      roles: index % 4 === 0 ? ['worker'] : [],
      ...changed[name],
    }),
  )
  const voters = names.slice(0, Math.min(5, count % 2 === 0 ? count - 1 : count))
  const node = fakeNode('node-1')
  node.change({
    consensus: { role: 'follower', term: 4, leader: names[1] ?? names[0]!, commitIndex: 128, quorum: true, voters },
    s5: { host: names[1] ?? names[0]!, phase: 'active', fencingToken: 17 },
  })
  showMembers(node, members)
  return node
}

/** Sets the members, and links and counts that fit them. */
export function showMembers(node: FakeNode, members: readonly MemberView[]): void {
  const alive = members.filter(({ state }) => state === 'alive')
  const size = members.filter(({ state }) => state !== 'left').length
  const { voters } = node.status().consensus
  node.setMembers(members)
  node.change({ cluster: { size, alive: alive.length } })
  node.setLinks(
    alive
      .filter(({ name }) => name !== node.status().node.name)
      .map(({ name }) => ({ peer: name, kind: 'overlay', channels: ['coordination'], pinned: voters.includes(name) })),
  )
}
