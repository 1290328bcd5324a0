// The process that most benchmarks run many of: a member with the defaults of `trellis node` that prints what it sees,
// one JSON object a line, with the time of the machine's monotonic clock, which all processes share. SIGTERM makes it
// leave.

import { createNodeIn } from '../node.ts'
import { type NodeWorld, thisMachine } from '../node-world.ts'
import { memberOptions } from '../testing/member-options.ts'
import { plainSwim } from './plain-swim.ts'
import { clock, type Recorded } from './recorded.ts'

/** The role is looked at this often: how exact the figures that are made of it are. */
const lookEveryMs = 1
const blockMs = 400

const { env } = process

record({ type: 'begun', at: clock() })
const isPlain = env.TRELLIS_BENCH_PLAIN === '1'
const world: NodeWorld = isPlain
  ? { ...thisMachine, swim: plainSwim, awayThresholdMs: Number.POSITIVE_INFINITY }
  : thisMachine
const node = await createNodeIn(world, {
  ...memberOptions(),
  logger: 'silent',
  ...(isPlain ? { keepStalledMs: 0 } : {}),
})

process.once('SIGTERM', async () => {
  clearInterval(looking)
  await node.leave()
})
process.on('SIGUSR2', () => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs)
  record({ type: 'blocked', at: clock() })
})
node.events.subscribe((event) => {
  if (event.type !== 'member') return
  const { name, state } = event.change.member
  record({ type: 'state', at: clock(), name, state })
  countAlive()
})
node.vsm.host('s5', ({ token, signal }) => {
  record({ type: 'hosting', at: clock(), token })
  signal.addEventListener('abort', () => record({ type: 'stopped', at: clock(), token }))
})
countAlive()
const looking = env.TRELLIS_BENCH_ROLES === '1' ? setInterval(watchRole(), lookEveryMs) : undefined

function record(event: Recorded): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

function countAlive(): void {
  record({ type: 'alive', at: clock(), count: node.status().cluster.alive })
}

/** A leader may count only an entry of its own term as committed, so a commit index that grows under it shows one. */
function watchRole(): () => void {
  let role = ''
  let term = 0
  let commitIndex = 0
  let hasCommitted = false
  let since = clock()
  return () => {
    const { consensus } = node.status()
    const at = clock()
    if (consensus.role !== role || consensus.term !== term) {
      record({ type: 'role', at, since, role: consensus.role, term: consensus.term })
      if (consensus.role !== role || consensus.role !== 'leader') hasCommitted = false
    }
    if (consensus.role === 'leader' && !hasCommitted && consensus.commitIndex > commitIndex) {
      hasCommitted = true
      record({ type: 'committed', at, term: consensus.term })
    }
    ;({ role, term, commitIndex } = consensus)
    since = at
  }
}
