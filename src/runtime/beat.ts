// Intervals of this process, all in step: whatever is to happen every so often happens on one beat of 100 ms, so that an idle process wakes up ten times a
// second for all of its parts and nodes together, and not for each of them on its own.

import { AsyncResource } from 'node:async_hooks'
import { performance } from 'node:perf_hooks'
import type { Timer } from './clock.ts'

/** Intervals of at least so long are kept on the beat. The first call may come up to one beat early. */
export const BEAT_MS = 100

interface Due {
  readonly work: () => void
  readonly everyBeats: number
  left: number
  isRef: boolean
}

const kept = new Set<Due>()
let beat: NodeJS.Timeout | undefined
let lastAt = 0

/** Calls `work` every `ms` milliseconds, in whole beats, with what was current here when it was begun, until disposed. */
export function onBeat(work: () => void, ms: number): Timer {
  const everyBeats = Math.max(1, Math.round(ms / BEAT_MS))
  beat ??= begin()
  // What this process has missed so far will be counted against all: not against one that begins only now.
  const left = everyBeats + missed()
  const due: Due = { work: AsyncResource.bind(work), everyBeats, left, isRef: true }
  kept.add(due)
  hold()
  return {
    unref() {
      due.isRef = false
      hold()
    },
    [Symbol.dispose]() {
      if (kept.delete(due)) hold()
    },
  }
}

function begin(): NodeJS.Timeout {
  lastAt = performance.now()
  return setInterval(look, BEAT_MS)
}

/** Whole beats that have passed since the last one, and were not noticed. */
function missed(): number {
  return Math.floor((performance.now() - lastAt) / BEAT_MS)
}

function look(): void {
  const now = performance.now()
  // Beats that a busy or sleeping process missed have passed all the same.
  const passed = Math.max(1, Math.round((now - lastAt) / BEAT_MS))
  lastAt = now
  // Not those that begin meanwhile.
  for (const due of [...kept]) {
    due.left -= passed
    if (due.left > 0 || !kept.has(due)) continue
    due.left = due.everyBeats
    try {
      due.work()
    } catch (error) {
      // As from a timer of its own: the others are called all the same.
      queueMicrotask(() => {
        throw error
      })
    }
  }
}

/** The process lives as long as somebody whom it is kept alive by. */
function hold(): void {
  if (kept.size === 0) {
    clearInterval(beat)
    beat = undefined
  } else if ([...kept].some(({ isRef }) => isRef)) beat?.ref()
  else beat?.unref()
}
