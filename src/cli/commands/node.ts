// `trellis node`: one node in this process, until a signal, the end of the process that started it, or an error that
// the node cannot live with. Logs go to stderr; stdout gets one line when the node belongs to its cluster.

import type { Command } from 'commander'
import { isClusterError } from '../../errors.ts'
import type { TrellisNode } from '../../node-interface.ts'
import { logLevels } from '../../observability/logger.ts'
import type { NodeOptions } from '../../options.ts'
import type { CommandContext, JsonFlag } from '../context.ts'
import { engineOf } from '../engine.ts'
import { addNodeFlags, gatherNodeSettings } from '../settings.ts'
import { aborted, watchSignals } from '../signals.ts'

/** How long leaving and stopping may take before the process ends all the same. */
const stopTimeoutMs = 5_000

const examples = `
Every flag has a variable, such as TRELLIS_DATA_DIR for --data-dir; a flag wins over a variable, a variable over the file. The
secret may also come by TRELLIS_SECRET, the admin token by TRELLIS_ADMIN_TOKEN.

SIGINT and SIGTERM leave the cluster and stop; a second one ends at once. With the same --data-dir the node comes back as the
same member.

Examples:
  trellis node --name a --listen 127.0.0.1:7401 --admin 127.0.0.1:7501 --data-dir ./data/a
  trellis node --name b --listen 127.0.0.1:7402 --admin 127.0.0.1:7502 --join 127.0.0.1:7401
  trellis node --name c --coordination etcd://10.0.0.1:2379,10.0.0.2:2379 --secret-file secret
  trellis node --config node.json`

export function addNode(program: Command, context: CommandContext): void {
  addNodeFlags(program.command('node').description('run one node'))
    .option('--json', 'report readiness as one line of JSON, errors too')
    .addHelpText('after', examples)
    .action((flags: JsonFlag & Readonly<Record<string, unknown>>) => run(flags, context))
}

async function run(flags: JsonFlag & Readonly<Record<string, unknown>>, context: CommandContext): Promise<void> {
  const { options, logLevel, problems } = gatherNodeSettings(flags, context)
  const level = logLevels.includes(logLevel) ? [] : [`logLevel ('${logLevel}') must be ${logLevels.join(', ')}`]
  if (problems.length + level.length > 0) {
    const { refusalOf } = await import('../settings-refusal.ts')
    throw await refusalOf([...problems, ...level], options)
  }
  const { createNode } = await import('../../node.ts')
  const { createLogger } = await import('../../observability/pino-logger.ts')
  using signals = watchSignals()
  void aborted(signals.force).then(() => process.exit(1))
  const stop = AbortSignal.any([signals.stop, context.parentGone].filter((signal) => signal !== undefined))
  // A process that somebody else starts, restarts and stops waits for its cluster as long as it takes.
  const patience = { signal: stop, timeoutMs: Number.POSITIVE_INFINITY }
  const said: unknown = options.coordination
  const engine = said === undefined ? {} : { coordination: await engineOf(said) }
  const logger = () => createLogger({ level: logLevel })
  const start = (from: NodeOptions = {}) =>
    createNode({ ...options, ...engine, ...patience, ...from, logger: logger() })
  let isSaid = false
  /** One line, whichever cluster it is in by then; of a later one the log tells. */
  const say = (node: TrellisNode): void => {
    if (isSaid) logger().info('ready in the other cluster', readiness(node))
    else context.out(flags.json ? `${JSON.stringify(readiness(node))}\n` : describe(node))
    isSaid = true
  }
  let node: TrellisNode
  let failure: unknown
  try {
    node = await start()
    failure = await lifeOf(node, patience, () => say(node))
    // Its cluster was merged into another one: there it goes, as the same member. Without a directory that remembers,
    // it has to be told where that is, and is a new one.
    while (isClusterError(failure, 'ERR_CLUSTER_MERGED')) {
      await node.stop()
      node = await start(options.dataDir === undefined ? { join: failure.details.addresses } : {})
      failure = await lifeOf(node, patience, () => say(node))
    }
  } catch (error) {
    // Asked to stop before it had begun: that is an end in order.
    if (stop.aborted && isClusterError(error, 'ERR_ABORTED')) return
    throw error
  }
  const overdue = setTimeout(() => process.exit(1), 2 * stopTimeoutMs)
  overdue.unref()
  // The one who started this node is gone, or stops the whole cluster: there is nobody to take leave of.
  if (failure === undefined && !context.parentGone?.aborted) await node.leave({ timeoutMs: stopTimeoutMs })
  else await node.stop({ timeoutMs: stopTimeoutMs })
  clearTimeout(overdue)
  if (failure !== undefined) throw failure
}

/** Resolves when it was asked to stop, or to what the node could not live with. */
async function lifeOf(
  node: TrellisNode,
  patience: { readonly signal: AbortSignal; readonly timeoutMs: number },
  whenReady: () => void,
): Promise<unknown> {
  try {
    await node.ready(patience)
    whenReady()
    return await Promise.race([node.fatal, aborted(patience.signal)])
  } catch (error) {
    return patience.signal.aborted ? undefined : error
  }
}

function readiness(node: TrellisNode): Readonly<Record<string, unknown>> {
  const { cluster, consensus } = node.status()
  const { id, name, address, admin = null } = node
  return { ready: true, id, name, pid: process.pid, address, admin, cluster: cluster.name, leader: consensus.leader }
}

function describe(node: TrellisNode): string {
  const { cluster, consensus } = node.status()
  const admin = node.admin === undefined ? '' : `, admin ${node.admin}`
  const leader = consensus.leader === null ? '' : `, led by ${consensus.leader}`
  return `${node.name} is ready at ${node.address}${admin}: ${cluster.name}, ${cluster.alive} of ${cluster.size} members alive${leader}\n`
}
