// What an earlier life of the node left in its data directory: is it free, and could a node start with the log? It is
// only read, and not at all while a node runs in it: nothing may disturb that one.

import { resolve } from 'node:path'
import { ClusterError } from '../../errors.ts'
import { requireUnlocked } from '../../storage/directory-lock.ts'
import { errnoOf, nodeFileSystem } from '../../storage/file-system.ts'
import { inspectLog, type LogInspection } from '../../storage/log-inspection.ts'
import type { Finding } from './finding.ts'

/** Undefined: no node has been there, or `checkDisk` says what is wrong with the place itself. */
export async function checkData(dataDir: string | undefined): Promise<Finding | undefined> {
  if (dataDir === undefined) return undefined
  const directory = resolve(dataDir)
  try {
    await requireUnlocked(nodeFileSystem, directory)
    return judgeLog(await inspectLog(directory))
  } catch (error) {
    if (error instanceof ClusterError) return describe(directory, error)
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}

function describe(directory: string, { code, message }: ClusterError): Finding | undefined {
  // No node has been in that folder.
  if (code === 'ERR_DATA_FOREIGN') return undefined
  const inUse =
    'stop that one, or choose another --data-dir: one directory is one node. Disk and log were not looked at'
  const advice =
    code === 'ERR_DATA_IN_USE' ? inUse : `see to it that the user of the node can read what is in ${directory}`
  return { check: 'data', level: 'problem', code, text: message, advice }
}

function judgeLog({ directory, header, last, problems }: LogInspection): Finding {
  const [damage] = problems
  if (damage === undefined) {
    const held = header === undefined ? 'of a node that never voted' : `its log is sound, up to entry ${last?.index}`
    return { check: 'data', level: 'ok', text: `${directory}: ${held}` }
  }
  const { code, message } = damage
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more: 'trellis log verify')`
  const way =
    code === 'ERR_DATA_VERSION'
      ? 'go back to the release that wrote it'
      : 'restore the disk, or remove the directory and let the node join as a new member'
  return { check: 'data', level: 'problem', code, text: `${message}${more}`, advice: way }
}
