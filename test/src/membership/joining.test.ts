import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import type { AdmissionAnswer } from '../../../src/membership/admission.ts'
import { Joining } from '../../../src/membership/joining.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { Counters } from '../../../src/runtime/counters.ts'
import { FakeClock } from '../runtime/fake-clock.ts'

let log: string[]
let asked: AbortSignal[]
let answer: (outcome: AdmissionAnswer | Error) => void
let chance: number
let joining: Joining

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] })
  log = []
  asked = []
  chance = 0
  joining = new Joining({
    toolbox: {
      clock: new FakeClock(),
      random: () => chance,
      turn: { enter: (work) => work() },
      counters: new Counters(),
      logger: silentLogger,
    },
    ask: (signal) => {
      asked.push(signal)
      return new Promise((resolve, reject) => {
        answer = (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome))
      })
    },
    onAdmitted: () => log.push('admitted'),
    onTaken: (holder) => log.push(`taken by ${holder}`),
  })
})

afterEach(() => {
  joining.close()
  mock.timers.reset()
})

async function pass(ms: number): Promise<void> {
  mock.timers.tick(ms)
  for (let turn = 0; turn < 6; turn++) await undefined
}

async function answered(outcome: AdmissionAnswer | Error): Promise<void> {
  answer(outcome)
  await pass(0)
}

describe('joining', () => {
  it('asks at once, and no more once admitted', async () => {
    joining.start()
    await pass(0)
    await answered({ outcome: 'admitted' })
    await pass(10_000)
    assert.deepEqual([log, asked.length], [['admitted'], 1])
  })

  it('ends when the name is taken', async () => {
    joining.start()
    await pass(0)
    await answered({ outcome: 'taken', holder: 'b' })
    await pass(10_000)
    assert.deepEqual([log, asked.length], [['taken by b'], 1])
  })

  it('asks again, after 50 to 150 ms by chance, when nobody can say or nobody can be asked', async () => {
    joining.start()
    await pass(0)
    await answered({ outcome: 'later', reason: 'no leader' })
    await pass(49)
    assert.equal(asked.length, 1)
    await pass(1)
    assert.equal(asked.length, 2)
    chance = 0.99
    await answered(new Error('no link'))
    await pass(148)
    assert.equal(asked.length, 2)
    await pass(2)
    assert.equal(asked.length, 3)
    await answered({ outcome: 'admitted' })
    assert.deepEqual(log, ['admitted'])
  })

  it('asks as soon as another one leads', async () => {
    joining.follow('a')
    joining.start()
    await pass(0)
    await answered({ outcome: 'later', reason: 'the leader is changing' })
    joining.follow('a')
    joining.follow(undefined)
    await pass(0)
    assert.equal(asked.length, 1)
    joining.follow('b')
    await pass(0)
    assert.equal(asked.length, 2)
    await pass(60_000)
    assert.equal(asked.length, 2)
    await answered({ outcome: 'admitted' })
    joining.follow('c')
    await pass(60_000)
    assert.deepEqual([log, asked.length], [['admitted'], 2])
  })

  it('asks again at once when it heard of a leader while who was asked knew none, but not when that one knew it', async () => {
    joining.start()
    await pass(0)
    joining.follow('a')
    await answered({ outcome: 'later', reason: 'no leader is known' })
    await pass(0)
    assert.equal(asked.length, 2)
    await answered({ outcome: 'later', reason: 'nobody is sure' })
    assert.equal(asked.length, 2)
  })

  it('asks once more when the name may have moved', async () => {
    joining.start()
    await pass(0)
    await answered({ outcome: 'admitted' })
    joining.start()
    await pass(0)
    await answered({ outcome: 'taken', holder: 'b' })
    assert.deepEqual([log, asked.length], [['admitted', 'taken by b'], 2])
  })

  it('never asks twice at a time', async () => {
    joining.start()
    joining.start()
    await pass(60_000)
    assert.equal(asked.length, 1)
  })

  it('takes no answer once closed, and asks no more', async () => {
    joining.start()
    await pass(0)
    joining.close()
    assert.equal(asked[0]?.aborted, true)
    await answered({ outcome: 'admitted' })
    assert.deepEqual(log, [])
    const other = joining
    other.close()
    await pass(10_000)
    assert.equal(asked.length, 1)
  })

  it('does not ask at all when it is closed between two questions', async () => {
    joining.start()
    await pass(0)
    await answered(new Error('no link'))
    joining.close()
    await pass(10_000)
    assert.equal(asked.length, 1)
  })
})
