import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AwayGuard } from '../../../src/runtime/away-guard.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { createTurn } from '../../../src/runtime/turn.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { FakeClock } from './fake-clock.ts'

describe('a turn', () => {
  it('learns of an absence before its work runs', () => {
    const clock = new FakeClock()
    const log: string[] = []
    const turn = createTurn(new AwayGuard(clock, 200, () => log.push('away')), assert.ifError)
    clock.pass(1_000)
    turn.enter(() => log.push('work'))
    turn.enter(() => log.push('more'))
    assert.deepEqual(log, ['away', 'work', 'more'])
  })

  it('hands a bug to its owner instead of throwing it at a timer or a socket', () => {
    const bugs: unknown[] = []
    const bug = new Error('a broken invariant')
    const turn = createTurn(new AwayGuard(new FakeClock(), 200, () => {}), (error) => bugs.push(error))
    turn.enter(() => {
      throw bug
    })
    assert.deepEqual(bugs, [bug])
  })

  it('hands over a bug in what an absence leads to, and does not run the work', () => {
    const clock = new FakeClock()
    const log: string[] = []
    const guard = new AwayGuard(clock, 200, () => {
      throw new Error('a broken invariant')
    })
    const turn = createTurn(guard, () => log.push('bug'))
    clock.pass(1_000)
    turn.enter(() => log.push('work'))
    assert.deepEqual(log, ['bug'])
  })

  it('hands over a bug in what an absence leads to when the guard looks by itself, too', async () => {
    const clock = new FakeClock()
    let isBroken = true
    const guard = new AwayGuard(clock, 200, () => {
      if (isBroken) throw new Error('a broken invariant')
    })
    const bugs: unknown[] = []
    const turn = createTurn(guard, (error) => bugs.push(error))
    guard.start(systemClock, () => turn.enter(() => {}))
    clock.pass(1_000)
    await waitUntil(() => bugs.length === 1)
    isBroken = false
    guard.stop()
  })

  it('runs a nested entrance inside the outer one', () => {
    const log: string[] = []
    const turn = createTurn(new AwayGuard(new FakeClock(), 200, () => {}), assert.ifError)
    turn.enter(() => {
      log.push('outer')
      turn.enter(() => log.push('inner'))
      log.push('outer again')
    })
    assert.deepEqual(log, ['outer', 'inner', 'outer again'])
  })
})
