// A process that starts nodes, ends them in one of several ways, and then has nothing left to live for. It says so when
// it is over; anything else that is said, and any rejection that nobody handled, is a failure.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createNode, isClusterError, type NodeOptions } from '../../src/index.ts'

const [scene, directory = ''] = process.argv.slice(2)
const start = (options: NodeOptions = {}) => createNode({ listen: '127.0.0.1:0', ...options })

async function refused(promise: Promise<unknown>, code: Parameters<typeof isClusterError>[1]): Promise<void> {
  try {
    await promise
  } catch (error) {
    if (isClusterError(error, code)) return
    throw error
  }
  throw new Error('it was not refused')
}

const scenes: Record<string, () => Promise<void>> = {
  stopped: async () => {
    const node = await start({ admin: '127.0.0.1:0', dataDir: directory })
    node.vsm.host('s5', (s5) => ({ onRequest: () => s5.token }))
    await node.vsm.call('s5', null)
    void node.watchMembers()[Symbol.asyncIterator]().next()
    await node.stop()
  },
  cluster: async () => {
    const a = await start({ name: 'a', expect: 3, timeoutMs: 1 })
    const others = await Promise.all(['b', 'c'].map((name) => start({ name, expect: 3, join: [a.address] })))
    await Promise.all([a, ...others].map((node) => node.ready()))
    await Promise.all([a, ...others].map((node) => node.stop()))
  },
  refused: async () => {
    const a = await start({ secret: 'the secret of the cluster' })
    await refused(start({ secret: 'another secret altogether', join: [a.address] }), 'ERR_WRONG_SECRET')
    await a.stop()
  },
  unreachable: () => refused(start({ join: ['127.0.0.1:1'], timeoutMs: 100 }), 'ERR_CLUSTER_UNREACHABLE'),
  aborted: async () => {
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 50)
    await refused(start({ join: ['127.0.0.1:1'], signal: abort.signal, dataDir: directory }), 'ERR_ABORTED')
  },
  corrupt: async () => {
    await (await start({ dataDir: directory })).stop()
    const path = join(directory, 'raft.log.00000001')
    const log = readFileSync(path)
    const at = log.findLastIndex((byte) => byte !== 0) - 10
    log[at] = (log[at] ?? 0) ^ 0xff
    writeFileSync(path, log)
    await refused(start({ dataDir: directory }), 'ERR_LOG_CORRUPT')
  },
  'stopped at once': async () => {
    // Stopped while still looking for its co-founders, and in the middle of everything else.
    const waiting = await start({ expect: 3, timeoutMs: 1, dataDir: directory })
    const joining = await start({ expect: 3, timeoutMs: 1, join: [waiting.address] })
    await Promise.all([waiting.stop(), joining.leave()])
  },
}

const run = scenes[scene ?? '']
if (!run) throw new Error(`no scene ${scene}`)
await run()
process.once('beforeExit', () => process.stdout.write('the end\n'))
