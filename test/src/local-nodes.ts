// Nodes of this process, on ports of loopback that the kernel picks; stopped when the test that started them is over.

import assert from 'node:assert/strict'
import { afterEach } from 'node:test'
import { ClusterError, createNode, type NodeOptions, type TrellisNode } from '../../src/index.ts'
import { waitUntil } from '../../src/testing/compliance/wait-until.ts'

const running: TrellisNode[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.stop()))
})

/** A node on a free port of loopback, without a thread that would answer for it. */
export async function start(options: NodeOptions = {}): Promise<TrellisNode> {
  const node = await createNode({ listen: '127.0.0.1:0', keepStalledMs: 0, ...options })
  running.push(node)
  return node
}

/** `names.length` nodes that form one cluster, all ready and in agreement. */
export async function form(names: readonly string[], options: (name: string) => NodeOptions = () => ({})) {
  const [first, ...others] = names
  if (first === undefined) return []
  const expect = names.length
  const one = await start({ name: first, expect, timeoutMs: 1, ...options(first) })
  const rest = others.map((name) => start({ name, expect, join: [one.address], ...options(name) }))
  const nodes = [one, ...(await Promise.all(rest))]
  await agreed(nodes)
  return nodes
}

/** Waits until all of `nodes` see each other alive, know one leader, and S5 is active. */
export async function agreed(nodes: readonly TrellisNode[]): Promise<void> {
  await waitUntil(() =>
    nodes.every((node) => {
      const { cluster, consensus, s5 } = node.status()
      const leader = nodes[0]?.status().consensus.leader
      return cluster.alive === nodes.length && leader !== null && consensus.leader === leader && s5.phase === 'active'
    }),
  )
}

export const stateOf = (node: TrellisNode, name: string): string | undefined =>
  node.members().find((member) => member.name === name)?.state

/** The code that a start, or any call, fails with; a node that starts all the same is stopped. */
export async function failureOf(promise: Promise<unknown>): Promise<ClusterError> {
  const error = await promise.then(
    () => assert.fail('it did not fail'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof ClusterError, String(error))
  return error
}
