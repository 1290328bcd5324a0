import { etcd } from '../../../src/coordination/etcd/etcd.ts'
import { createNode, type NodeOptions, type TrellisNode } from '../../../src/index.ts'
import { type CoordinationSubject, testCoordinationStore } from '../../../src/testing/compliance/coordination-store.ts'
import { EtcdServers } from '../../../src/testing/etcd-servers.ts'
import { skipWithoutEtcd } from './etcd/without-etcd.ts'

async function pair(options: NodeOptions): Promise<[TrellisNode, TrellisNode]> {
  const all = { listen: '127.0.0.1:0', keepStalledMs: 0, expect: 2, ...options } as const
  const a = await createNode({ ...all, name: 'a', timeoutMs: 1 })
  const b = await createNode({ ...all, name: 'b', join: [a.address] })
  await Promise.all([a.ready(), b.ready()])
  return [a, b]
}

async function onOwnLog(): Promise<CoordinationSubject> {
  const [a, b] = await pair({})
  const compact = async (): Promise<void> => {
    // It keeps 16,384 changes.
    const steps = Array.from({ length: 128 }, (_, i) => ({ set: `filler/${i}`, value: 0 }))
    const writes = Array.from({ length: 129 }, () => a.config.transaction({ do: steps }))
    await Promise.all(writes)
  }
  return { a, b, compact, close: async () => void (await Promise.all([a.stop(), b.stop()])) }
}

async function onEtcd(): Promise<CoordinationSubject> {
  const servers = await EtcdServers.start()
  const [a, b] = await pair({ coordination: etcd({ hosts: servers.hosts }) })
  return {
    a,
    b,
    compact: async () => servers.compact((await a.config.list()).revision),
    close: async () => {
      await Promise.all([a.stop(), b.stop()])
      await servers[Symbol.asyncDispose]()
    },
  }
}

testCoordinationStore("the members' own log", { open: onOwnLog })

testCoordinationStore('etcd', {
  open: onEtcd,
  skipAll: skipWithoutEtcd,
  refuses: {
    'merges offline keys': 'etcd has no sessions: a merge whose answer is lost could count twice (docs/etcd.md)',
  },
})
