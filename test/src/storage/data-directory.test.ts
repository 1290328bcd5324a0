// Directories that do not fit: each is refused with one clear error, and left as it was.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ClusterError, type ErrorCode, isClusterError } from '../../../src/errors.ts'
import { DataDirectory } from '../../../src/storage/data-directory.ts'
import {
  readSecretFile,
  readSeedsFile,
  upFiles,
  writeSecretFile,
  writeSeedsFile,
} from '../../../src/storage/up-files.ts'
import { failingFileSystem } from './failing-file-system.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const identify = (privateKeyPem: string): string => {
  if (!privateKeyPem.includes('PRIVATE KEY')) throw new Error('no key')
  return `id-${privateKeyPem.split('\n')[1]}`
}
const options = { cluster: 'trellis', identify }

async function used(): Promise<string> {
  const path = join(temporaryDirectory(), 'a', 'b')
  await using storage = await DataDirectory.open(path, options)
  const storeId = await storage.storeId()
  await storage.writeForming({ set: ['a'] })
  await storage.writeCluster({ clusterId: 'c', founders: [], voters: [], admitted: true, names: [] })
  await storage.writePeers([{ id: 'b', name: 'b', address: 'h:1' }])
  await storage.raiseFencing('s5', 5)
  await storage.createLog({ clusterId: 'c', nodeId: storage.id, storeId, voters: [] })
  return path
}

/** Opens and reads all there is. */
async function readAll(path: string, cluster = 'trellis'): Promise<void> {
  await using storage = await DataDirectory.open(path, { ...options, cluster })
  await storage.readForming((value) => value)
  await storage.readCluster()
  await storage.readPeers()
  await storage.readFencing()
  await storage.readSecret()
  await storage.readSeeds()
  await (await storage.openLog())?.load()
}

async function refuses(work: Promise<unknown>, code: ErrorCode, path: string): Promise<void> {
  await assert.rejects(work, (error) => {
    assert(error instanceof ClusterError, String(error))
    assert.equal(error.code, code, error.message)
    assert.equal((error.details as { path: string }).path, path)
    assert(error.message.includes(path) && !error.message.includes('\n'), error.message)
    return true
  })
}

describe('a data directory', () => {
  it('is for its owner only', async () => {
    const path = await used()
    assert.equal(statSync(path).mode & 0o777, 0o700)
    for (const name of readdirSync(path)) assert.equal(statSync(join(path, name)).mode & 0o777, 0o600, name)
  })

  it('leaves no temporary file', async () => {
    const names = readdirSync(await used())
    assert.deepEqual(
      names.filter((name) => name.endsWith('.tmp')),
      [],
    )
  })
})

describe('a data directory of somebody else', () => {
  it('is refused when another cluster used it', async () => {
    const path = await used()
    await refuses(readAll(path, 'other'), 'ERR_DATA_FOREIGN', join(path, 'node.json'))
    await readAll(path)
  })

  it('is refused when the key is not the one it was made with, or is gone', async () => {
    const [path, other] = [await used(), await used()]
    const key = join(path, 'identity.pem')
    writeFileSync(key, readFileSync(join(other, 'identity.pem')))
    await refuses(readAll(path), 'ERR_DATA_FOREIGN', path)
    rmSync(key)
    await refuses(readAll(path), 'ERR_DATA_FOREIGN', path)
    writeFileSync(key, 'no key at all')
    await refuses(readAll(path), 'ERR_LOG_CORRUPT', key)
  })

  it('is refused when the log is of another directory', async () => {
    const [path, other] = [await used(), await used()]
    writeFileSync(join(path, 'raft.log'), readFileSync(join(other, 'raft.log')))
    await refuses(readAll(path), 'ERR_DATA_FOREIGN', join(path, 'raft.log'))
  })
})

describe('a damaged data directory', () => {
  const values = ['node.json', 'generation', 'store.json', 'forming.json', 'cluster.json', 'peers.json', 'fencing.json']

  for (const name of values) {
    it(`is refused for any flipped bit and any cut of ${name}`, async () => {
      const path = await used()
      const file = join(path, name)
      const whole = readFileSync(file)
      // The last byte is a line break, which says nothing.
      for (let at = 0; at < whole.length - 1; at++) {
        const flipped = Buffer.from(whole)
        flipped[at]! ^= 1 << (at % 7)
        writeFileSync(file, flipped)
        await refuses(readAll(path), 'ERR_LOG_CORRUPT', file)
      }
      for (const size of [0, 1, whole.length >> 1, whole.length - 2]) {
        writeFileSync(file, whole.subarray(0, size))
        await refuses(readAll(path), 'ERR_LOG_CORRUPT', file)
      }
    })
  }

  it('is refused when a file that must be there is not', async () => {
    for (const name of ['generation', 'store.json', 'node.json']) {
      const path = await used()
      rmSync(join(path, name))
      await refuses(readAll(path), 'ERR_LOG_CORRUPT', join(path, name))
    }
  })

  it('says when a newer release wrote it', async () => {
    const path = await used()
    const { crc32 } = await import('node:zlib')
    const checksum = crc32('[2,{"new":1}]').toString(16).padStart(8, '0')
    writeFileSync(join(path, 'node.json'), JSON.stringify({ format: 2, checksum, value: { new: 1 } }))
    await refuses(readAll(path), 'ERR_DATA_VERSION', join(path, 'node.json'))
  })
})

