import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { type ClusterCommand, ClusterMachine } from '../../../consensus/index.ts'
import type { IncomingRequest, Requests } from '../../../src/channels/requests.ts'
import type { Coordination } from '../../../src/coordination/coordination.ts'
import { LeaderCalls, type Leadership } from '../../../src/coordination/leader-calls.ts'
import { SUBMIT_SUBJECT, Submissions } from '../../../src/coordination/submissions.ts'
import { Wakeups } from '../../../src/coordination/wakeups.ts'
import { ClusterError } from '../../../src/errors.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { failureOf } from '../local-nodes.ts'

const count = { type: 'count', name: 'n', add: 1, subtract: 0 } as const
const lost = (mayHaveHappened: boolean) =>
  new ClusterError('ERR_NOT_LEADER', 'lost', { leader: undefined }, { mayHaveHappened })

/** A leader in this process whose answers get lost as `fate` says, by the number of the proposal. */
function lab(
  fate: (proposal: number) => 'answered' | 'lost after' | 'lost before',
  leadership: Partial<Leadership> = {},
  patienceMs = 10_000,
  requests = {} as Requests,
) {
  const machine = new ClusterMachine()
  let index = 0
  let proposals = 0
  const propose = async (command: ClusterCommand) => {
    const outcome = fate(++proposals)
    if (outcome === 'lost before') throw lost(false)
    const reply = machine.apply({ index: ++index, term: 1 }, command)
    if (outcome === 'lost after') throw lost(true)
    return reply
  }
  const coordination = { propose, reachesMajority: true, knowledge: () => ({ voters: [] }) } as unknown as Coordination
  const led: Leadership = { leader: 'self', voters: ['self'], reachesMajority: true, unledMs: 0, ...leadership }
  const calls = new LeaderCalls({
    clock: systemClock,
    leadership: () => led,
    wakeups: new Wakeups(systemClock),
    patienceMs,
    isStopping: () => false,
  })
  const submissions = new Submissions({
    clock: systemClock,
    self: 'self',
    coordination: () => coordination,
    requests: () => requests,
    calls,
  })
  return { submissions, machine, proposals: () => proposals }
}

describe('a submitted command', () => {
  it('whose answer is lost is sent again and applied once', async () => {
    const { submissions, machine, proposals } = lab((n) =>
      n % 3 === 0 ? 'answered' : n % 3 === 1 ? 'lost before' : 'lost after',
    )
    for (let n = 1; n <= 20; n++) {
      const reply = await submissions.submit('count', count)
      assert.equal(reply.type === 'counted' && reply.value, n)
    }
    assert.ok(proposals() > 50)
    assert.equal(machine.counters.get('n')?.value, 20)
  })

  it('leaves neither a timer nor a listener behind, whatever becomes of it', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
    const before = timers()
    const { signal } = new AbortController()
    const { submissions } = lab((n) => (n % 2 === 0 ? 'answered' : 'lost after'))
    for (let n = 1; n <= 10; n++) await submissions.submit('count', count, { signal })
    assert.deepEqual([timers(), getEventListeners(signal, 'abort').length], [before, 0])
  })

  it('that fails says whether it may have happened: not before anything was sent, not when nothing was taken', async () => {
    const outcomes: [() => 'lost before' | 'lost after', boolean][] = [
      [() => 'lost before', false],
      [() => 'lost after', true],
    ]
    for (const [fate, mayHaveHappened] of outcomes) {
      let isOpen = false
      const { submissions } = lab(() => (isOpen ? fate() : 'answered'))
      await submissions.submit('count', count)
      isOpen = true
      const error = await failureOf(submissions.submit('count', count, { timeoutMs: 60 }))
      assert.equal(error.mayHaveHappened, mayHaveHappened)
      assert.deepEqual([error.code, error.details], ['ERR_TIMEOUT', { operation: 'count', timeoutMs: 60 }])
      assert.equal(error.message, "'count' was not done within 60 ms")
    }
  })

  it('without a leader, or in a minority, is refused with ERR_NO_QUORUM, and has not happened', async () => {
    for (const leadership of [{ leader: undefined }, { reachesMajority: false }]) {
      const { submissions, proposals } = lab(() => 'answered', leadership, 100)
      const error = await failureOf(submissions.submit('count', count))
      assert.deepEqual([error.code, error.mayHaveHappened, proposals()], ['ERR_NO_QUORUM', false, 0])
    }
  })

  it('is refused soon where there has been no leader for long, and waits for an election where there was one', async () => {
    const outcomeOf = async (unledMs: number, endAfterMs: number) => {
      const { submissions } = lab(() => 'answered', { leader: undefined, unledMs }, 30_000)
      return (await failureOf(submissions.submit('count', count, { signal: AbortSignal.timeout(endAfterMs) }))).code
    }
    assert.equal(await outcomeOf(60_000, 4_000), 'ERR_NO_QUORUM')
    assert.equal(await outcomeOf(100, 300), 'ERR_ABORTED')
  })

  it('of a later release is refused by a leader that does not know it, and has not happened', async () => {
    const handlers = new Map<string, (request: IncomingRequest) => Promise<unknown>>()
    const handle = (subject: string, handler: (request: IncomingRequest) => Promise<unknown>) =>
      void handlers.set(subject, handler)
    const { submissions } = lab(() => 'answered', {}, 10_000, { handle } as unknown as Requests)
    submissions.serve()
    const request = { payload: Uint8Array.of(1, 99, 0) } as unknown as IncomingRequest
    const error = await failureOf(handlers.get(SUBMIT_SUBJECT)!(request))
    assert.deepEqual([error.code, error.mayHaveHappened], ['ERR_UPGRADE_PENDING', false])
  })

  it('whose session had to go is sent in a new one', async () => {
    const { submissions, machine } = lab(() => 'answered')
    await submissions.submit('count', count)
    const { sessions, ...rest } = machine.snapshot()
    assert.equal(sessions.length, 1)
    machine.restore({ ...rest, sessions: [] })
    const reply = await submissions.submit('count', count)
    assert.equal(reply.type === 'counted' && reply.value, 2)
  })

  it('is ended by its signal', async () => {
    const { submissions } = lab(() => 'lost before')
    const error = await failureOf(submissions.submit('count', count, { signal: AbortSignal.abort() }))
    assert.equal(error.code, 'ERR_ABORTED')
  })
})
