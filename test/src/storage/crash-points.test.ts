// The process is killed or the power fails at every call to the disk, and everything that was acknowledged is there
// afterwards.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../src/errors.ts'
import { DataDirectory } from '../../../src/storage/data-directory.ts'
import type { NodeStorage, StoredCluster } from '../../../src/storage/node-storage.ts'
import { PowerLoss, SimulatedDisk, seededRandom } from './simulated-disk.ts'

/** Resolves to false when the crash came meanwhile. */
async function hasPower(work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (error instanceof PowerLoss) return false
    throw error
  }
}

const cluster: StoredCluster = { clusterId: 'c', founders: ['id'], voters: [], admitted: false, names: [] }
const options = { cluster: 'trellis', identify: (pem: string) => `id of ${pem.length} ${pem.slice(40, 110)}` }
const parse = (value: unknown) => value

interface Promised {
  generation: number
  id: string | undefined
  storeId: string | undefined
  /** Last acknowledged and last begun. */
  forming: [sure: number, maybe: number]
  fencing: [sure: number, maybe: number]
  cluster: boolean
  appended: [sure: number, maybe: number]
}

/** One life of a node that writes everything there is, noting what it was promised. */
async function live(storage: NodeStorage, promised: Promised): Promise<void> {
  const storeId = await storage.storeId()
  assert(promised.storeId === undefined || promised.storeId === storeId, 'the store id changed')
  promised.storeId = storeId
  await storage.writeName(`name ${storage.generation}`)
  for (let round = 0; round < 2; round++) {
    promised.forming[1] = promised.forming[0] + 1
    await storage.writeForming({ round: promised.forming[1] })
    promised.forming[0] = promised.forming[1]
    promised.fencing[1] = promised.fencing[0] + 1
    await storage.raiseFencing('s5', promised.fencing[1])
    promised.fencing[0] = promised.fencing[1]
  }
  const log = await storage.createLog({ clusterId: 'c', nodeId: storage.id, storeId, voters: [] })
  const { entries } = await log.load()
  assertBetween(entries.length, promised.appended, 'entries')
  promised.appended = [entries.length, entries.length + 1]
  const command = Buffer.alloc(600, 'x')
  await log.append([
    { hardState: { term: 1, votedFor: 'a' }, entries: [{ index: entries.length + 1, term: 1, command }] },
  ])
  promised.appended[0]++
  await storage.writeCluster(cluster)
  promised.cluster = true
  await storage.writePeers([{ id: 'b', name: 'b', address: 'b:1' }])
}

function assertBetween(found: number, [sure, maybe]: [number, number], what: string): void {
  assert(found === sure || found === maybe, `${what}: ${found}, promised ${sure} and perhaps ${maybe}`)
}

async function check(storage: NodeStorage, promised: Promised): Promise<void> {
  assert(storage.generation > promised.generation, `generation ${storage.generation} after ${promised.generation}`)
  assert(promised.id === undefined || storage.id === promised.id, 'another key')
  promised.generation = storage.generation
  promised.id = storage.id
  const forming = ((await storage.readForming(parse)) as { round: number } | undefined)?.round ?? 0
  assertBetween(forming, promised.forming, 'forming')
  promised.forming = [forming, forming]
  const fencing = (await storage.readFencing()).get('s5') ?? 0
  assertBetween(fencing, promised.fencing, 'fencing')
  promised.fencing = [fencing, fencing]
  const stored = await storage.readCluster()
  if (promised.cluster) assert.deepEqual(stored, cluster)
}

describe('a data directory after a crash', () => {
  it('keeps every promise, whichever call to the disk was the last one', async () => {
    const whole = await callsOfOneLife()
    assert(whole > 80, `${whole} calls`)
    for (let lastCall = 1; lastCall <= whole; lastCall++) await liveTwice(lastCall)
  })

  async function callsOfOneLife(): Promise<number> {
    const disk = new SimulatedDisk(seededRandom(1))
    await live(await DataDirectory.open('/d', options, disk), nothingPromised())
    return disk.calls
  }

  function nothingPromised(): Promised {
    const nothing = { generation: 0, id: undefined, storeId: undefined, cluster: false }
    return { ...nothing, forming: [0, 0], fencing: [0, 0], appended: [0, 0] }
  }

  /** Dies at `lastCall`, dies somewhere in its next lives, and then lives on. */
  async function liveTwice(lastCall: number): Promise<void> {
    for (let seed = 1; seed <= 5; seed++) {
      const random = seededRandom(lastCall * 1000 + seed)
      const promised = nothingPromised()
      let disk = new SimulatedDisk(random, lastCall)
      for (const next of [1 + Math.floor(random() * 60), 1 + Math.floor(random() * 60), undefined]) {
        const reached = await hasPower(async () => {
          const storage = await DataDirectory.open('/d', options, disk)
          await check(storage, promised)
          await live(storage, promised)
        })
        assert.equal(reached, false, `the power holds at call ${lastCall}, seed ${seed}`)
        disk = disk.afterCrash(next)
        if (next !== undefined) continue
        const storage = await DataDirectory.open('/d', options, disk)
        await check(storage, promised)
        await live(storage, promised)
      }
    }
  }

  it('has a new store id once its log is gone, and never the log of another store', async () => {
    const disk = new SimulatedDisk(seededRandom(7))
    const storage = await DataDirectory.open('/d', options, disk)
    const promised = nothingPromised()
    await live(storage, promised)
    await storage.close()
    await disk.rename('/d/raft.log', '/d/aside')
    const wiped = await DataDirectory.open('/d', options, disk)
    assert.notEqual(await wiped.storeId(), promised.storeId)
    assert.equal(await wiped.openLog(), undefined)
    await wiped.close()
    await disk.rename('/d/aside', '/d/raft.log')
    const mixed = await DataDirectory.open('/d', options, disk)
    await assert.rejects(mixed.openLog(), (error) => isClusterError(error, 'ERR_DATA_FOREIGN'))
    await mixed.close()
  })
})
