// Founds a new cluster on what another one had agreed on: from a backup, or from the data directory of a voter whose
// majority is lost for good. An operator's act: whatever of the old cluster still lives, or comes back, is another
// cluster from then on and is refused (`ERR_FOREIGN_CLUSTER`). The new log begins far behind the old one, so every
// revision and fencing token of the new cluster is larger than all that the old one may have given out since.

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ClusterMachine, type ClusterState } from '../../consensus/index.ts'
import { readState } from '../coordination/snapshot-driver.ts'
import { ClusterError } from '../errors.ts'
import { valueProblems } from '../option-checks.ts'
import { DataDirectory } from '../storage/data-directory.ts'
import type { NodeStorage } from '../storage/node-storage.ts'
import { loadIdentity } from '../transport/identity.ts'
import { decodeContent } from '../wire/log-entry.ts'
import { encodeState } from '../wire/machine-state.ts'
import type { Backup } from './backup-file.ts'

/**
 * So many entries may the old cluster have written behind what is restored: at 10,000 a second, those of three years.
 */
const INDEX_LEAP = 2 ** 40

export interface FoundAnewOptions {
  /** A new or empty directory: it becomes the first member's. */
  readonly dataDir: string
  /** The cluster's name. */
  readonly cluster: string
  /** The first member's name. */
  readonly name: string
}

/** What was founded. */
export interface Founded {
  readonly clusterId: string
  /** Which cluster it takes the place of. */
  readonly replaces: string
  /** Every revision and token is larger. */
  readonly index: number
  readonly keys: number
}

/**
 * Writes the data directory of the only voter of a new cluster. Rejects with `ERR_DATA_FOREIGN` when there is something
 * in it already, `ERR_BAD_OPTIONS` when a node cannot have such a name.
 */
export async function foundAnew(backup: Backup, { dataDir, cluster, name }: FoundAnewOptions): Promise<Founded> {
  const problems = valueProblems({ cluster, name })
  if (problems.length > 0) throw new ClusterError('ERR_BAD_OPTIONS', problems.join('; '), { problems })
  const there = await readdir(dataDir).catch(() => [])
  if (there.length > 0) {
    const details = { path: dataDir, expected: 'an empty directory', found: `${there.length} entries` }
    throw new ClusterError(
      'ERR_DATA_FOREIGN',
      `${dataDir} is not empty: a restored cluster begins in a directory of its own`,
      details,
    )
  }
  await using storage = await DataDirectory.open(dataDir, { cluster, identify })
  const self = { id: storage.id, storeId: await storage.storeId() }
  const clusterId = randomBytes(16).toString('hex')
  const place = { index: backup.index + INDEX_LEAP, term: backup.term + 1 }
  const state = renewed(backup.state, self.id, name)
  const log = await storage.createLog({ clusterId, nodeId: self.id, storeId: self.storeId, voters: [self] })
  try {
    await log.load()
    const configuration = { voters: [self], outgoing: [], learners: [] }
    await log.snapshots.store({ ...place, configuration }, encodeState(state))
    await log.append([{ hardState: { term: place.term, votedFor: undefined }, reset: place, entries: [] }])
  } finally {
    await log.close()
  }
  await storage.writeName(name)
  const names = [{ name, id: self.id }]
  await storage.writeCluster({ clusterId, founders: [self.id], voters: [self], admitted: true, names })
  return { clusterId, replaces: backup.clusterId, index: place.index, keys: state.config.records.length }
}

/** What a stopped voter's log holds: its snapshot, and every entry behind it, acknowledged or not. */
export async function readDirectory(dataDir: string, cluster: string): Promise<Backup> {
  // Opened, it would become the directory of a new node.
  if (!existsSync(join(dataDir, 'cluster.json'))) throw holdsNoLog(dataDir)
  await using storage = await DataDirectory.open(dataDir, { cluster, identify })
  const stored = await storage.readCluster()
  const log = stored && (await storage.openLog())
  if (!stored || !log) throw holdsNoLog(dataDir)
  try {
    return { clusterId: stored.clusterId, ...(await stateOf(log)) }
  } finally {
    await log.close()
  }
}

function holdsNoLog(dataDir: string): ClusterError {
  const details = { path: dataDir, expected: 'the log of a voter', found: 'none' }
  return new ClusterError('ERR_DATA_FOREIGN', `${dataDir} holds no log: recover from a voter's directory`, details)
}

async function stateOf(
  log: NonNullable<Awaited<ReturnType<NodeStorage['openLog']>>>,
): Promise<Omit<Backup, 'clusterId'>> {
  const { hardState, snapshot, entries } = await log.load()
  const machine = new ClusterMachine()
  if (snapshot) machine.restore(await readState(log.snapshots, snapshot))
  let index = snapshot?.index ?? 0
  for (const entry of entries.filter((it) => it.index > index)) {
    const { command } = decodeContent(entry.command)
    if (command !== undefined) machine.apply({ index: entry.index, term: entry.term }, command)
    index = entry.index
  }
  return { index, term: hardState.term, state: machine.snapshot() }
}

/**
 * Members, their sessions and what was under way belong to the old cluster; config, counters and claims go on, and
 * claims end with their leases.
 */
function renewed(state: ClusterState, id: string, name: string): ClusterState {
  return {
    ...state,
    names: [[name, id]],
    singletons: state.singletons.map((record) => ({ ...record, released: true })),
    topology: { ...state.topology, proposal: undefined },
    sessions: [],
  }
}

function identify(privateKeyPem: string): string {
  return loadIdentity(privateKeyPem).id
}
