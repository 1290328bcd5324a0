import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ClusterError } from '../../../src/errors.ts'
import { MemoryDirectory } from '../../../src/storage/memory-directory.ts'
import type { NodeStorage } from '../../../src/storage/node-storage.ts'
import { Fence } from '../../../src/vsm/fence.ts'

const directory = () => MemoryDirectory.open({ cluster: 'trellis', identify: () => 'id-a' })

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'passed',
    (error: ClusterError) => error.code,
  )

describe('the fence', () => {
  it('lets equal and larger tokens pass, and refuses smaller ones with both numbers', async () => {
    const fence = await Fence.open(directory(), 's5')
    await fence.pass(5)
    await fence.pass(5)
    await fence.pass(9)
    await assert.rejects(fence.pass(8), (error: unknown) => {
      assert.ok(error instanceof ClusterError)
      assert.deepEqual([error.code, error.details], ['ERR_STALE_TOKEN', { token: 8, current: 9 }])
      return true
    })
    assert.equal(fence.highest, 9)
  })

  it('refuses what is smaller than a token it has only heard of', async () => {
    const fence = await Fence.open(directory(), 's5')
    fence.observe(7)
    fence.observe(3)
    assert.equal(await codeOf(fence.pass(6)), 'ERR_STALE_TOKEN')
    assert.equal(await codeOf(fence.pass(7)), 'passed')
  })

  it('keeps its maximum through a restart', async () => {
    const before = directory()
    await (await Fence.open(before, 's5')).pass(12)
    const fence = await Fence.open(before.restart(), 's5')
    assert.equal(fence.highest, 12)
    assert.equal(await codeOf(fence.pass(11)), 'ERR_STALE_TOKEN')
  })

  it('lets nothing take effect before its token is durable', async () => {
    const disk = new SlowDisk()
    const fence = await Fence.open(disk.storage, 's5')
    let isPassed = false
    const pass = fence.pass(4).then(() => {
      isPassed = true
    })
    await settled()
    assert.deepEqual([isPassed, disk.pending.length], [false, 1])
    disk.finish()
    await pass
  })

  it('refuses the smaller of two that race, whichever reached the disk first', async () => {
    const disk = new SlowDisk()
    const fence = await Fence.open(disk.storage, 's5')
    const [old, fresh] = [codeOf(fence.pass(4)), codeOf(fence.pass(5))]
    await settled()
    disk.finish()
    disk.finish()
    assert.deepEqual(await Promise.all([old, fresh]), ['ERR_STALE_TOKEN', 'passed'])
  })

  it('fails with the disk, and keeps refusing what is older all the same', async () => {
    const disk = new SlowDisk()
    const fence = await Fence.open(disk.storage, 's5')
    const pass = codeOf(fence.pass(4))
    await settled()
    disk.finish(new ClusterError('ERR_DISK', 'no space left', { path: 'x' }))
    assert.equal(await pass, 'ERR_DISK')
    assert.equal(await codeOf(fence.pass(3)), 'ERR_STALE_TOKEN')
  })

  it('never lets an effect happen after a larger token has', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(5), { maxLength: 12 }),
        fc.infiniteStream(fc.nat(3)),
        async (tokens, chances) => {
          const disk = new SlowDisk()
          const fence = await Fence.open(disk.storage, 's5')
          const effects: number[] = []
          const passes: Promise<unknown>[] = []
          for (const token of tokens) {
            passes.push(
              fence.pass(token).then(
                () => effects.push(token),
                () => {},
              ),
            )
            await settled()
            for (let writes = chances.next().value ?? 0; writes > 0; writes--) disk.finish()
          }
          while (disk.pending.length > 0) disk.finish()
          await Promise.all(passes)
          assert.deepEqual(
            effects,
            [...effects].sort((x, y) => x - y),
          )
        },
      ),
    )
  })
})

/** A disk whose writes end when the test says so, in order. */
class SlowDisk {
  readonly pending: ((error?: Error) => void)[] = []
  readonly storage = {
    readFencing: async () => new Map(),
    raiseFencing: (_singleton: string, token: number) =>
      new Promise<number>((resolve, reject) => {
        this.pending.push((error) => (error ? reject(error) : resolve(token)))
      }),
  } as Partial<NodeStorage> as NodeStorage

  finish(error?: Error): void {
    this.pending.shift()?.(error)
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await undefined
}
