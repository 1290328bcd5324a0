// What a cluster of whole nodes in virtual time has to recover from, and how long it takes: in any overlay, after
// partitions of any length over which all connections broke, after a restart of all at once, with a member that comes
// back at another address. *Whole* is: every member sees every other alive, one leader, S5 active, one epoch, and the
// same value of a key everywhere.

import assert from 'node:assert/strict'
import { createTestCluster, type TestCluster, type TestNode } from '../../src/testing/index.ts'
import { Prng } from '../../src/testing/simulator/random.ts'

export interface Healing {
  readonly topology: string
  readonly seed: number
  readonly members: number
  /** How long the first partition lasts, in milliseconds; the others last for a minute at most. */
  readonly partedMs: number
}

/** Milliseconds of virtual time from the end of each hardship until all was whole. */
export type HealedMs = Readonly<Record<'parted' | 'isolated' | 'all restarted' | 'another address', number>>

/** What is promised: docs/guarantees-membership.md. */
export const healedWithinMs = 10_000
const servers = ['node-1', 'node-2', 'node-3']
const settledMs = 5_000
const elsewhere = '127.0.0.1:9999'

/** Rejects when one of them takes longer than {@link healedWithinMs}. */
export async function heal({ topology, seed, members, partedMs }: Healing): Promise<HealedMs> {
  await using cluster = await createTestCluster(members, {
    seed,
    node: (name) => ({
      topology,
      roles: servers.includes(name) ? ['server'] : [],
      // Small clusters have few neighbors only if they are told to.
      overlayOptions: { hyparview: { activeSize: 3 } },
    }),
  })
  const random = new Prng(seed, 'healing')
  await cluster.advance(settledMs)
  const part = async (side: readonly TestNode[], ms: number): Promise<number> => {
    await cluster.partition(side)
    await cluster.advance(ms / 2)
    await cluster.breakConnections()
    await cluster.advance(ms / 2)
    await cluster.heal()
    return whole(cluster)
  }
  const shuffled = random.shuffle(cluster.nodes)
  const parted = await part(shuffled.slice(0, 1 + random.integer(members - 1)), partedMs)
  const shortMs = Math.min(partedMs, 60_000)
  const isolated = await part([(await cluster.ready()).leader], shortMs)
  await Promise.all(cluster.nodes.map((node) => cluster.kill(node)))
  await cluster.advance(settledMs)
  await Promise.all(cluster.nodes.map((node) => cluster.restart(node)))
  const restarted = await whole(cluster)
  const mover = random.pick(cluster.nodes)
  await cluster.kill(mover)
  await cluster.advance(shortMs)
  await cluster.restart(mover, { listen: elsewhere })
  const moved = await whole(cluster)
  const seen = cluster.nodes.map((node) => node.members().find(({ id }) => id === mover.id)?.address)
  assert.deepEqual(new Set(seen), new Set([elsewhere]))
  return { parted, isolated, 'all restarted': restarted, 'another address': moved }
}

async function whole(cluster: TestCluster): Promise<number> {
  const began = cluster.now
  const value = Math.round(began)
  const left = (): number => Math.max(1, healedWithinMs - (cluster.now - began))
  await cluster.ready({ timeoutMs: left() })
  const write = () => cluster.nodes[0]?.config.set('whole', value).then(() => true)
  await cluster.until('a write', write, { timeoutMs: left() })
  const isEqual = async (): Promise<boolean> => {
    const entries = cluster.nodes.map((node) => node.config.get('whole', { consistency: 'stale' }))
    const topologies = new Set(cluster.nodes.map((node) => JSON.stringify(node.status().topology)))
    return topologies.size === 1 && (await Promise.all(entries)).every((entry) => entry?.value === value)
  }
  await cluster.until('the same everywhere', isEqual, { timeoutMs: left() })
  return cluster.now - began
}
