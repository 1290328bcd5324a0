// A process of the benchmark of services, told by IPC what to be: a member that offers a service, many members, or the
// same service behind Moleculer's TCP transporter. It ends with its parent.

import { createNode } from '../node.ts'
import type { TrellisNode } from '../node-interface.ts'
import { systemClock } from '../runtime/clock.ts'
import { waitFor } from '../wait.ts'
import { moleculer } from './moleculer.ts'

/** What the process is told first. */
export type ServiceMemberRole =
  | { readonly type: 'offer'; readonly name: string; readonly join: string | undefined; readonly weight: number }
  | { readonly type: 'many'; readonly names: readonly string[]; readonly join: string; readonly entries: number }
  | { readonly type: 'moleculer'; readonly ports: readonly [near: number, far: number] }

/**
 * What a process of many members is asked then: what it has measured, or to say when each member there finds so many
 * instances.
 */
export type ServiceMemberQuestion = 'propagation' | { readonly type: 'holds'; readonly instances: number }

/** Of what was registered elsewhere, how many milliseconds it took to be found by each member here. */
export interface Propagation {
  readonly milliseconds: readonly number[]
}

const nodes: TrellisNode[] = []
const milliseconds: number[] = []

async function become(role: ServiceMemberRole): Promise<string> {
  if (role.type === 'moleculer') {
    const broker = await moleculer('far', role.ports)
    broker.createService({ name: 'echo', actions: { echo: (context) => context.params } })
    await broker.start()
    return ''
  }
  const names = role.type === 'offer' ? [role.name] : role.names
  for (const name of names) {
    const join = role.join ?? nodes[0]?.address
    nodes.push(await createNode({ name, listen: '127.0.0.1:0', ...(join ? { join } : {}) }))
  }
  const [first] = nodes
  if (role.type === 'offer')
    first!.services.register(
      'echo',
      { echo: (value) => value, who: () => role.name, never: () => new Promise(() => {}) },
      { weight: role.weight },
    )
  else
    for (const node of nodes) {
      for (let entry = 0; entry < role.entries; entry++) node.services.register(`entry-${entry}`, {})
      void watch(node)
    }
  return first!.address
}

/** The time of its registration stands in what is registered; all processes share a clock. */
async function watch(node: TrellisNode): Promise<void> {
  for await (const { type, instance } of node.services.watch('stamped'))
    if (type === 'added') milliseconds.push(Date.now() - Number(instance.metadata.at))
}

process.on('disconnect', () => process.exit())
async function holds(instances: number): Promise<void> {
  const all = (): boolean => nodes.every((node) => node.services.find().length === instances)
  await waitFor('all entries', all, { clock: systemClock, timeoutMs: 60_000 })
  process.send!(true)
}

process.on('message', (message: ServiceMemberRole | ServiceMemberQuestion) => {
  if (message === 'propagation') process.send!({ milliseconds: milliseconds.splice(0) } satisfies Propagation)
  else if (message.type === 'holds') void holds(message.instances)
  else void become(message).then((address) => process.send!(address))
})
