import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RememberedPeers } from '../../../src/membership/remembered-peers.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { MemoryDirectory } from '../../../src/storage/memory-directory.ts'
import type { StoredPeer } from '../../../src/storage/node-storage.ts'
import type { MemberRecord } from '../../../topology/index.ts'
import { until } from '../cli/wait-until.ts'

const peer = (id: string): StoredPeer => ({ id, name: `name of ${id}`, address: `${id}.test:1` })
const member = (id: string, state: MemberRecord['state'] = 'alive'): MemberRecord => ({
  ...peer(id),
  state,
  condition: 'ok',
  incarnation: { generation: 1, refutation: 0 },
  roles: [],
  zone: '',
  livenessPort: 0,
})
const told = (record: MemberRecord) =>
  ({ type: 'member', before: undefined, after: record, reason: 'joined', accusers: [] }) as const

async function directory() {
  return await MemoryDirectory.open({ cluster: 'test', identify: () => 'self' })
}

function remembering(storage: Awaited<ReturnType<typeof directory>>, members: MemberRecord[] = []) {
  const peers = new RememberedPeers({
    clock: systemClock,
    self: 'self',
    storage,
    members: () => members,
    isVoter: (id) => id.startsWith('voter'),
    onFailure: (error) => {
      throw error
    },
  })
  const written = async (ids: string[]) => {
    let last: string[] = []
    await until(
      async () => {
        last = (await storage.readPeers()).map(({ id }) => id)
        return JSON.stringify(last) === JSON.stringify(ids)
      },
      () => `it is ${last}`,
    )
  }
  return { peers, members, written }
}

describe('remembered peers', () => {
  it('are on the disk before whoever meets them goes on', async () => {
    await using storage = await directory()
    const { peers } = remembering(storage)
    await peers.meet([{ peer: peer('a') }, { peer: peer('voter') }])
    assert.deepEqual(await storage.readPeers(), [peer('voter'), peer('a')])
  })

  it('of an earlier life stay, though this one has not heard of them', async () => {
    await using storage = await directory()
    await storage.writePeers([peer('a'), peer('b')])
    const { peers, members, written } = remembering(storage)
    assert.deepEqual(await peers.recall(), [peer('a'), peer('b')])
    assert.equal(peers.name('b'), 'name of b')
    members.push(member('self'), member('c'))
    peers.follow(told(member('c')))
    await written(['a', 'b', 'c'])
  })

  it('are written at once when a quiet life learns of the first ones, for it may be killed the next moment', async () => {
    await using storage = await directory()
    await storage.writePeers([peer('a')])
    const { peers, members } = remembering(storage)
    await peers.recall()
    members.push(member('self'), member('b'), member('c'))
    peers.follow(told(member('b')))
    peers.follow(told(member('c')))
    await new Promise(setImmediate)
    assert.deepEqual(await storage.readPeers(), ['a', 'b', 'c'].map(peer))
    peers.close()
  })

  it('that are linked are written before the table knows them', async () => {
    await using storage = await directory()
    const { peers, written } = remembering(storage)
    peers.note(peer('a'))
    await written(['a'])
    peers.close()
  })

  it('that vote stay even when they left', async () => {
    await using storage = await directory()
    const { peers, written } = remembering(storage, [member('voter', 'left'), member('other', 'left')])
    peers.follow(told(member('voter', 'left')))
    await written(['voter'])
    peers.close()
  })

  it('that are down stay; that left, were forgotten or moved away do not', async () => {
    await using storage = await directory()
    await storage.writePeers(['down', 'left', 'forgotten', 'moved'].map(peer))
    const { peers, members, written } = remembering(storage)
    await peers.recall()
    members.push(member('down', 'down'), member('left', 'left'))
    peers.follow(told(member('left', 'left')))
    peers.follow({ type: 'forgotten', member: member('forgotten', 'down') })
    peers.forget('moved')
    await written(['down'])
    peers.close()
  })
})
