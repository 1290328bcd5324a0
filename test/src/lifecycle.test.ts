import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { describe, it } from 'node:test'
import { createNode, isClusterError, type S5 } from '../../src/index.ts'
import { waitUntil } from '../../src/testing/compliance/wait-until.ts'
import { agreed, failureOf, form, start, stateOf } from './local-nodes.ts'
import { temporaryDirectory } from './storage/temporary-directory.ts'

describe('a start that is aborted', () => {
  it('at whatever moment leaves port and directory free, and the cluster as it was', async () => {
    const dataDir = temporaryDirectory()
    const a = await start({ name: 'a' })
    const free = await start({ name: 'free' })
    await free.stop()
    const outcomes = new Set<string>()
    for (let moment = 0; moment < 24; moment++) {
      const abort = new AbortController()
      const timer = setTimeout(() => abort.abort(), moment * 1.5)
      const options = { name: 'b', dataDir, listen: free.address, join: [a.address], signal: abort.signal }
      try {
        const node = await createNode(options)
        outcomes.add('started')
        await node.stop()
      } catch (error) {
        assert.ok(isClusterError(error, 'ERR_ABORTED'), String(error))
        outcomes.add('aborted')
      }
      clearTimeout(timer)
    }
    assert.ok(outcomes.has('aborted'))
    await agreed([a, await start({ name: 'b', dataDir, listen: free.address, join: [a.address] })])
  })
})

describe('a node whose disk fails', () => {
  it('stops with ERR_DISK, says so once, and has let nobody believe it', async () => {
    const dataDir = temporaryDirectory()
    const node = await start({ dataDir })
    let s5: S5 | undefined
    node.vsm.host('s5', (hosted) => {
      s5 = hosted
    })
    await waitUntil(() => s5 !== undefined)
    node.vsm.onCommand(() => 'done')
    // A file that the node renames meanwhile makes Node believe that all is gone.
    while (existsSync(dataDir)) rmSync(dataDir, { recursive: true, maxRetries: 20, retryDelay: 2 })
    // The token is kept when it is first used, which the directory that is gone does not allow.
    const command = failureOf(s5?.command(node.name, null) ?? Promise.resolve())
    const fatal = await node.fatal
    assert.equal(fatal.code, 'ERR_DISK')
    assert.notEqual((await command).code, 'ERR_NO_HANDLER')
    assert.equal((await failureOf(node.ready())).code, 'ERR_DISK')
    await node.stop()
  })
})

describe('a node that is stopped by its own listener', () => {
  it('stops in order', async () => {
    const [a, b, c] = await form(['a', 'b', 'c'])
    assert.ok(a && b && c)
    let stopped: Promise<void> | undefined
    b.events.subscribe(() => {
      stopped ??= b.stop()
    })
    await c.stop()
    await waitUntil(() => stopped !== undefined)
    await stopped
    await waitUntil(() => stateOf(a, 'b') === 'left')
  })
})

describe('the last of three voters', () => {
  it('has no quorum, says so, takes nobody in, and goes on when the others are back', async () => {
    const dirs = { a: temporaryDirectory(), b: temporaryDirectory(), c: temporaryDirectory() }
    const nodes = await form(['a', 'b', 'c'], (name) => ({ dataDir: dirs[name as keyof typeof dirs] }))
    const [a, b, c] = nodes
    assert.ok(a && b && c)
    const addresses = [b.address, c.address]
    await Promise.all([b.stop(), c.stop()])
    await waitUntil(() => !a.status().consensus.quorum && a.status().consensus.leader === null)
    assert.deepEqual(a.status().s5, { host: null, phase: 'inactive', fencingToken: null })
    const error = await failureOf(a.vsm.call('s5', null, { timeoutMs: 50 }))
    assert.deepEqual([error.code, error.mayHaveHappened], ['ERR_TIMEOUT', false])
    // A member whose name is bound comes back without a quorum; a newcomer needs one.
    const late = failureOf(start({ name: 'd', join: [a.address], timeoutMs: 400 }))
    assert.equal((await late).code, 'ERR_CLUSTER_UNREACHABLE')
    assert.equal(stateOf(a, 'd'), undefined)
    const again = await Promise.all([
      start({ dataDir: dirs.b, listen: addresses[0] ?? '' }),
      start({ dataDir: dirs.c, listen: addresses[1] ?? '' }),
    ])
    await agreed([a, ...again])
  })
})
