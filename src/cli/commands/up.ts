// `trellis up`: a whole cluster on this machine, each node a process of its own, until a signal. Says when it is ready,
// reports a node that dies and goes on without it, and never leaves one behind.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { builtInOverlays } from '../../membership/built-in-overlays.ts'
import { transportNames } from '../../transport/provider.ts'
import { adminToken } from '../client-flags.ts'
import type { CommandContext, JsonFlag } from '../context.ts'
import { engineOf } from '../engine.ts'
import { usageError } from '../failure.ts'
import { rewritten, shellWord, table } from '../output.ts'
import { aborted, watchSignals } from '../signals.ts'
import { stopNodes, waitUntilReady } from '../up/cluster-process.ts'
import { givenSecret, openUpDirectory, prepareDirectories, requireUnused, type UpDirectory } from '../up/directories.ts'
import { describeExit, type NodeProcess, spawnNode } from '../up/node-process.ts'
import { planNodes, requireFreePorts } from '../up/plan.ts'
import type { Readiness } from '../up/readiness.ts'

interface UpFlags extends JsonFlag {
  readonly nodes: number
  readonly topology: string
  readonly transport: string
  readonly coordination?: string
  readonly port: number
  readonly adminPort: number
  readonly dataDir?: string
  readonly secretFile?: string
  readonly logLevel: string
  readonly allowFaults?: boolean
  readonly timeoutMs?: number
}

const maxNodes = 100
/** Until the cluster must be ready, with some time more for each node of a large one. */
const baseTimeoutMs = 60_000
const timeoutPerNodeMs = 1_000

const notes = `
Node i is node-i, at 127.0.0.1:(port + i), its admin at 127.0.0.1:(admin-port + i); port 0 takes free ones. Ready: every member
sees all alive, the voters are complete, S5 is active. Then one line of JSON with --json:
{"ready":true,"ms":812,"leader":"node-2","s5":"node-2","nodes":[{"name":"node-1","pid":1,"address":"…","admin":"…"}]}

With --data-dir the cluster is kept, and each node can be brought back alone: trellis node --name node-2 --data-dir DIR/node-2
--listen 127.0.0.1:7402 --admin 127.0.0.1:7502. Without it all is gone at the end. The secret is made and kept in
DIR/secret unless one is given. Each node's log is DIR/node-i/log.

SIGINT or SIGTERM stops all in order, exit code 0. A node that dies is reported, not restarted.

Examples:
  trellis up --nodes 5
  trellis up --nodes 3 --data-dir ./data --json`

export function addUp(program: Command, context: CommandContext): void {
  program
    .command('up')
    .description('start a cluster on this machine')
    .option('--nodes <N>', 'how many', wholeNumber(1, maxNodes), 5)
    .addOption(
      new Option('--topology <NAME>', 'overlay').choices(builtInOverlays.map(({ name }) => name)).default('full-mesh'),
    )
    .addOption(new Option('--transport <NAME>', 'how members connect').choices(transportNames).default('tcp'))
    .option('--coordination <etcd://HOST:PORT,...>', "keep what is agreed on there (default: the members' own log)")
    .option('--port <PORT>', 'base of the cluster ports', wholeNumber(0, 65_535), 7400)
    .option('--admin-port <PORT>', 'base of the admin ports', wholeNumber(0, 65_535), 7500)
    .option('--data-dir <DIR>', 'keep the cluster here')
    .option('--secret-file <FILE>', 'secret of the cluster (or the variable TRELLIS_SECRET; default: DIR/secret)')
    .option('--log-level <LEVEL>', 'of the nodes', context.env.TRELLIS_LOG || 'info')
    .option('--allow-faults', 'let the admin APIs cut links and stall nodes')
    .option('--timeout-ms <MS>', 'give up when not ready by then', wholeNumber(1, 3_600_000))
    .option('--json', 'report readiness as one line of JSON, errors too')
    .addHelpText('after', notes)
    .action((flags: UpFlags) => up(flags, context))
}

