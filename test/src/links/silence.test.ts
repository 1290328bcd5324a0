import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { SPEAK_EVERY_MS } from '../../../src/links/holds.ts'
import { SILENT_MS, Silence } from '../../../src/links/silence.ts'
import { FakeClock } from '../runtime/fake-clock.ts'

let clock: FakeClock
let tick: () => void
let heardAt: Map<string, number>
let repeated: number
let gaps: Map<string, number>
let brokenOff: string[]

beforeEach(() => {
  heardAt = new Map()
  repeated = 0
  gaps = new Map()
  brokenOff = []
  const timer = { unref: () => undefined, [Symbol.dispose]: () => undefined }
  clock = Object.assign(new FakeClock(), {
    setInterval: (work: () => void, ms: number) => {
      assert.equal(ms, SPEAK_EVERY_MS)
      tick = work
      return timer
    },
  })
  new Silence({
    clock,
    turn: { enter: (work) => work() },
    links: { heardAt: (peer) => heardAt.get(peer), breakOff: (peer) => void brokenOff.push(peer) },
    holds: {
      repeat: () => void repeated++,
      repeating: () => [...heardAt.keys()].map((peer) => [peer, gaps.get(peer) ?? SPEAK_EVERY_MS] as const),
    },
    count: () => {},
  })
})

/** Time passes in ticks, and those that are named are heard in each. */
function pass(ms: number, ...heard: readonly string[]): void {
  for (let passed = 0; passed < ms; passed += SPEAK_EVERY_MS) {
    clock.pass(SPEAK_EVERY_MS)
    for (const peer of heard) heardAt.set(peer, clock.now())
    tick()
  }
}

describe('a link over which nothing comes', () => {
  it('is broken off after the time that is named, and no other one', () => {
    heardAt.set('mute', clock.now())
    pass(SILENT_MS - SPEAK_EVERY_MS, 'other')
    assert.deepEqual([brokenOff, repeated], [[], SILENT_MS / SPEAK_EVERY_MS - 1])
    pass(SPEAK_EVERY_MS, 'other')
    assert.deepEqual(brokenOff, ['mute'])
  })

  it('is given as many looks as otherwise when this process is late for each', () => {
    heardAt.set('a', clock.now())
    for (let look = 0; look < 3; look++) {
      clock.pass(2 * SPEAK_EVERY_MS - 1)
      tick()
    }
    assert.deepEqual(brokenOff, [])
    clock.pass(SPEAK_EVERY_MS)
    tick()
    assert.deepEqual(brokenOff, ['a'])
  })

  it('may be silent for longer when the other end speaks less often', () => {
    heardAt.set('rare', clock.now())
    gaps.set('rare', 3 * SPEAK_EVERY_MS)
    pass(3 * SILENT_MS - SPEAK_EVERY_MS)
    assert.deepEqual(brokenOff, [])
    pass(SPEAK_EVERY_MS)
    assert.deepEqual(brokenOff, ['rare'])
  })

  it('is nobody to blame for while this process did not run', () => {
    heardAt.set('a', clock.now())
    clock.pass(10 * SILENT_MS)
    tick()
    assert.deepEqual(brokenOff, [])
    pass(SILENT_MS)
    assert.deepEqual(brokenOff, ['a'])
  })
})
