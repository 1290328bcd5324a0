import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../src/errors.ts'
import { FileSnapshots } from '../../../src/storage/file-snapshots.ts'
import { type FileSystem, nodeFileSystem } from '../../../src/storage/file-system.ts'
import { pieceBytes } from '../../../src/storage/snapshot-file.ts'
import type { SnapshotStore, StoredSnapshot } from '../../../src/storage/snapshot-store.ts'
import { testSnapshotStore } from '../../../src/testing/compliance/snapshot-store.ts'
import { failingFileSystem } from './failing-file-system.ts'
import { PowerLoss, SimulatedDisk, seededRandom } from './simulated-disk.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const paths = new WeakMap<SnapshotStore, string>()

function open(path: string): FileSnapshots {
  const store = new FileSnapshots(path, 's')
  paths.set(store, path)
  return store
}

const newPath = (): string => join(temporaryDirectory(), 'raft.snapshot')

testSnapshotStore('file', {
  create: async () => open(newPath()),
  reopen: async (store) => open(paths.get(store)!),
})

const configuration = { voters: [{ id: 'a', storeId: 's' }], outgoing: [], learners: [] }
const state = (size: number, fill: number): Buffer => Buffer.alloc(size, fill)

async function stored(path: string, index: number, size: number): Promise<StoredSnapshot> {
  const store = new FileSnapshots(path, 's')
  await store.load()
  const snapshot = await store.store({ index, term: 1, configuration }, [state(size, index)])
  await store.close()
  return snapshot
}

function filesOf(path: string): string[] {
  return readdirSync(dirname(path)).map((name) => join(dirname(path), name))
}

describe('snapshot files', () => {
  it('go on from the last whole piece after the process was killed', async () => {
    const path = newPath()
    const snapshot = await stored(newPath(), 3, 200_000)
    const store = new FileSnapshots(path, 's')
    await store.load()
    await store.receive(snapshot, 0, state(150_000, 3))
    const next = new FileSnapshots(path, 's')
    await next.load()
    assert.equal(await next.receive(snapshot, 0, state(1, 3)), 131_072)
    await next.close()
    await store.close()
  })

  it('are written out of one space, however large', async () => {
    const spaces = new Set<ArrayBufferLike>()
    const watched: FileSystem = {
      ...nodeFileSystem,
      open: async (path, mode) => {
        const file = await nodeFileSystem.open(path, mode)
        const write = (bytes: Uint8Array, position: number): Promise<void> => {
          if (bytes.length >= pieceBytes) spaces.add(bytes.buffer)
          return file.write(bytes, position)
        }
        return Object.assign(Object.create(file), { write })
      },
    }
    const path = newPath()
    const store = new FileSnapshots(path, 's', watched)
    await store.load()
    const pieces = Array.from({ length: 40 }, (_, i) => state(70_000, i))
    const { id, size } = await store.store({ index: 1, term: 1, configuration }, pieces)
    assert.equal(spaces.size, 1)
    assert(Buffer.concat(pieces).equals((await store.read(id, 0, size))!))
    await store.close()
  })

  it('leave one file, and nothing of another log', async () => {
    const path = newPath()
    for (const index of [1, 2, 3]) await stored(path, index, 1_000)
    assert.equal(filesOf(path).length, 1)
    await assert.rejects(new FileSnapshots(path, 'other').load(), (error) => isClusterError(error, 'ERR_DATA_FOREIGN'))
    await FileSnapshots.clear(path)
    assert.deepEqual(filesOf(path), [])
  })

  it('are refused with every flipped bit of the header, the checksums and the state', async () => {
    const path = newPath()
    await stored(path, 5, 70_000)
    const [file] = filesOf(path)
    const whole = readFileSync(file!)
    const headerEnd = whole.lastIndexOf('}', 511) + 1
    const places = [...Array(headerEnd).keys(), 512, 40_000, 66_048, 66_051, 66_052, whole.length - 4, whole.length - 1]
    for (const at of places) {
      const flipped = Buffer.from(whole)
      flipped[at]! ^= 1 << (at % 8)
      writeFileSync(file!, flipped)
      const isCorrupt = (error: unknown): boolean => isClusterError(error, 'ERR_LOG_CORRUPT')
      await assert.rejects(new FileSnapshots(path, 's').load(), isCorrupt, `byte ${at}`)
    }
    writeFileSync(file!, whole.subarray(0, -1))
    await assert.rejects(new FileSnapshots(path, 's').load(), (error) => isClusterError(error, 'ERR_LOG_CORRUPT'))
  })

  it('are not read when they were damaged after the start', async () => {
    const path = newPath()
    const { id } = await stored(path, 5, 70_000)
    const store = new FileSnapshots(path, 's')
    await store.load()
    const [file] = filesOf(path)
    const whole = readFileSync(file!)
    whole[60_000]! ^= 1
    writeFileSync(file!, whole)
    await assert.rejects(store.read(id, 0, 100), (error) => isClusterError(error, 'ERR_LOG_CORRUPT'))
    await store.close()
  })

  it('answer nothing any more once the disk has failed', async () => {
    let isWell = true
    const fs = failingFileSystem((operation) => (operation === 'sync' && !isWell ? 'EIO' : undefined))
    const store = new FileSnapshots(newPath(), 's', fs)
    await store.load()
    isWell = false
    const isDiskError = (error: unknown): boolean => isClusterError(error, 'ERR_DISK')
    await assert.rejects(store.store({ index: 1, term: 1, configuration }, [state(10, 1)]), isDiskError)
    isWell = true
    await assert.rejects(store.store({ index: 1, term: 1, configuration }, [state(10, 1)]), isDiskError)
    await store.close()
  })
})

