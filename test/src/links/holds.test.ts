import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Holds, SPEAK_EVERY_MS } from '../../../src/links/holds.ts'
import type { HoldKind } from '../../../src/wire/hold.ts'
import { FakeClock } from '../runtime/fake-clock.ts'

let said: string[]
let holds: Holds
let clock: FakeClock

beforeEach(() => {
  said = []
  clock = new FakeClock()
  holds = new Holds({
    clock,
    turn: { enter: (work) => work() },
    target: (peer) => (peer === 'gone' ? undefined : { address: `at ${peer}`, pace: 'eager' }),
    links: {
      get: () => undefined,
      send: (peer, message) => {
        if (message.type === 'hold') said.push(`tell ${peer} ${message.kind}`)
        return true
      },
      callMember: (peer, address, pace, afterMs) => void said.push(`call ${peer} ${address} ${pace} ${afterMs}`),
      dropMember: (peer) => void said.push(`drop ${peer}`),
      release: (peer) => void said.push(`release ${peer}`),
    },
  })
})
afterEach(() => holds.close())

/** What was said since the last look. */
function looked(): string[] {
  return said.splice(0)
}

describe('the reasons of a link', () => {
  it('have it dialled, unless it is up or nobody knows where', () => {
    holds.hold('a', 'overlay 0', 'overlay', 500)
    holds.hold('gone', 'overlay 0', 'overlay')
    assert.deepEqual(looked(), ['call a at a eager 500'])
    holds.up('a')
    holds.hold('a', 'voters', 'pinned')
    assert.deepEqual(looked(), ['tell a overlay'])
  })

  it('have it dialled only later while overlays are made to wait, unless there is another one', () => {
    holds.makeOverlaysWait()
    holds.hold('a', 'overlay 0', 'overlay', 500)
    holds.hold('b', 'overlay 0', 'overlay')
    holds.hold('c', 'overlay 0', 'overlay')
    holds.hold('d', 'overlay 0', 'overlay', 500)
    holds.call('a')
    assert.deepEqual(looked(), [])
    holds.hold('b', 'voters', 'pinned')
    holds.hold('e', 'on-demand', 'on-demand')
    assert.deepEqual(looked(), ['call b at b eager 0', 'call e at e eager 0'])
    holds.up('c')
    holds.release('d', 'overlay 0')
    looked()
    holds.letOverlaysCall()
    assert.deepEqual(looked(), ['call a at a eager 500', 'call b at b eager 0'])
    holds.hold('f', 'overlay 0', 'overlay')
    assert.deepEqual(looked(), ['call f at f eager 0'])
  })

  it('have it dialled again when it is lost', () => {
    holds.hold('a', 'overlay 0', 'overlay')
    holds.up('a')
    looked()
    holds.down('a')
    assert.deepEqual(looked(), ['call a at a eager 0'])
  })

  it('are told to the other end by the strongest, whenever that changes', () => {
    holds.up('a')
    holds.hold('a', 'on-demand', 'on-demand')
    holds.hold('a', 'overlay 1', 'overlay')
    holds.hold('a', 'overlay 2', 'overlay')
    holds.release('a', 'overlay 1')
    holds.release('a', 'overlay 2')
    holds.release('a', 'on-demand')
    const kinds: HoldKind[] = ['on-demand', 'overlay', 'on-demand', 'none']
    assert.deepEqual(
      looked().filter((line) => line.startsWith('tell')),
      kinds.map((kind) => `tell a ${kind}`),
    )
  })

  it('are shown by the strongest of both ends', () => {
    holds.up('a')
    holds.hold('a', 'voters', 'pinned')
    assert.equal(holds.kindOf('a'), 'pinned')
    holds.hear('a', 'overlay')
    assert.equal(holds.kindOf('a'), 'overlay')
    assert.equal(holds.kindOf('stranger'), 'on-demand')
  })

  it('keep it for both: it is closed when neither end has one for a while', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] })
    const wait = (ms: number): void => {
      clock.pass(ms)
      context.mock.timers.tick(ms)
    }
    holds.hold('a', 'overlay 0', 'overlay')
    holds.up('a')
    holds.hear('a', 'overlay')
    holds.release('a', 'overlay 0')
    wait(10_000)
    assert.ok(!looked().includes('release a'), 'the other end needs it')
    holds.hear('a', 'none')
    wait(1_000)
    holds.hold('a', 'on-demand', 'on-demand')
    wait(5_000)
    assert.ok(!looked().includes('release a'), 'it is needed again')
    holds.release('a', 'on-demand')
    wait(5_000)
    assert.ok(looked().includes('release a'))
  })

  it('of one that has said nothing yet may be there', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] })
    holds.up('a')
    clock.pass(60_000)
    context.mock.timers.tick(60_000)
    assert.deepEqual(looked(), [])
  })

  it('may come as soon as the ends know each other: that there is none is said with what is said to all', () => {
    holds.up('a')
    assert.deepEqual(looked(), [])
    holds.repeat()
    assert.deepEqual(looked(), ['tell a none'])
  })

  it('are told again and again, and whoever has said why is known to do so too', () => {
    holds.hold('a', 'overlay 0', 'overlay')
    holds.up('a')
    looked()
    for (let time = 0; time < 5; time++) {
      clock.pass(SPEAK_EVERY_MS - 1)
      holds.repeat()
      assert.deepEqual(looked(), ['tell a overlay'])
    }
    assert.deepEqual([...holds.repeating()], [])
    holds.hear('a', 'overlay')
    assert.deepEqual([...holds.repeating()], [['a', SPEAK_EVERY_MS]])
    holds.down('a')
    assert.deepEqual([...holds.repeating()], [])
  })

  it('are told less often where there are many links, and never twice as late as the last time', () => {
    for (let peer = 0; peer < 300; peer++) holds.up(`${peer}`)
    const ticks: number[] = []
    for (let tick = 1; tick <= 20; tick++) {
      looked()
      clock.pass(SPEAK_EVERY_MS)
      holds.repeat()
      if (looked().includes('tell 7 none')) ticks.push(tick)
    }
    assert.deepEqual(ticks, [1, 3, 6, 9, 12, 15, 18])
    holds.hold('7', 'voters', 'pinned')
    looked()
    clock.pass(SPEAK_EVERY_MS)
    holds.repeat()
    assert.deepEqual(looked().includes('tell 7 pinned'), true)
  })

  it('are waited for as long as the other end has paused of late', () => {
    const gapAfter = (...gapsMs: readonly number[]): number | undefined => {
      for (const gapMs of gapsMs) {
        clock.pass(gapMs)
        holds.hear('a', 'overlay')
      }
      return [...holds.repeating()][0]?.[1]
    }
    assert.equal(gapAfter(0, 2_000, 4_000), 4_000)
    assert.ok(gapAfter(100)! >= 3_000, 'a word in between says little of the next gap')
    assert.equal(gapAfter(60_000), 6_000, 'whoever stood still')
    assert.equal(gapAfter(2_000, 2_000, 2_000, 2_000, 2_000), 2_000, 'and is not waited for as long for ever')
  })
})
