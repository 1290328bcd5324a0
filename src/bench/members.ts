// A process with several members, each with a directory and a port of its own: how fast members find each other when starting Node
// thirty times is not most of the work. Prints one JSON line when all its members see all, and ends in order on SIGTERM.

import { watchParent } from '../cli/parent.ts'
import { createNode } from '../node.ts'
import { clock } from './recorded.ts'

/** What the process is given in TRELLIS_BENCH_MEMBERS, as JSON. */
export interface MembersSettings {
  readonly own: readonly { readonly name: string; readonly address: string; readonly dataDir: string }[]
  /** Addresses of all members of all processes. */
  readonly all: readonly string[]
}

const { env } = process
watchParent(env)?.addEventListener('abort', () => process.exit())
const { own, all }: MembersSettings = JSON.parse(env.TRELLIS_BENCH_MEMBERS!)
const nodes = await Promise.all(
  own.map(({ name, address, dataDir }) =>
    createNode({
      name,
      listen: address,
      join: all.filter((other) => other !== address),
      expect: all.length,
      dataDir,
      secret: env.TRELLIS_SECRET!,
    }),
  ),
)
let isTold = false
const look = (): void => {
  if (isTold || !nodes.every((node) => node.status().cluster.alive === all.length)) return
  isTold = true
  process.stdout.write(`${JSON.stringify({ at: clock() })}\n`)
}
for (const node of nodes) node.events.subscribe(look)
look()
process.once('SIGTERM', () => void Promise.all(nodes.map((node) => node.stop())).then(() => process.exit()))
