// Most nodes have little to do, and what V8 readies itself for heavy work with is a fifth of what such a process would
// hold: its last compiler, and a young generation that grows whenever enough has survived in it, and seldom shrinks. So
// a process of `trellis node` begins without them, and gets them for good when it has had work for some seconds.
// `bin.ts` begins it. The compiler before the last is left on: without it an idle node takes a third more of a
// processor. The process of whoever uses the library is his own: nothing is changed there.
//
//   sparing ── 1.5 s of processor time beyond what an idle node takes ──▶ usual

import { setFlagsFromString } from 'node:v8'
import { onBeat } from '../runtime/beat.ts'

const LOOK_MS = 1_000
/**
 * What a process may take at any time, as a share of a core. More: a node with moderate work is never optimized; less:
 * one with many members always is.
 */
const IDLE_SHARE = 0.05
/** What it may take beyond that. A start takes some 0.6 s, on a machine that is busy 0.9. */
const BUDGET_MS = 1_500

/**
 * V8 looks at its flags whenever they matter, so they can be changed at any time. A thread that starts sets the last
 * one to 2 when it makes its own heap.
 */
const sparing = ['--no-opt', '--semi-space-growth-factor=1']
const usual = ['--opt', '--semi-space-growth-factor=2']

/** How much more than an idle process one has taken. */
export class Spending {
  #beyondMs = 0

  /** It has taken so much processor time in so many milliseconds: is that no idle process? */
  isWork(takenMs: number, elapsedMs: number): boolean {
    this.#beyondMs = Math.max(0, this.#beyondMs + takenMs - IDLE_SHARE * elapsedMs)
    return this.#beyondMs > BUDGET_MS
  }
}

/** Spares memory in this process until it has work to do. */
export function spareUntilBusy(): void {
  set(sparing)
  const spending = new Spending()
  let takenBefore = 0
  let before = 0
  const look = onBeat(() => {
    const { user, system } = process.cpuUsage()
    const taken = (user + system) / 1_000
    const now = performance.now()
    const isWork = spending.isWork(taken - takenBefore, now - before)
    takenBefore = taken
    before = now
    if (isWork) look[Symbol.dispose]()
    set(isWork ? usual : sparing)
  }, LOOK_MS)
  look.unref()
}

function set(flags: readonly string[]): void {
  for (const flag of flags) setFlagsFromString(flag)
}
