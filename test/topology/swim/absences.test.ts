// A member that does not run for a moment, again and again, as on a machine that is too busy: it still finds out who is
// silent, and still accuses nobody whose answers only wait to be read.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemberUnderTest } from './member-under-test.ts'
import { recordOf } from './records.ts'

const stepMs = 10
const bound = 20_000

interface Life {
  /** How long it runs between two absences, and how long these are, in milliseconds. */
  readonly runsMs: number
  readonly awayMs: number
  readonly isAnswered: boolean
}

/** Lets `a` live with its only neighbor `b`; what it came to believe of `b`, and when. */
function live({ runsMs, awayMs, isAnswered }: Life): { readonly believed: Set<string>; readonly downAfterMs: number } {
  const a = new MemberUnderTest([recordOf('b')]).link('b')
  const due = new Map<string, number>()
  const believed = new Set<string>()
  let waiting: number[] = []
  const follow = (): void => {
    for (const effect of a.effects) {
      if (effect.type === 'set-timer') due.set(effect.timer, effect.at)
      if (effect.type === 'clear-timer') due.delete(effect.timer)
      if (effect.type === 'send' && effect.message.type === 'ping') waiting.push(effect.message.probe)
    }
    a.clear()
    believed.add(a.stateOf('b')!)
  }
  follow()
  for (let ran = 0; a.now < bound && !believed.has('down'); ran += stepMs) {
    a.now += stepMs
    if (ran % runsMs === 0) {
      a.now += awayMs
      a.give({ type: 'away', ms: awayMs })
      follow()
    }
    for (const [timer, at] of [...due])
      if (at <= a.now && due.delete(timer)) {
        a.fire(timer, a.now)
        follow()
      }
    // Sockets are read after the timers of a turn.
    const answered = isAnswered ? waiting : []
    waiting = []
    for (const probe of answered)
      a.give({ type: 'message', from: 'b', message: { type: 'ack', probe, target: 'b', updates: [] } })
    follow()
  }
  return { believed, downAfterMs: a.now }
}

for (const { runsMs, awayMs } of [
  { runsMs: 200, awayMs: 250 },
  { runsMs: 600, awayMs: 900 },
  { runsMs: 10, awayMs: 400 },
])
  describe(`a member that is away for ${awayMs} ms after every ${runsMs} ms`, () => {
    it('takes a silent one down', () => {
      const { believed, downAfterMs } = live({ runsMs, awayMs, isAnswered: false })
      assert.ok(believed.has('down'), `not within ${downAfterMs} ms`)
    })

    it('suspects nobody who answers', () => {
      assert.deepEqual(live({ runsMs, awayMs, isAnswered: true }).believed, new Set(['alive']))
    })
  })
