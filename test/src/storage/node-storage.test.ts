// What both implementations of `NodeStorage` promise, asked of both.

import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../src/errors.ts'
import { DataDirectory } from '../../../src/storage/data-directory.ts'
import { MemoryDirectory } from '../../../src/storage/memory-directory.ts'
import {
  maxFencedSingletons,
  maxRememberedPeers,
  type NodeStorage,
  type StoredCluster,
} from '../../../src/storage/node-storage.ts'
import { temporaryDirectory } from './temporary-directory.ts'

interface Subject {
  open(): Promise<NodeStorage>
  /** The next life of the same node. */
  restart(storage: NodeStorage): Promise<NodeStorage>
}

/** Stands for the PeerId: a function of the public key. */
export function identify(privateKeyPem: string): string {
  const key = createPublicKey(createPrivateKey(privateKeyPem))
  return key.export({ type: 'spki', format: 'der' }).toString('hex')
}

const options = { cluster: 'trellis', identify }
const cluster: StoredCluster = {
  clusterId: 'cluster-1',
  founders: ['a', 'b'],
  voters: [{ id: 'a', storeId: 'store-a' }],
  admitted: true,
  names: [{ name: 'node-1', id: 'a' }],
}

const subjects: [name: string, subject: Subject][] = [
  [
    'data directory',
    {
      open: () => DataDirectory.open(temporaryDirectory(), options),
      restart: async (storage) => {
        await storage.close()
        return await DataDirectory.open(storage.path!, options)
      },
    },
  ],
  [
    'memory directory',
    {
      open: async () => MemoryDirectory.open(options),
      restart: async (storage) => (storage as MemoryDirectory).restart(),
    },
  ],
]

for (const [name, subject] of subjects) {
  describe(`node storage: ${name}`, () => {
    testLives(subject)
    testValues(subject)
    testLog(subject)
    testClose(subject)
  })
}

function testLives({ open, restart }: Subject): void {
  it('never opens again once its cluster has refused it as rolled back, however often it is tried', async () => {
    let storage = await open()
    await storage.condemn(7)
    for (let attempt = 0; attempt < 8; attempt++) {
      await assert.rejects(
        async () => {
          storage = await restart(storage)
        },
        (error) => isClusterError(error, 'ERR_DATA_ROLLED_BACK') && error.details.seen === 7,
      )
    }
  })

  it('is generation 1 at first and one higher in each life, with the same key', async () => {
    let storage = await open()
    const { id, identity } = storage
    assert.equal(identify(identity.privateKeyPem), id)
    for (const generation of [1, 2, 3]) {
      assert.equal(storage.generation, generation)
      assert.deepEqual([storage.id, storage.identity, storage.cluster], [id, identity, 'trellis'])
      storage = await restart(storage)
    }
    await storage.close()
  })

  it('has an Ed25519 key of its own', async () => {
    await using first = await open()
    await using second = await open()
    assert.equal(createPrivateKey(first.identity.privateKeyPem).asymmetricKeyType, 'ed25519')
    assert.notEqual(first.id, second.id)
  })
}

function testValues({ open, restart }: Subject): void {
  it('has nothing at first', async () => {
    await using storage = await open()
    assert.equal(storage.name, undefined)
    assert.equal(await storage.readForming((value) => value), undefined)
    assert.equal(await storage.readCluster(), undefined)
    assert.deepEqual(await storage.readPeers(), [])
    assert.deepEqual(await storage.readFencing(), new Map())
    assert.equal(await storage.readSecret(), undefined)
    assert.equal(await storage.readSeeds(), undefined)
    assert.equal(await storage.openLog(), undefined)
  })

  it('keeps what was written, in the next life too', async () => {
    const storage = await open()
    const peers = [{ id: 'b', name: 'node-2', address: '127.0.0.1:7402' }]
    await storage.writeName('node-1')
    await storage.writeForming({ set: ['a', 'b'], confirmed: true, pause: 0.5 })
    await storage.writeCluster(cluster)
    await storage.writeCluster({ ...cluster, admitted: false })
    assert.equal(await storage.writePeers(peers), 0)
    await using next = await restart(storage)
    assert.equal(next.name, 'node-1')
    assert.deepEqual(await next.readForming((value) => value), { set: ['a', 'b'], confirmed: true, pause: 0.5 })
    assert.deepEqual(await next.readCluster(), { ...cluster, admitted: false })
    assert.deepEqual(await next.readPeers(), peers)
  })

  it('refuses a forming state that its reader does not accept', async () => {
    await using storage = await open()
    await storage.writeForming({ set: 1 })
    await assert.rejects(
      storage.readForming(() => undefined),
      (error) => isClusterError(error, 'ERR_LOG_CORRUPT'),
    )
  })

  it('refuses another cluster id', async () => {
    await using storage = await open()
    await storage.writeCluster(cluster)
    await assert.rejects(storage.writeCluster({ ...cluster, clusterId: 'cluster-2' }), (error) => {
      return isClusterError(error, 'ERR_DATA_FOREIGN') && error.details.found === 'cluster-2'
    })
    assert.deepEqual(await storage.readCluster(), cluster)
  })

  it('takes effect in call order', async () => {
    await using storage = await open()
    const writes = Array.from({ length: 20 }, (_, round) => storage.writeForming({ round }))
    const seen = storage.readForming((value) => value)
    await Promise.all([...writes, storage.writeForming({ round: 'last' })])
    assert.deepEqual(await seen, { round: 19 })
    assert.deepEqual(await storage.readForming((value) => value), { round: 'last' })
  })

  it('keeps the first peers up to its bound and says how many are left out', async () => {
    await using storage = await open()
    const peers = Array.from({ length: maxRememberedPeers + 3 }, (_, at) => ({
      id: `${at}`,
      name: 'n',
      address: 'h:1',
    }))
    assert.equal(await storage.writePeers(peers), 3)
    assert.deepEqual(await storage.readPeers(), peers.slice(0, maxRememberedPeers))
  })

  it('never lowers a fencing token', async () => {
    const storage = await open()
    const answers = [storage.raiseFencing('s5', 7), storage.raiseFencing('s5', 3), storage.raiseFencing('s1', 1)]
    assert.deepEqual(await Promise.all(answers), [7, 7, 1])
    await using next = await restart(storage)
    assert.equal(await next.raiseFencing('s5', 6), 7)
    const expected = new Map([
      ['s5', 7],
      ['s1', 1],
    ])
    assert.deepEqual(await next.readFencing(), expected)
  })
}

