// A node whose cluster was merged into another one. While it lives it only notes where it goes (`moving.json`); the
// next time that its directory is opened, and before anything else is read, what it held of the old cluster is removed.
// A crash on the way leaves the note, so it is done again; `moved.json` keeps which clusters were left.

import { join } from 'node:path'
import { readChecked, writeChecked } from './checked-json.ts'
import type { FileSystem } from './file-system.ts'
import type { StoredMove } from './node-storage.ts'
import { parseMove, parseMoves } from './shape.ts'

/** Clusters that one node has left, at most; the earliest are forgotten. */
const MAX_MOVES = 16

/** What belongs to one cluster alone. */
const ofOneCluster = /^(?:raft\.(?:log|snapshot)(?:\.\d+)?|store\.json|forming\.json)$/

/** Does what was noted, if anything was. */
export async function finishMove(fs: FileSystem, directory: string): Promise<void> {
  const note = join(directory, 'moving.json')
  const move = await readChecked(fs, note, parseMove)
  if (move === undefined) return
  for (const name of await fs.list(directory)) if (ofOneCluster.test(name)) await fs.remove(join(directory, name))
  await fs.syncDirectory(directory)
  const cluster = { clusterId: move.into, founders: [], voters: [], admitted: false, names: [] }
  await writeChecked(fs, join(directory, 'peers.json'), move.peers)
  await writeChecked(fs, join(directory, 'cluster.json'), cluster)
  const before = (await readMoves(fs, directory)).filter(({ from }) => from !== move.from)
  await writeChecked(fs, join(directory, 'moved.json'), [...before, { ...move, peers: [] }].slice(-MAX_MOVES))
  await fs.remove(note)
  await fs.syncDirectory(directory)
}

/** Which clusters this node has left. */
export async function readMoves(fs: FileSystem, directory: string): Promise<readonly StoredMove[]> {
  return (await readChecked(fs, join(directory, 'moved.json'), parseMoves)) ?? []
}
