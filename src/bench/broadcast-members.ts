// A process with several members linked by libp2p in HyParView: what is broadcast there along our tree, and by
// gossipsub. Speaks with its parent by IPC and ends with it.

import { createNode } from '../node.ts'
import { libp2p } from '../transport/libp2p/libp2p.ts'
import { clock } from './recorded.ts'

/** What the process is told, and asked. */
export type Order =
  | { readonly type: 'start'; readonly names: readonly string[]; readonly join: readonly string[] }
  | { readonly type: 'publish'; readonly topic: Way; readonly id: number }
  | { readonly type: 'report' }

/** By which way: a topic that is open is carried by gossipsub, another one by our tree. */
export type Way = 'gossipsub' | 'plumtree'

export interface BroadcastReport {
  readonly addresses: readonly string[]
  /** Members that the one who sees the fewest alive sees. */
  readonly alive: number
  /** Of each delivery: which message by which way, and milliseconds after it was published. */
  readonly deliveries: readonly { readonly way: Way; readonly id: number; readonly ms: number }[]
  /** Copies that came, by way: what was delivered, and what was not needed. */
  readonly copies: Readonly<Record<Way, number>>
}

const nodes: Awaited<ReturnType<typeof createNode>>[] = []
let deliveries: { way: Way; id: number; ms: number }[] = []
let begun = { pushed: 0, duplicates: 0 }

async function start(names: readonly string[], join: readonly string[]): Promise<void> {
  const [first = '', ...others] = names
  const seed = await startOne(first, join)
  await Promise.all(others.map((name) => startOne(name, [...join, seed])))
}

async function startOne(name: string, join: readonly string[]): Promise<string> {
  const gossipsub = { topics: [{ topic: 'gossipsub', channel: 'gossip' }] } as const
  const node = await createNode({
    name,
    topology: 'hyparview',
    transport: libp2p({ listen: ['/ip4/127.0.0.1/tcp/0'], gossipsub }),
    join,
    keepStalledMs: 0,
    timeoutMs: 120_000,
  })
  for (const way of ['gossipsub', 'plumtree'] as const)
    node.channel('gossip').subscribe(way, ({ payload }) => {
      const { id, at } = payload as { readonly id: number; readonly at: number }
      deliveries.push({ way, id, ms: clock() - at })
    })
  nodes.push(node)
  return node.address
}

function sum(name: string): number {
  return nodes.reduce((total, node) => total + (node.counters()[name] ?? 0), 0)
}

function report(): BroadcastReport {
  const told = deliveries
  deliveries = []
  const now = { pushed: sum('broadcast-pushed'), duplicates: sum('open-topic-duplicate') }
  const viaGossip = told.filter(({ way }) => way === 'gossipsub').length
  const copies = { plumtree: now.pushed - begun.pushed, gossipsub: viaGossip + now.duplicates - begun.duplicates }
  begun = now
  return {
    addresses: nodes.map(({ address }) => address),
    alive: Math.min(...nodes.map((node) => node.status().cluster.alive)),
    deliveries: told,
    copies,
  }
}

process.on('disconnect', () => process.exit())
process.on('message', async (order: Order) => {
  if (order.type === 'start') await start(order.names, order.join)
  if (order.type === 'publish')
    await nodes[0]!
      .channel('gossip')
      .publish(order.topic, { id: order.id, at: clock() }, { ack: false, monotonic: false })
  // What was heard is told to whoever asks for it, and once.
  process.send!(order.type === 'report' ? report() : { addresses: nodes.map(({ address }) => address) })
})