function testLog({ open, restart }: Subject): void {
  const headerOf = async (storage: NodeStorage) => {
    return { clusterId: 'cluster-1', nodeId: storage.id, storeId: await storage.storeId(), voters: cluster.voters }
  }

  it('has one store id, of 32 digits, from the first call on', async () => {
    const storage = await open()
    const [first, second] = await Promise.all([storage.storeId(), storage.storeId()])
    assert.match(first, /^[0-9a-f]{32}$/)
    assert.equal(second, first)
    await using next = await restart(storage)
    assert.equal(await next.storeId(), first)
  })

  it('makes the log once and finds it in the next life', async () => {
    const storage = await open()
    const header = await headerOf(storage)
    const log = await storage.createLog(header)
    await log.load()
    await log.append([{ hardState: { term: 1, votedFor: 'a' }, entries: [{ index: 1, term: 1, command: undefined }] }])
    await using next = await restart(storage)
    const found = await next.openLog()
    assert.deepEqual(found?.header, header)
    assert.deepEqual(await found?.load(), {
      hardState: { term: 1, votedFor: 'a' },
      base: { index: 0, term: 0 },
      entries: [{ index: 1, term: 1, command: undefined }],
      snapshot: undefined,
      repaired: undefined,
    })
    await found?.close()
    assert.deepEqual((await (await next.createLog(header)).load()).entries.length, 1)
  })

  it('keeps the snapshot with the log, and what is behind it', async () => {
    const storage = await open()
    const header = await headerOf(storage)
    const log = await storage.createLog(header)
    await log.load()
    const configuration = { voters: header.voters, outgoing: [], learners: [] }
    const snapshot = await log.snapshots.store({ index: 7, term: 2, configuration }, [Buffer.from('the state')])
    await log.append([{ hardState: undefined, reset: { index: 7, term: 2 }, entries: [] }])
    await log.compact(7)
    await using next = await restart(storage)
    const found = await next.openLog()
    const { base, entries, snapshot: kept } = (await found?.load())!
    assert.deepEqual([base, entries, kept], [{ index: 7, term: 2 }, [], snapshot])
    assert.equal(Buffer.from((await found!.snapshots.read(snapshot.id, 0, 100))!).toString(), 'the state')
  })

  it('refuses a header of another node, store or cluster', async () => {
    await using storage = await open()
    const header = await headerOf(storage)
    const isForeign = (error: unknown): boolean => isClusterError(error, 'ERR_DATA_FOREIGN')
    await storage.writeCluster(cluster)
    for (const other of [{ nodeId: 'b' }, { storeId: 'c' }, { clusterId: 'd' }]) {
      await assert.rejects(storage.createLog({ ...header, ...other }), isForeign)
    }
    await (await storage.createLog(header)).close()
    await assert.rejects(storage.createLog({ ...header, voters: [] }), isForeign)
  })
}

function testClose({ open }: Subject): void {
  it('finishes what was called before, closes twice, and refuses what comes after', async () => {
    const storage = await open()
    const written = storage.raiseFencing('s5', 1)
    await Promise.all([storage.close(), storage.close()])
    assert.equal(await written, 1)
    const isShuttingDown = (error: unknown): boolean => isClusterError(error, 'ERR_SHUTTING_DOWN')
    for (const call of [storage.writeForming({}), storage.readPeers(), storage.storeId(), storage.openLog()]) {
      await assert.rejects(call, isShuttingDown)
    }
    await storage.close()
  })
}

describe('the memory directory', () => {
  it('bounds the fenced singletons', async () => {
    await using storage = MemoryDirectory.open(options)
    for (let at = 0; at < maxFencedSingletons; at++) await storage.raiseFencing(`s1/${at}`, 1)
    await assert.rejects(storage.raiseFencing('one more', 1), (error) => isClusterError(error, 'ERR_BUFFER_FULL'))
    assert.equal(await storage.raiseFencing('s1/0', 2), 2)
  })

  it('is dead once its next life began', async () => {
    const storage = MemoryDirectory.open(options)
    await using next = storage.restart()
    await assert.rejects(storage.writeForming({}), (error) => isClusterError(error, 'ERR_SHUTTING_DOWN'))
    await storage.close()
    assert.equal(await next.raiseFencing('s5', 1), 1)
  })
})
