// What the machine and this Node offer: version, clock, open files. Nothing here depends on an option.

import { systemClock } from '../../runtime/clock.ts'
import { pause } from '../../wait.ts'
import { type Finding, ms } from './finding.ts'

/** As in the package's `engines`. */
const leastNode = [22, 2] as const
const clockWindowMs = 500
/** What NTP slews a clock by is 0.05 %; a step is far more than this. */
const maxDriftMs = 5
/** Lines of two logs that are further apart cannot be put in order by eye. */
const maxOffsetMs = 1_000
/** 2024: no release of this package is older. */
const earliestWallMs = Date.UTC(2024, 0)
/** Every member takes a socket, every page of the dashboard one more. */
const leastFiles = 256
const enoughFiles = 4_096

export function checkNodeVersion(version: string = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isEnough = major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1])
  const text = `Node.js ${version}`
  if (isEnough) return { check: 'node', level: 'ok', text }
  return {
    check: 'node',
    level: 'problem',
    text: `${text} is too old`,
    advice: `install ${leastNode.join('.')} or newer`,
  }
}

/** The clocks of one moment, in milliseconds. */
export interface Clocks {
  readonly wall: number
  readonly monotonic: number
}

export async function checkClock(): Promise<Finding> {
  const before = readClocks()
  await pause(systemClock, clockWindowMs)
  return judgeClock(before, readClocks())
}

export function readClocks(): Clocks {
  return { wall: Date.now(), monotonic: performance.now() }
}

/** Leases and timeouts go by the monotonic clock alone; people and logs go by the other one. */
export function judgeClock(before: Clocks, after: Clocks): Finding {
  const elapsedMs = after.monotonic - before.monotonic
  const driftMs = after.wall - before.wall - elapsedMs
  const measured = { driftMs, elapsedMs }
  if (after.wall < earliestWallMs) {
    const text = `the wall clock says ${new Date(after.wall).toISOString()}`
    const advice = 'set it, best by NTP: times in logs and events will be wrong'
    return { check: 'clock', level: 'warning', text, advice, measured }
  }
  const apart = `wall and monotonic clock went ${ms(Math.abs(driftMs))} apart in ${ms(elapsedMs)}`
  if (Math.abs(driftMs) <= maxDriftMs) return { check: 'clock', level: 'ok', text: apart, measured }
  const advice = 'something steps the wall clock: let one NTP service slew it; leases do not go by it, times in logs do'
  return { check: 'clock', level: 'warning', text: apart, advice, measured }
}

/**
 * How far a member's wall clock is from this one's, both read within one round trip: it told `peerWall` after `sent`
 * and before `heard`, so the middle of the two is wrong by half the trip at most.
 */
export function judgeOffset(address: string, peerWall: number | undefined, sent: Clocks, heard: Clocks): Finding {
  if (peerWall === undefined) return { check: 'clock', level: 'ok', text: `${address} does not tell its clock` }
  // Wall clocks tell whole milliseconds.
  const uncertaintyMs = (heard.monotonic - sent.monotonic) / 2 + 1
  const offsetMs = peerWall - sent.wall - (uncertaintyMs - 1)
  const measured = { offsetMs, uncertaintyMs }
  const where = offsetMs < 0 ? 'behind' : 'ahead of'
  const text = `the clock at ${address} is ${ms(Math.abs(offsetMs))} ${where} this one, give or take ${ms(uncertaintyMs)}`
  if (Math.abs(offsetMs) <= maxOffsetMs) return { check: 'clock', level: 'ok', text, measured }
  const advice =
    'let NTP set both, or their logs and events will not line up; nothing else goes by it: no decision, and dates in certificates are ignored'
  return { check: 'clock', level: 'warning', text, advice, measured }
}

/** Node raises its soft limit to the hard one when it starts, so this is what a node will have. */
export function checkOpenFiles(): Finding {
  const report = process.report?.getReport() as { userLimits?: { open_files?: { soft: number | string } } } | undefined
  return judgeOpenFiles(report?.userLimits?.open_files?.soft)
}

export function judgeOpenFiles(limit: number | string | undefined): Finding {
  if (limit === undefined) return { check: 'files', level: 'ok', text: 'this system states no limit of open files' }
  if (typeof limit === 'string') return { check: 'files', level: 'ok', text: `${limit} open files` }
  const measured = { openFiles: limit }
  if (limit >= enoughFiles) return { check: 'files', level: 'ok', text: `${limit} open files`, measured }
  const level = limit < leastFiles ? 'problem' : 'warning'
  const text = `only ${limit} open files`
  const advice = `raise the hard limit (ulimit -Hn, LimitNOFILE=) to ${enoughFiles}: each member takes one or two`
  return { check: 'files', level, text, advice, measured }
}