async function up(flags: UpFlags, context: CommandContext): Promise<void> {
  for (const [name, base] of [
    ['--port', flags.port],
    ['--admin-port', flags.adminPort],
  ] as const)
    if (base + flags.nodes > 65_535) throw usageError(`${name} (${base}) leaves no room for ${flags.nodes} ports`)
  // Each range begins behind its base.
  const apart = Math.abs(flags.port - flags.adminPort)
  if (flags.port !== 0 && flags.adminPort !== 0 && apart < flags.nodes)
    throw usageError(`--port (${flags.port}) and --admin-port (${flags.adminPort}) must be ${flags.nodes} apart`)
  if (flags.coordination !== undefined) await engineOf(flags.coordination)
  const startedAt = performance.now()
  using signals = watchSignals()
  const stop = AbortSignal.any([signals.stop, context.parentGone].filter((signal) => signal !== undefined))
  const directory = openUpDirectory(flags.dataDir)
  const nodes: NodeProcess[] = []
  const state = { stopping: false, ready: false }
  try {
    const plans = await planNodes({ ...flags, root: directory.path })
    await requireUnused(plans)
    await requireFreePorts(plans)
    const founders = await prepareDirectories(directory, plans, givenSecret(flags.secretFile, context.env), flags)
    for (const plan of plans) {
      const node = spawnNode(plan, { flags: nodeFlags(flags), env: context.env })
      nodes.push(node)
      void node.exited.then(() => state.ready && !state.stopping && reportExit(node, directory, flags, context))
    }
    const ready = await waitUntilReady(nodes, {
      founders: flags.coordination === undefined ? founders : 0,
      adminToken: adminToken(undefined, context.env),
      timeoutMs: flags.timeoutMs ?? baseTimeoutMs + timeoutPerNodeMs * flags.nodes,
      signal: stop,
      onProgress: progress(flags, context, nodes.length),
    })
    state.ready = true
    if (ready !== undefined) {
      clearProgress(flags, context)
      const ms = Math.round(performance.now() - startedAt)
      context.out(flags.json ? readyLine(ready, nodes, ms) : readyText(ready, nodes, ms, directory))
      await aborted(stop)
    }
  } finally {
    clearProgress(flags, context)
    state.stopping = true
    await stopNodes(nodes, signals.force)
    directory.remove()
  }
}

function nodeFlags({ topology, transport, coordination, logLevel, allowFaults }: UpFlags): string[] {
  return [
    '--topology',
    topology,
    '--transport',
    transport,
    ...(coordination === undefined ? [] : ['--coordination', coordination]),
    '--log-level',
    logLevel,
    ...(allowFaults ? ['--allow-faults'] : []),
  ]
}

function readyLine(
  { leader, s5 }: Extract<Readiness, { ready: true }>,
  nodes: readonly NodeProcess[],
  ms: number,
): string {
  const list = nodes.map(({ plan, pid }) => {
    return { name: plan.name, pid, address: plan.address, admin: `http://${plan.admin}` }
  })
  return `${JSON.stringify({ ready: true, ms, leader, s5, nodes: list })}\n`
}

function readyText(
  ready: Extract<Readiness, { ready: true }>,
  nodes: readonly NodeProcess[],
  ms: number,
  directory: UpDirectory,
): string {
  const rows = nodes.map(({ plan, pid }) => {
    const part = [plan.name === ready.leader ? 'leader' : '', plan.name === ready.s5 ? 'S5' : ''].filter(Boolean)
    return [plan.name, String(pid), plan.address, `http://${plan.admin}`, part.join(', ')]
  })
  const kept = directory.isTemporary ? 'until the end' : 'and it is kept'
  return `${table(['NODE', 'PID', 'ADDRESS', 'ADMIN', 'PART'], rows)}
Ready after ${ms} ms. ${ready.leader} leads and hosts S5 with fencing token ${ready.fencingToken}.
Dashboard: http://${nodes[0]!.plan.admin}/
Data and logs are in ${directory.path}, ${kept}. Ctrl-C stops all.
`
}

/** Whoever reads this can bring the node back alone. */
function reportExit(node: NodeProcess, directory: UpDirectory, flags: UpFlags, context: CommandContext): void {
  const { plan, pid, exit, logPath } = node
  if (exit === undefined) return
  if (flags.json) {
    const { code: exitCode, signal } = exit
    context.err(`${JSON.stringify({ event: 'node-ended', name: plan.name, pid, exitCode, signal, log: logPath })}\n`)
    return
  }
  const own = ['--name', plan.name, '--listen', plan.address, '--admin', plan.admin, '--data-dir', plan.dataDir]
  const engine = flags.coordination === undefined ? [] : ['--coordination', flags.coordination]
  const again = ['trellis', 'node', ...own, ...engine].map(shellWord).join(' ')
  context.err(`trellis: ${plan.name} (pid ${pid}) ${describeExit(exit)} and is not restarted; its log: ${logPath}\n`)
  if (!directory.isTemporary) context.err(`trellis: bring it back with: ${again}\n`)
}

function progress(flags: UpFlags, context: CommandContext, nodes: number): (missing: readonly string[]) => void {
  if (flags.json || !context.isTerminal) return () => {}
  return (missing) => context.err(rewritten(`starting ${nodes} ${nodes === 1 ? 'node' : 'nodes'}: ${missing[0] ?? ''}`))
}

function clearProgress(flags: UpFlags, context: CommandContext): void {
  if (!flags.json && context.isTerminal) context.err(rewritten())
}

function wholeNumber(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value <= max) return value
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
  }
}