describe('a directory that cannot be used', () => {
  it('is refused when a file is in its place, or in the place of a folder above', async () => {
    const file = join(temporaryDirectory(), 'file')
    writeFileSync(file, '')
    for (const path of [file, join(file, 'below')]) await refuses(readAll(path), 'ERR_DATA_UNWRITABLE', path)
  })

  it('is refused where no folder can ever be made', {
    skip: process.platform !== 'linux' && 'there is no /proc',
  }, async () => {
    await refuses(readAll('/proc/trellis/a'), 'ERR_DATA_UNWRITABLE', '/proc/trellis/a')
  })

  for (const code of ['EACCES', 'EROFS', 'ENOSPC', 'EDQUOT']) {
    it(`is refused at whichever call says ${code}, and left unlocked`, async () => {
      for (const operation of ['makeDirectory', 'write', 'rename', 'link'] as const) {
        const path = temporaryDirectory()
        const open = DataDirectory.open(
          path,
          options,
          failingFileSystem((what) => (what === operation ? code : undefined)),
        )
        await refuses(open, 'ERR_DATA_UNWRITABLE', path)
        await (await DataDirectory.open(path, options)).close()
        assert.deepEqual(
          readdirSync(path).filter((name) => name.startsWith('lock') && name.endsWith('.tmp')),
          [],
        )
      }
    })
  }

  it('is ERR_DISK when the disk itself fails', async () => {
    const path = temporaryDirectory()
    const fs = failingFileSystem((what) => (what === 'sync' ? 'EIO' : undefined))
    await refuses(DataDirectory.open(path, options, fs), 'ERR_DISK', path)
  })

  it('is ERR_DISK for the one write that fails, and the old value stays', async () => {
    let isFull = false
    const path = temporaryDirectory()
    const fs = failingFileSystem((what) => (isFull && what === 'write' ? 'ENOSPC' : undefined))
    await using storage = await DataDirectory.open(path, options, fs)
    await storage.writeForming({ round: 1 })
    isFull = true
    await refuses(storage.writeForming({ round: 2 }), 'ERR_DISK', join(path, 'forming.json'))
    isFull = false
    assert.deepEqual(await storage.readForming((value) => value), { round: 1 })
    await storage.writeForming({ round: 3 })
    assert.deepEqual(await storage.readForming((value) => value), { round: 3 })
  })
})

describe('what trellis up leaves behind', () => {
  it('is read by the node that runs there', async () => {
    const path = join(temporaryDirectory(), 'node-1')
    const files = upFiles(path)
    await writeSecretFile(files.secret, 'a secret of many bits')
    await writeSeedsFile(files.seeds, { addresses: ['127.0.0.1:7402'], expect: 3 })
    assert.equal(statSync(files.secret).mode & 0o777, 0o600)
    await using storage = await DataDirectory.open(path, options)
    assert.equal(await storage.readSecret(), 'a secret of many bits')
    assert.deepEqual(await storage.readSeeds(), { addresses: ['127.0.0.1:7402'], expect: 3 })
  })

  it('is refused when it makes no sense', async () => {
    const path = temporaryDirectory()
    const { secret, seeds } = upFiles(path)
    assert.equal(await readSecretFile(secret), undefined)
    assert.equal(await readSeedsFile(seeds), undefined)
    writeFileSync(secret, ' \n')
    await refuses(readSecretFile(secret), 'ERR_LOG_CORRUPT', secret)
    for (const text of [
      '',
      '[]',
      '{"addresses":[1]}',
      '{"addresses":[],"expect":0}',
      '{"addresses":[],"expect":"3"}',
    ]) {
      writeFileSync(seeds, text)
      await refuses(readSeedsFile(seeds), 'ERR_LOG_CORRUPT', seeds)
    }
    mkdirSync(join(path, 'folder'))
    await refuses(readSecretFile(join(path, 'folder')), 'ERR_DATA_UNWRITABLE', join(path, 'folder'))
  })
})

describe('the lock', () => {
  it('keeps a second opener of the same process out, and lets it in after close', async () => {
    const path = temporaryDirectory()
    const first = await DataDirectory.open(path, options)
    await assert.rejects(DataDirectory.open(path, options), (error) => {
      return isClusterError(error, 'ERR_DATA_IN_USE') && error.details.pid === process.pid
    })
    await first.close()
    await (await DataDirectory.open(path, options)).close()
    assert(existsSync(path))
  })

  it('does not mind that the directory is gone at close', async () => {
    const path = temporaryDirectory()
    const storage = await DataDirectory.open(path, options)
    rmSync(path, { recursive: true })
    await storage.close()
  })
})
