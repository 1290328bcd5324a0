// A node that goes over to another cluster: what it held of its own is gone when it starts again, whatever call to the
// disk was the last one before a crash; before the note is durable nothing has changed.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DataDirectory } from '../../../src/storage/data-directory.ts'
import { MemoryDirectory } from '../../../src/storage/memory-directory.ts'
import type { NodeStorage, StoredCluster } from '../../../src/storage/node-storage.ts'
import { PowerLoss, SimulatedDisk, seededRandom } from './simulated-disk.ts'

const options = { cluster: 'trellis', identify: (pem: string) => `id of ${pem.length} ${pem.slice(40, 110)}` }
const peers = [{ id: 'x', name: 'x', address: 'x:1' }]
const move = { from: 'c', index: 9, into: 'd', peers }

async function belong(storage: NodeStorage): Promise<string> {
  const storeId = await storage.storeId()
  const log = await storage.createLog({ clusterId: 'c', nodeId: storage.id, storeId, voters: [] })
  await log.load()
  const command = Buffer.from('entry')
  await log.append([{ hardState: { term: 1, votedFor: 'a' }, entries: [{ index: 1, term: 1, command }] }])
  await log.close()
  const cluster: StoredCluster = { clusterId: 'c', founders: ['a'], voters: [], admitted: true, names: [] }
  await storage.writeForming({ type: 'started' })
  await storage.writeCluster(cluster)
  await storage.raiseFencing('s5', 7)
  await storage.writeName('me')
  return storeId
}

/** It belongs to the other cluster as a newcomer does, and is who it was. */
async function hasMoved(storage: NodeStorage, before: { id: string; storeId: string }): Promise<void> {
  assert.equal((await storage.readCluster())?.clusterId, 'd')
  assert.equal((await storage.readCluster())?.admitted, false)
  assert.deepEqual(await storage.readPeers(), peers)
  assert.equal(await storage.openLog(), undefined)
  assert.equal(await storage.readForming((value) => value), undefined)
  assert.notEqual(await storage.storeId(), before.storeId, 'it cannot vote as its old self')
  assert.deepEqual([storage.id, storage.name], [before.id, 'me'])
  assert.equal((await storage.readFencing()).get('s5'), 7)
  assert.deepEqual(
    (await storage.readMoves()).map(({ from, into, index }) => [from, into, index]),
    [['c', 'd', 9]],
  )
}

describe('a node whose cluster was merged into another one', () => {
  it('belongs to that one in its next life, in memory too', async () => {
    const storage = MemoryDirectory.open(options)
    const storeId = await belong(storage)
    await storage.moveTo(move)
    assert.equal((await storage.readCluster())?.clusterId, 'c', 'not before it has stopped')
    await hasMoved(storage.restart(), { id: storage.id, storeId })
  })

  it('goes there or stays, whichever call to the disk was the last one', async () => {
    for (let lastCall = 0; ; lastCall++) {
      const disk = new SimulatedDisk(seededRandom(lastCall + 1))
      const storage = await DataDirectory.open('/d', options, disk)
      const storeId = await belong(storage)
      const { id } = storage
      let isNoted = false
      let isOver = false
      let crashing = disk.afterCrash(lastCall + 1)
      try {
        const next = await DataDirectory.open('/d', options, crashing)
        await next.moveTo(move)
        isNoted = true
        await next.close()
        const last = await DataDirectory.open('/d', options, crashing)
        await last.close()
        isOver = true
      } catch (error) {
        assert.ok(error instanceof PowerLoss, String(error))
      }
      crashing = crashing.afterCrash(undefined)
      const found = await DataDirectory.open('/d', options, crashing)
      const clusterId = (await found.readCluster())?.clusterId
      if (isNoted || clusterId === 'd') await hasMoved(found, { id, storeId })
      else assert.equal(clusterId, 'c')
      await found.close()
      if (isOver) break
    }
  })
})
