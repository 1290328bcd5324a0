// A process that holds a lock over etcd and says so; asked for its token, it says that, or why it has none any more.
//   node holder-child.ts ETCD_HOST:PORT

import { etcd } from '../../../../src/coordination/etcd/etcd.ts'
import { type ClusterError, createNode } from '../../../../src/index.ts'

const coordination = etcd({ hosts: process.argv[2]!, prefix: 'stopped/' })
const node = await createNode({ name: 'holder', listen: '127.0.0.1:0', keepStalledMs: 0, coordination })
const lock = await node.locks.acquire('stopped', { leaseMs: 1_000 })
console.log(lock.token)
process.stdin.on('data', () => {
  try {
    console.log(lock.token)
  } catch (error) {
    console.log((error as ClusterError).code)
  }
})
process.stdin.on('end', () => process.exit(0))