describe('snapshots after a crash', () => {
  it('are the last that was acknowledged or the one on its way, whichever call to the disk was the last one', async () => {
    for (let lastCall = 1; lastCall <= 70; lastCall++) {
      for (let seed = 1; seed <= 4; seed++) await liveAndDie(lastCall, seed)
    }
  })

  /** Snapshots are stored and received in turn until the power fails; then it does not fail any more. */
  async function liveAndDie(lastCall: number, seed: number): Promise<void> {
    const received: StoredSnapshot[] = []
    for (const index of [2, 4]) received.push(await storedOn(new SimulatedDisk(seededRandom(1)), index))
    let disk = new SimulatedDisk(seededRandom(lastCall * 100 + seed), lastCall)
    let sure = 0
    let maybe = 0
    try {
      const store = new FileSnapshots('/d/raft.snapshot', 's', disk)
      await store.load()
      for (const index of [1, 2, 3, 4]) {
        maybe = index
        const arriving = received.find((snapshot) => snapshot.index === index)
        if (arriving === undefined) await store.store({ index, term: 1, configuration }, [state(100_000, index)])
        else await receiveAll(store, arriving)
        sure = index
      }
    } catch (error) {
      assert(error instanceof PowerLoss)
    }
    disk = disk.afterCrash()
    const store = new FileSnapshots('/d/raft.snapshot', 's', disk)
    const found = await store.load()
    const context = `call ${lastCall}, seed ${seed}: found ${found?.index}, sure of ${sure}, perhaps ${maybe}`
    assert((found?.index ?? 0) === sure || found?.index === maybe, context)
    if (found !== undefined)
      assert(state(100_000, found.index).equals((await store.read(found.id, 0, 100_000))!), context)
    const last = received[1]!
    if (found?.index !== 4) await receiveAll(store, last)
    assert.deepEqual(store.latest, last)
  }

  async function storedOn(disk: SimulatedDisk, index: number): Promise<StoredSnapshot> {
    const store = new FileSnapshots('/d/raft.snapshot', 's', disk)
    await store.load()
    return await store.store({ index, term: 1, configuration }, [state(100_000, index)])
  }

  async function receiveAll(store: SnapshotStore, snapshot: StoredSnapshot): Promise<void> {
    const bytes = state(snapshot.size, snapshot.index)
    for (let offset = 0; offset < snapshot.size; ) {
      offset = await store.receive(snapshot, offset, bytes.subarray(offset, offset + 40_000))
    }
  }
})
