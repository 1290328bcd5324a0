// One process at a time in a data directory. Node has no flock, so a lock is a file that names its holder, and it is
// stale when that process is gone: no such pid, or one that started at another time, or before the machine did.
//
// Taking over must not be a race, and a file cannot be replaced on condition. So locks are numbered: `lock.7` follows
// `lock.6`, made with `link`, which only one can win. The highest number counts and is never removed: a holder that is
// done empties it. Whoever made a number while a higher one existed (lower ones are swept away) withdraws. Hence two
// holders would need one of them to have judged the other dead. What this cannot see: a process in another pid
// namespace, that is, two containers that share the directory; design rule 7 (the lower generation stops) is what
// remains there.

import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { ClusterError } from '../errors.ts'
import { errnoOf, type FileSystem, openIfThere, readFile } from './file-system.ts'
import { recordOf } from './shape.ts'

/** More lost races than this cannot happen to a process that runs. */
const maxAttempts = 1000

/** A process, so that its pid cannot stand for a later one. */
export interface ProcessIdentity {
  readonly pid: number
  /** Start in clock ticks after boot; empty where the system does not say. */
  readonly started: string
  /** Of this boot of the machine and this pid namespace; empty where the system does not say. */
  readonly world: string
}

export interface DirectoryLock {
  /** Lets others in. */
  release(): Promise<void>
}

/** Rejects with `ERR_DATA_IN_USE` while another process, or another part of this one, holds the lock. */
export async function lockDirectory(fs: FileSystem, directory: string): Promise<DirectoryLock> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const mine = (await requireUnlocked(fs, directory)) + 1
    if (!(await claim(fs, directory, mine))) continue
    const numbers = await lockNumbers(fs, directory)
    if (highest(numbers) > mine) {
      await removeIfThere(fs, lockPath(directory, mine))
      continue
    }
    await sweep(fs, directory, mine)
    return { release: () => release(fs, lockPath(directory, mine)) }
  }
  throw inUse(directory, undefined)
}

/** The number of the last lock, which nobody holds. Rejects with `ERR_DATA_IN_USE` when somebody does. */
export async function requireUnlocked(fs: FileSystem, directory: string): Promise<number> {
  const top = highest(await lockNumbers(fs, directory))
  const holder = top === 0 ? undefined : await readHolder(fs, lockPath(directory, top))
  if (holder !== undefined && isAlive(holder)) throw inUse(directory, holder.pid)
  return top
}

function inUse(path: string, pid: number | undefined): ClusterError<'ERR_DATA_IN_USE'> {
  const by = pid === undefined ? 'other processes' : `process ${pid}`
  return new ClusterError('ERR_DATA_IN_USE', `${path} is in use by ${by}`, { path, pid })
}

/** Writes the claim aside and links it into place, so that nobody sees half of one. False: somebody was faster. */
async function claim(fs: FileSystem, directory: string, number: number): Promise<boolean> {
  const aside = join(directory, `lock.${randomBytes(8).toString('hex')}.tmp`)
  try {
    await writeClaim(fs, aside)
    return await linkIfFree(fs, aside, lockPath(directory, number))
  } finally {
    await removeIfThere(fs, aside)
  }
}

async function writeClaim(fs: FileSystem, path: string): Promise<void> {
  const file = await fs.open(path, 'replace')
  try {
    await file.write(Buffer.from(`${JSON.stringify(thisProcess())}\n`), 0)
  } finally {
    await file.close()
  }
}

async function linkIfFree(fs: FileSystem, from: string, to: string): Promise<boolean> {
  try {
    await fs.link(from, to)
    return true
  } catch (error) {
    // ENOENT: a new holder has swept the folder meanwhile.
    if (errnoOf(error) === 'EEXIST' || errnoOf(error) === 'ENOENT') return false
    throw error
  }
}

async function release(fs: FileSystem, path: string): Promise<void> {
  const file = await openIfThere(fs, path, 'update')
  // The whole directory may be gone by now; then there is nothing to let others into.
  if (file === undefined) return
  try {
    await file.truncate(0)
  } finally {
    await file.close()
  }
}

/**
 * Removes old locks and the leftovers of processes that died while claiming. The last but one stays: a listing of a
 * folder may miss what changes meanwhile, but not all of them.
 */
async function sweep(fs: FileSystem, directory: string, mine: number): Promise<void> {
  for (const name of await fs.list(directory)) {
    const number = numberOf(name)
    const isOld = number !== undefined && number < mine - 1
    if (isOld || /^lock\.[0-9a-f]{16}\.tmp$/.test(name)) await removeIfThere(fs, join(directory, name))
  }
}

async function removeIfThere(fs: FileSystem, path: string): Promise<void> {
  try {
    await fs.remove(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}

/** Undefined: nobody. Claims appear whole, so what cannot be read was left by a crash of the machine. */
async function readHolder(fs: FileSystem, path: string): Promise<ProcessIdentity | undefined> {
  const text = (await readFile(fs, path))?.toString() ?? ''
  let fields: ReturnType<typeof recordOf>
  try {
    fields = recordOf(JSON.parse(text))
  } catch {
    return undefined
  }
  const { pid, started, world } = fields ?? {}
  if (typeof pid !== 'number' || typeof started !== 'string' || typeof world !== 'string') return undefined
  return { pid, started, world }
}

function isAlive({ pid, started, world }: ProcessIdentity): boolean {
  if (world !== thisWorld()) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there, and another user's.
    if (errnoOf(error) !== 'EPERM') return false
  }
  const now = startOf(pid)
  return started === '' || now === undefined || now === started
}

function thisProcess(): ProcessIdentity {
  return { pid: process.pid, started: startOf(process.pid) ?? '', world: thisWorld() }
}

/** Undefined where the system does not say; `dead` for a process that ended and was not waited for yet. */
function startOf(pid: number): string | undefined {
  const stat = readOr(() => readFileSync(`/proc/${pid}/stat`, 'latin1'))
  if (stat === undefined) return undefined
  // The program's name, in brackets, may hold anything; state and start time are the 3rd and 22nd field (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? 'dead' : fields[19]
}

function thisWorld(): string {
  const boot = readOr(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim())
  const namespace = readOr(() => readlinkSync('/proc/self/ns/pid'))
  return boot === undefined ? '' : `${boot} ${namespace ?? ''}`
}

/** Undefined where the system has no such file, or keeps it to itself. */
function readOr(read: () => string): string | undefined {
  try {
    return read()
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}

function lockPath(directory: string, number: number): string {
  return join(directory, `lock.${number}`)
}

function numberOf(name: string): number | undefined {
  const digits = /^lock\.([0-9]{1,15})$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

async function lockNumbers(fs: FileSystem, directory: string): Promise<readonly number[]> {
  return (await fs.list(directory)).map(numberOf).filter((number) => number !== undefined)
}

function highest(numbers: readonly number[]): number {
  return numbers.reduce((most, number) => Math.max(most, number), 0)
}
