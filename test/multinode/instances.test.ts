// One service on three processes, called by a member of this one: who gets the calls, and what is lost with an
// instance.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ServiceMembers } from '../../src/bench/service-members.ts'
import { type BalanceStrategy, createNode, type TrellisNode } from '../../src/index.ts'
import { waitUntil } from '../../src/testing/compliance/wait-until.ts'

const weights = [100, 200, 300]
const outstanding = 64
const calls = 10_000
/** Calls that are made in the peace before and after the kill. */
const enough = 2_000

async function offered(members: ServiceMembers): Promise<{ caller: TrellisNode; pids: number[] }> {
  const caller = await createNode({ name: 'caller', listen: '127.0.0.1:0' })
  const pids: number[] = []
  for (const [at, weight] of weights.entries()) {
    const { process } = await members.start({
      type: 'offer',
      name: `instance-${at + 1}`,
      join: caller.address,
      weight,
    })
    pids.push(process.pid ?? 0)
  }
  await waitUntil(() => caller.services.find('echo').length === weights.length, 30_000)
  return { caller, pids }
}

/** `call` again and again, so many at once, until it says that it is enough. */
async function load(call: (number: number) => Promise<boolean>): Promise<void> {
  let number = 0
  const caller = async (): Promise<void> => {
    while (await call(number++));
  }
  await Promise.all(Array.from({ length: outstanding }, caller))
}

/** Which share of all calls each instance gets. */
async function sharesOf(caller: TrellisNode, strategy: BalanceStrategy): Promise<number[]> {
  const counts = weights.map(() => 0)
  await load(async (number) => {
    if (number >= calls) return false
    const key = strategy === 'consistent-hash' ? { key: `k${number % 1_000}` } : {}
    const who = await caller.services.call('echo', 'who', null, { strategy, ...key })
    const at = Number(String(who).at(-1)) - 1
    if (at >= 0) counts[at]! += 1
    return true
  })
  return counts.map((count) => count / calls)
}

describe('a service of three processes', () => {
  it('gets 10,000 calls as each strategy shares them', async () => {
    await using members = new ServiceMembers()
    const { caller } = await offered(members)
    await using _ = caller
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const even = weights.map(() => 1 / 3)
    const byWeight = weights.map((weight) => weight / total)
    const promised = [
      { strategy: 'round-robin', shares: even, within: 0.001 },
      { strategy: 'weighted', shares: byWeight, within: 0.03 },
      { strategy: 'consistent-hash', shares: byWeight, within: 0.06 },
      { strategy: 'least-loaded', shares: even, within: 0.15 },
      { strategy: 'local-first', shares: even, within: 0.15 },
    ] as const
    for (const { strategy, shares, within } of promised) {
      const got = await sharesOf(caller, strategy)
      for (const [at, share] of shares.entries())
        assert.ok(Math.abs(got[at]! - share) <= within, `${strategy}: ${got} instead of ${shares}`)
    }
    caller.services.register('echo', { who: () => 'instance-0' })
    assert.deepEqual(await sharesOf(caller, 'local-first'), [0, 0, 0], 'all go to the one that is here')
  })

  it('loses the calls in flight at most when one is killed, and of those that may be repeated none', async () => {
    await using members = new ServiceMembers()
    const { caller, pids } = await offered(members)
    await using _ = caller
    const { failures, late } = await killedUnderLoad(caller, pids[1]!, false)
    assert.ok(failures.length <= outstanding, `${failures.length} failed: ${failures[0]}`)
    assert.equal(late, 0, 'none once the instance is known to be gone')
    const repeated = await killedUnderLoad(caller, pids[2]!, true)
    assert.deepEqual(repeated.failures, [])
  })

  it('ends a call that an instance has begun when that is killed', async () => {
    await using members = new ServiceMembers()
    const { caller, pids } = await offered(members)
    await using _ = caller
    const begun = caller.services.call('echo', 'never', null, { strategy: 'round-robin', deadlineMs: 60_000 })
    const other = caller.services.call('echo', 'who', null, { strategy: 'round-robin' })
    const next = Number(String(await other).at(-1)) - 1
    for (const [at, pid] of pids.entries()) if (at !== next) process.kill(pid, 'SIGKILL')
    await assert.rejects(begun, { code: 'ERR_MEMBER_DOWN', mayHaveHappened: true })
  })
})

/** What fails of the calls around the kill, and how many of that when the end of the instance was known. */
async function killedUnderLoad(
  caller: TrellisNode,
  pid: number,
  idempotent: boolean,
): Promise<{ failures: string[]; late: number }> {
  const before = caller.services.find('echo').length
  let answered = 0
  let since = 0
  let isKilled = false
  const failures: string[] = []
  let late = 0
  const isKnown = (): boolean => isKilled && caller.services.find('echo').length < before
  await load(async (number) => {
    const wasKnown = isKnown()
    if (answered >= enough && !isKilled) {
      isKilled = true
      process.kill(pid, 'SIGKILL')
    }
    try {
      await caller.services.call('echo', 'echo', number, { idempotent, strategy: 'round-robin' })
      answered += 1
      if (wasKnown) since += 1
    } catch (error) {
      failures.push(String(error))
      if (wasKnown) late += 1
    }
    return since < enough
  })
  return { failures, late }
}
