// How long the disk under the data directory takes to make a few bytes durable: every term, vote and entry waits for
// it. Written beside the node's own files, never into them, and removed again.

import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { errnoOf } from '../../storage/file-system.ts'
import { type Finding, ms } from './finding.ts'

const flushes = 100
const recordBytes = 256
const fileBytes = 1_048_576
/** A leader sends a heartbeat every 100 ms, and waits at most an election timeout of 600 ms for its own disk. */
const slowMs = 100
const tooSlowMs = 600

export async function checkDisk(dataDir: string | undefined): Promise<Finding> {
  if (dataDir === undefined) {
    const text = 'no --data-dir: nothing is written, and a restart is a new member'
    return { check: 'disk', level: 'ok', text }
  }
  const wanted = resolve(dataDir)
  try {
    const directory = await nearestDirectory(wanted)
    const place = directory === wanted ? wanted : `${directory} (${wanted} is not there yet)`
    return judgeFlushes(place, await flushTimes(directory))
  } catch (error) {
    const code = errnoOf(error)
    if (code === undefined) throw error
    const advice = 'give the user of the node the right to write there, make room, or choose another --data-dir'
    return { check: 'disk', level: 'problem', code: 'ERR_DATA_UNWRITABLE', text: `${wanted}: ${code}`, advice }
  }
}

/** `times` in milliseconds. */
export function judgeFlushes(place: string, times: readonly number[]): Finding {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!
  const measured = { p50Ms: at(0.5), p99Ms: at(0.99) }
  const text = `${place}: a flush takes ${ms(measured.p50Ms)}, one in a hundred ${ms(measured.p99Ms)}`
  if (measured.p99Ms < slowMs) return { check: 'disk', level: 'ok', text, measured }
  const advice =
    'use a local disk that is not shared with busy neighbors: leaders wait for it, and step down when it hangs'
  return { check: 'disk', level: measured.p99Ms < tooSlowMs ? 'warning' : 'problem', text, advice, measured }
}

/** The folder itself, or the nearest one above it: the doctor makes none. */
async function nearestDirectory(path: string): Promise<string> {
  try {
    const found = await stat(path)
    if (found.isDirectory()) return path
    throw Object.assign(new Error(`${path} is no directory`), { code: 'ENOTDIR' })
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error
    return nearestDirectory(dirname(path))
  }
}

async function flushTimes(directory: string): Promise<number[]> {
  const path = join(directory, `.trellis-doctor-${randomBytes(6).toString('hex')}`)
  let file: FileHandle | undefined
  try {
    file = await open(path, 'wx', 0o600)
    await file.write(new Uint8Array(fileBytes), 0, fileBytes, 0)
    await file.sync()
    const record = new Uint8Array(recordBytes).fill(1)
    const times: number[] = []
    for (let i = 0; i < flushes; i++) {
      const from = performance.now()
      await file.write(record, 0, recordBytes, i * recordBytes)
      await file.datasync()
      times.push(performance.now() - from)
    }
    return times
  } finally {
    await file?.close()
    await rm(path, { force: true })
  }
}
